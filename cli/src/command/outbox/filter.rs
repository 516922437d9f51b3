//! Which deliveries.

use ssf_transmitter::{
    Subject, Timestamp,
    outbox::{Filter, Seal, State},
};

use super::super::{Result, moment};

#[derive(clap::Args)]
pub(super) struct Selection {
    /// In this state: `waiting`, `in_flight`, `delivered`, `dead` or `discarded`; repeatable
    #[arg(long = "state", value_name = "STATE", value_parser = state)]
    states: Vec<State>,
    /// To this receiver
    #[arg(long, value_name = "NAME")]
    receiver: Option<String>,
    /// With this event, by its id or URI
    #[arg(long, value_name = "ID|URI")]
    event: Option<String>,
    /// Whose last failure has this code, such as `receiver_rejected`
    #[arg(long)]
    code: Option<String>,
    /// With this id; repeatable
    #[arg(long = "jti", value_name = "JTI")]
    jtis: Vec<String>,
    /// About this subject, as JSON. Subjects of a sealed outbox are found only in the program that has the seal
    #[arg(long, value_name = "JSON")]
    subject: Option<String>,
    /// Enqueued this long ago or later, such as `90s`, `15m`, `1h` or `7d`, or since a time, such as `2026-11-29T13:05:00Z`
    #[arg(long, value_name = "TIME", value_parser = moment::ago)]
    since: Option<Timestamp>,
    /// Enqueued before that, in the same forms
    #[arg(long, value_name = "TIME", value_parser = moment::ago)]
    until: Option<Timestamp>,
}

impl Selection {
    pub(super) fn filter(self) -> Result<Filter> {
        let mut filter = Filter::new();
        filter.states = self.states;
        filter.receiver = self.receiver;
        filter.event = self.event;
        filter.code = self.code;
        filter.jtis = self.jtis;
        if let Some(json) = self.subject {
            filter.subject = Some(Seal::subject_tag(None, &Subject::parse(&json)?)?);
        }
        filter.since = self.since;
        filter.until = self.until;
        Ok(filter)
    }
}

fn state(name: &str) -> Result<State, String> {
    State::by_name(name).ok_or_else(|| {
        let names: Vec<_> = State::ALL.iter().map(|state| state.as_str()).collect();
        format!("the states are {}", names.join(", "))
    })
}
