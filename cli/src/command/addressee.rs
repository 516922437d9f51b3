//! For whom a SET is: the arguments that decide its audience and its form.

use std::{fs, path::Path};

use ssf_transmitter::{
    Dialect, SetBuilder, catalogue::Shape, client::ReceiverBuilder, dialect::TimeUnit, set::Audience,
};

use super::{Failure, Result};

#[derive(clap::Args)]
pub(super) struct Addressee {
    /// An Okta org: the URL where its users sign in
    #[arg(long, value_name = "URL")]
    pub(super) okta: Option<String>,
    /// The audience, exactly as the receiver documents it
    #[arg(long, value_name = "AUD")]
    pub(super) audience: Option<String>,
    /// The receiver's dialect: a built-in id, or a TOML file
    #[arg(long, value_name = "ID|FILE")]
    pub(super) dialect: Option<String>,
    /// The time unit, if it differs from the dialect: `s` or `ms`
    #[arg(long, value_name = "s|ms")]
    pub(super) time_unit: Option<TimeUnit>,
    /// The form of the subject in the event, if it differs from the dialect: `modern`, `bare-complex` or `legacy`
    #[arg(long, value_name = "SHAPE")]
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

    /// The dialect, without a receiver that would be reached.
    pub(super) fn dialect(&self) -> Result<Dialect> {
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
    pub(super) fn audience(&self) -> Result<Audience> {
        let audience = self.audience.as_ref().or(self.okta.as_ref());
        let missing = || Failure::usage("--okta or --audience is needed");
        Ok(audience.ok_or_else(missing)?.as_str().into())
    }

    /// A SET of this issuer.
    pub(super) fn set(&self, issuer: &str) -> Result<SetBuilder> {
        Ok(SetBuilder::new(issuer, self.audience()?).dialect(&self.dialect()?))
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
