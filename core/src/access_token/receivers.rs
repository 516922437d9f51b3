//! Which client of an issuer is which receiver.

use std::collections::HashMap;

use crate::{
    error::{Error, ErrorCode, Result},
    stream::Caller,
};

/// What stands for the client id in a rule.
const CLIENT: &str = "{client}";
/// The longest client id that a rule takes.
const LONGEST: usize = 256;

/// The registered clients of one issuer, and the rule for the others.
#[derive(Clone, Debug, Default)]
pub(super) struct Clients {
    registered: HashMap<String, Registered>,
    pub(super) rule: Option<Registered>,
}

/// The id of a receiver, and the `aud` of its SETs.
#[derive(Clone, Debug)]
pub(super) struct Registered {
    receiver: String,
    audience: String,
    dialect: Option<String>,
}

impl Registered {
    pub(super) fn new(receiver: String, audience: String) -> Self {
        Self { receiver, audience, dialect: None }
    }

    /// What is before and after the client id in the id of the receiver, if that has one.
    fn pattern(&self) -> Option<(&str, &str)> {
        self.receiver.split_once(CLIENT)
    }

    fn caller(&self) -> Caller {
        self.with_dialect(Caller::new(&self.receiver).audience(self.audience.as_str()))
    }

    fn with_dialect(&self, caller: Caller) -> Caller {
        self.dialect.iter().fold(caller, Caller::dialect)
    }

    fn for_client(&self, client: &str) -> Caller {
        let audience = self.audience.replace(CLIENT, client);
        self.with_dialect(Caller::new(self.receiver.replace(CLIENT, client)).audience(audience.as_str()))
    }

    fn check(&self) -> Result<()> {
        if self.receiver.is_empty() {
            return Err(Error::new(ErrorCode::ConfigurationInvalid, "the id of a receiver is empty"));
        }
        if self.pattern().is_some_and(|(_, after)| after.contains(CLIENT)) {
            let message = "the rule for the id of a receiver has the client id twice";
            return Err(Error::new(ErrorCode::ConfigurationInvalid, message));
        }
        if self.audience.is_empty() {
            return Err(Error::new(ErrorCode::AudienceMissing, "a receiver has an empty audience"));
        }
        Ok(())
    }
}

impl Clients {
    pub(super) fn register(&mut self, client: String, registered: Registered) {
        self.registered.insert(client, registered);
    }

    /// Sets the dialect of a receiver, or of all that the rule makes.
    pub(super) fn set_dialect(&mut self, receiver: &str, dialect: &str) {
        let all = self.registered.values_mut().chain(&mut self.rule);
        for registered in all.filter(|registered| registered.receiver == receiver) {
            registered.dialect = Some(dialect.to_owned());
        }
    }

    /// The receiver of a client.
    pub(super) fn caller(&self, client: &str) -> Option<Caller> {
        if let Some(registered) = self.registered.get(client) {
            return Some(registered.caller());
        }
        // RFC 6749 appendix A.1, without spaces: the id goes into keys and claims.
        let is_plain = client.len() <= LONGEST && client.bytes().all(|byte| byte.is_ascii_graphic());
        self.rule.as_ref().filter(|_| is_plain).map(|rule| rule.for_client(client))
    }

    /// The ids of the receivers that were registered by name.
    pub(super) fn receivers(&self) -> impl Iterator<Item = &str> {
        // Without a client id in it, a rule names one receiver.
        let fixed = self.rule.iter().filter(|rule| rule.pattern().is_none());
        self.registered.values().chain(fixed).map(|registered| registered.receiver.as_str())
    }

    /// Whether the rule makes `receiver` for a client that is not registered: two callers would share its streams.
    pub(super) fn may_make(&self, receiver: &str) -> bool {
        let Some((before, after)) = self.rule.as_ref().and_then(Registered::pattern) else { return false };
        let client = receiver.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        client.is_some_and(|client| !client.is_empty() && !self.registered.contains_key(client))
    }

    /// Whether the rules of two issuers can make the same id.
    pub(super) fn may_collide(&self, other: &Self) -> bool {
        let rule = |clients: &Self| {
            let (before, after) = clients.rule.as_ref()?.pattern()?;
            Some((before.to_owned(), after.to_owned()))
        };
        let (Some((before, after)), Some((other_before, other_after))) = (rule(self), rule(other)) else {
            return false;
        };
        (before.starts_with(&other_before) || other_before.starts_with(&before))
            && (after.ends_with(&other_after) || other_after.ends_with(&after))
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.registered.is_empty() && self.rule.is_none() {
            let message = "an issuer has no receivers: register its clients, or let every client in";
            return Err(Error::new(ErrorCode::ConfigurationInvalid, message));
        }
        self.registered.values().chain(&self.rule).try_for_each(Registered::check)
    }
}
