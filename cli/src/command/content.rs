//! What a SET says, whoever sends and receives it: the event, its subject, and what goes with them.

use ssf_transmitter::{
    CustomEvent, SetBuilder, Subject, Timestamp, catalogue::EventType, client::Emit, json,
};

use super::{Failure, Result, input, members::Members, moment};

/// A heading of its own, as for the receiver.
pub(super) const EVENT: &str = "Event";

#[derive(clap::Args)]
pub(super) struct Content {
    /// The event: an id such as `caep.session-revoked`, or an event type URI
    ///
    /// Each member of the event has an option then: `ssf emit --event caep.session-revoked --help` lists them.
    #[arg(long, value_name = "ID|URI", required = true, help_heading = EVENT)]
    event: Option<String>,
    /// The event's members, a JSON object; `@FILE` or `-` read it
    #[arg(long, value_name = "JSON", default_value = "{}", help_heading = EVENT)]
    claims: String,
    /// Set the event's `event_timestamp` to the current time
    #[arg(long, help_heading = EVENT)]
    now: bool,
    #[command(flatten)]
    about: About,
    /// The transaction: the same value in all SETs with the same cause
    #[arg(long, value_name = "ID", help_heading = EVENT)]
    pub(super) txn: Option<String>,
    /// The time of the event, `toe`: `now`, seconds since 1970, or such as `2026-11-29T08:30:00Z`
    #[arg(long, value_name = "TIME", value_parser = moment::parse, help_heading = EVENT, hide_short_help = true)]
    pub(super) toe: Option<Timestamp>,
    #[command(flatten)]
    members: Members,
}

#[derive(clap::Args)]
#[group(multiple = false)]
struct About {
    /// The subject: a user, by email address
    #[arg(long, value_name = "ADDRESS", help_heading = EVENT)]
    email: Option<String>,
    /// The subject: any identifier, a JSON object; `@FILE` or `-` read it
    #[arg(long, value_name = "JSON", help_heading = EVENT)]
    subject: Option<String>,
    /// The subject: an identifier in a private format agreed on with the receiver, a JSON object; `@FILE` or `-` read it
    #[arg(long, value_name = "JSON", help_heading = EVENT, hide_short_help = true)]
    custom_subject: Option<String>,
}

impl Content {
    /// Puts it into a SET.
    pub(super) fn put_into(&self, set: SetBuilder) -> Result<SetBuilder> {
        let mut set = set.event(self.event()?);
        if let Some(subject) = self.subject()? {
            set = set.subject(subject);
        }
        if let Some(txn) = &self.txn {
            set = set.txn(txn);
        }
        if let Some(toe) = self.toe {
            set = set.toe(toe);
        }
        Ok(set)
    }

    /// The same, for a SET on its way. Event and subject are in it already.
    pub(super) fn add_to(&self, mut emit: Emit) -> Emit {
        if let Some(txn) = &self.txn {
            emit = emit.txn(txn);
        }
        if let Some(toe) = self.toe {
            emit = emit.toe(toe);
        }
        emit
    }

    /// The subject; without one, the event has it inside.
    pub(super) fn subject(&self) -> Result<Option<Subject>> {
        self.about.read()
    }

    /// Whether it says nothing but which event it is.
    pub(super) fn is_bare(&self) -> bool {
        let About { email, subject, custom_subject } = &self.about;
        let texts = [email, subject, custom_subject, &self.txn];
        texts.into_iter().all(Option::is_none)
            && (self.claims == "{}" && !self.now && self.toe.is_none() && self.members.0.is_empty())
    }

    /// The name of the event, if it is given.
    pub(super) fn event_name(&self) -> Option<&str> {
        self.event.as_deref()
    }

    pub(super) fn event(&self) -> Result<CustomEvent> {
        let event = self.event_name().ok_or_else(|| Failure::usage("--event is needed"))?;
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
