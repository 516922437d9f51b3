//! For whom a SET is: the arguments that decide its audience and its form.

use std::{fs, path::Path};

use ssf_transmitter::{
    Dialect, SetBuilder, catalogue::Shape, client::ReceiverBuilder, config::Config, dialect::TimeUnit,
    set::Audience,
};

use super::{Failure, Result};

/// A heading of its own, set on each argument: one for the whole struct would go on for those that follow it.
pub(super) const RECEIVER: &str = "Receiver";

#[derive(Clone, clap::Args)]
pub(super) struct Addressee {
    /// A receiver by its name in `ssf.toml`. Other options replace what the file says of it
    #[arg(long, value_name = "NAME", conflicts_with = "okta", help_heading = RECEIVER)]
    pub(super) to: Option<String>,
    /// An Okta org: the URL where its users sign in
    #[arg(long, value_name = "URL", help_heading = RECEIVER)]
    pub(super) okta: Option<String>,
    /// The audience, exactly as the receiver documents it
    #[arg(long, value_name = "AUD", help_heading = RECEIVER)]
    pub(super) audience: Option<String>,
    /// The receiver's dialect: a built-in id, or a TOML file
    #[arg(long, value_name = "ID|FILE", help_heading = RECEIVER)]
    pub(super) dialect: Option<String>,
    /// The time unit, if it differs from the dialect: `s` or `ms`
    #[arg(long, value_name = "s|ms", help_heading = RECEIVER, hide_short_help = true)]
    pub(super) time_unit: Option<TimeUnit>,
    /// The form of the subject in the event, if it differs from the dialect: `modern`, `bare-complex` or `legacy`
    #[arg(long, value_name = "SHAPE", help_heading = RECEIVER, hide_short_help = true)]
    pub(super) subject_shape: Option<Shape>,
}

impl Addressee {
    /// Sets what is given here of a receiver.
    pub(super) fn apply(&self, mut builder: ReceiverBuilder) -> Result<ReceiverBuilder> {
        if let Some(audience) = &self.audience {
            builder = builder.audience(audience.as_str());
        }
        if let Some(name) = &self.dialect {
            builder = builder.dialect(&dialect(name)?);
        }
        if let Some(unit) = self.time_unit {
            builder = builder.time_unit(unit);
        }
        if let Some(shape) = self.subject_shape {
            builder = builder.subject_shape(shape);
        }
        Ok(builder)
    }

    /// The receiver that is named, as the file and the options describe it.
    pub(super) fn named(&self, config: Option<&Config>) -> Result<Option<ReceiverBuilder>> {
        let Some(name) = &self.to else { return Ok(None) };
        let missing = || Failure::usage("--to names a receiver of ssf.toml, and there is no such file");
        self.apply(config.ok_or_else(missing)?.receiver_builder(name)?).map(Some)
    }

    /// The URL of the Okta org, if the receiver is one.
    pub(super) fn org<'a>(&'a self, config: Option<&'a Config>) -> Option<&'a str> {
        let named = || config?.okta_org(self.to.as_deref()?);
        self.okta.as_deref().or_else(named)
    }

    /// The dialect, without a receiver that would be reached.
    fn dialect(&self) -> Result<Dialect> {
        let mut built = match &self.dialect {
            Some(name) => dialect(name)?,
            None if self.okta.is_some() => Dialect::okta(),
            None => Dialect::default(),
        };
        if let Some(unit) = self.time_unit {
            built = built.with_time_unit(unit)?;
        }
        if let Some(shape) = self.subject_shape {
            built = built.with_subject_shape(shape)?;
        }
        Ok(built)
    }

    /// The audience, without a receiver that would be reached.
    fn audience(&self) -> Result<Audience> {
        let audience = self.audience.as_ref().or(self.okta.as_ref());
        let missing = || Failure::usage("--to, --okta or --audience is needed");
        Ok(audience.ok_or_else(missing)?.as_str().into())
    }

    /// A SET of this issuer.
    pub(super) fn set(&self, issuer: &str, config: Option<&Config>) -> Result<SetBuilder> {
        let audience = match self.named(config)? {
            Some(named) => named.build()?.audience().clone(),
            None => self.audience()?,
        };
        self.shape(SetBuilder::new(issuer, audience), config)
    }

    /// Gives a SET the form that the receiver wants, under the lint policy of the file.
    pub(super) fn shape(&self, set: SetBuilder, config: Option<&Config>) -> Result<SetBuilder> {
        let dialect = match self.named(config)? {
            Some(named) => named.build()?.dialect().clone(),
            None => self.dialect()?,
        };
        let set = set.dialect(&dialect);
        Ok(match config {
            Some(config) => set.lint(config.lint_policy()?),
            None => set,
        })
    }
}

/// A built-in dialect, or one in a file.
pub(super) fn dialect(name: &str) -> Result<Dialect> {
    if Path::new(name).extension().is_some_and(|extension| extension == "toml") {
        let text = fs::read_to_string(name).map_err(|error| Failure::file(name, &error))?;
        return Dialect::from_toml(&text).map_err(|error| Failure::from(error).in_place(name));
    }
    Ok(Dialect::built_in(name)?)
}
