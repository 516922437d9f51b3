//! What a SET says: issuer, key, event, subject, and its other claims.

use std::ffi::OsString;

use ssf_transmitter::{
    CustomEvent, Receiver, SetBuilder, SigningKey, Subject, Timestamp, Transmitter, catalogue::EventType,
    client::Emit, config::Config, json,
};

use super::{Failure, Result, addressee::Addressee, input, members::Members, moment, route::Route};

#[derive(clap::Args)]
pub(super) struct Signal {
    /// The issuer: the exact `issuer` of your transmitter configuration [default: that of `ssf.toml`]
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Your private key, in PEM, DER, or as JWK or JWKS: a file, `env:NAME`, `dir:PATH`, `cmd:PROGRAM ARG…` (its output), or `-`
    /// (standard input). The variable `SSF_KEY_PASSWORD` decrypts an encrypted one [default: the key of `ssf.toml`]
    // What starts with a hyphen may be a key in PEM, given by mistake: clap would print it.
    #[arg(long = "key", value_name = "SOURCE", allow_hyphen_values = true)]
    key: Option<OsString>,
    #[command(flatten)]
    options: input::KeyOptions,
    /// The event: an id such as `caep.session-revoked`, or an event type URI
    ///
    /// Each member of the event has an option then: `ssf emit --event caep.session-revoked --help` lists them.
    #[arg(long, value_name = "ID|URI", required = true)]
    event: Option<String>,
    /// The event's members, a JSON object; `@FILE` or `-` read it
    #[arg(long, value_name = "JSON", default_value = "{}")]
    claims: String,
    /// Set the event's `event_timestamp` to the current time
    #[arg(long)]
    now: bool,
    #[command(flatten)]
    about: About,
    /// The transaction: the same value in all SETs with the same cause
    #[arg(long, value_name = "ID")]
    txn: Option<String>,
    /// The id of the SET; random without it
    #[arg(long, value_name = "ID")]
    jti: Option<String>,
    /// The time of the event, `toe`: `now`, seconds since 1970, or such as `2026-11-29T08:30:00Z`
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    toe: Option<Timestamp>,
    #[command(flatten)]
    members: Members,
}

#[derive(clap::Args)]
#[group(multiple = false)]
struct About {
    /// The subject: a user, by email address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The subject: any identifier, a JSON object; `@FILE` or `-` read it
    #[arg(long, value_name = "JSON")]
    subject: Option<String>,
    /// The subject: an identifier in a private format agreed on with the receiver, a JSON object; `@FILE` or `-` read it
    #[arg(long, value_name = "JSON")]
    custom_subject: Option<String>,
}

impl Signal {
    pub(super) fn key(&self, config: Option<&Config>) -> Result<SigningKey> {
        match (&self.key, config) {
            (Some(source), _) => self.options.read(source),
            (None, Some(config)) => self.options.read_from(config),
            (None, None) => Err(Failure::usage("--key is needed, or a file ssf.toml with a key")),
        }
    }

    fn issuer<'a>(&'a self, config: Option<&'a Config>) -> Result<&'a str> {
        let issuer = self.issuer.as_deref().or_else(|| config?.issuer());
        issuer.ok_or_else(|| Failure::usage("--issuer is needed, or a file ssf.toml with an issuer"))
    }

    /// What sends it.
    pub(super) fn transmitter(&self, route: &Route, config: Option<&Config>) -> Result<Transmitter> {
        route.transmitter(Transmitter::builder(self.issuer(config)?, self.key(config)?), config)
    }

    /// The SET for a receiver.
    pub(super) fn set(&self, to: &Addressee, config: Option<&Config>) -> Result<SetBuilder> {
        let mut set = to.set(self.issuer(config)?, config)?.event(self.event()?);
        if let Some(subject) = self.subject()? {
            set = set.subject(subject);
        }
        if let Some(txn) = &self.txn {
            set = set.txn(txn);
        }
        if let Some(jti) = &self.jti {
            set = set.jti(jti);
        }
        if let Some(toe) = self.toe {
            set = set.toe(toe);
        }
        Ok(set)
    }

    /// The same, on its way.
    pub(super) fn emit(&self, transmitter: &Transmitter, to: &Receiver) -> Result<Emit> {
        let mut emit = transmitter.emit(self.event()?, self.subject()?, to);
        if let Some(txn) = &self.txn {
            emit = emit.txn(txn);
        }
        if let Some(jti) = &self.jti {
            emit = emit.jti(jti);
        }
        if let Some(toe) = self.toe {
            emit = emit.toe(toe);
        }
        Ok(emit)
    }

    /// The subject; without one, the event has it inside.
    pub(super) fn subject(&self) -> Result<Option<Subject>> {
        self.about.read()
    }

    pub(super) fn event(&self) -> Result<CustomEvent> {
        let event = self.event.as_deref().ok_or_else(|| Failure::usage("--event is needed"))?;
        let mut members = json::parse_object(&input::text(&self.claims)?, "--claims")?;
        if self.now {
            members.insert("event_timestamp".to_owned(), Timestamp::now().into());
        }
        for (name, value) in &self.members.0 {
            if members.insert(name.clone(), value.clone()).is_some() {
                let message =
                    format!("the member {name} is set twice: by its option, and by --claims or --now");
                return Err(Failure::usage(message));
            }
        }
        // A URI may be one of the sender's own: lint says if it is nearly a known one.
        let uri = if event.contains(':') { event } else { EventType::by_name(event)?.uri };
        Ok(CustomEvent::new(uri, members))
    }
}

impl About {
    fn read(&self) -> Result<Option<Subject>> {
        Ok(match (&self.email, &self.subject, &self.custom_subject) {
            (Some(email), ..) => Some(Subject::email(email)),
            (None, Some(json), _) => Some(Subject::from_json(&input::text(json)?)?),
            (None, None, Some(json)) => Some(Subject::custom_from_json(&input::text(json)?)?),
            (None, None, None) => None,
        })
    }
}
