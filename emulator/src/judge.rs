//! The judge: the order in which a SET is looked at.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use super::answer::{ErrorCode, Notes, Refusal};
use super::claims;
use super::config::Config;
use super::jws::{self, CompactJws, JoseHeader};
use super::keys::Trouble;
use super::ledger::Dropped;
use super::profile::{Presence, Profile, RepeatedJti};
use super::transmitters::Transmitters;

pub(crate) struct Judge {
    profile: &'static Profile,
    audience: String,
    users: Vec<String>,
    transmitters: Arc<Transmitters>,
    /// How often each `jti` was accepted.
    accepted: Mutex<HashMap<String, u64>>,
}

impl Judge {
    pub(crate) fn new(config: &Config, transmitters: Arc<Transmitters>) -> Self {
        Self {
            profile: config.like.profile(),
            audience: config.audience.clone(),
            users: config.users.clone(),
            transmitters,
            accepted: Mutex::default(),
        }
    }

    /// How often each `jti` was accepted.
    pub(crate) fn accepted(&self) -> HashMap<String, u64> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn count_distinct(&self) -> usize {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Notes what can be decoded, without judging it.
    pub(crate) fn read(body: &[u8], notes: &mut Notes) {
        if let Ok(jws) = CompactJws::parse(body) {
            notes.header = jws::decode(jws.header, "header").ok().map(Value::from);
            notes.claims = jws::decode(jws.payload, "payload").ok().map(Value::from);
        }
    }

    /// Whether a key of this name, of the transmitter with this issuer, would have to be fetched.
    pub(crate) fn is_new_key(&self, issuer: Option<&str>, kid: &str) -> bool {
        self.transmitters.keys_of(issuer).is_ok_and(|keys| keys.lacks(kid))
    }

    /// Accepts a SET, perhaps without effect, or refuses it. What could be decoded is noted either way.
    pub(crate) async fn judge(&self, body: &[u8], notes: &mut Notes) -> Result<Option<Dropped>, Refusal> {
        let jws = CompactJws::parse(body)?;
        let header = jws::decode(jws.header, "header")?;
        notes.header = Some(header.clone().into());
        let claims = jws::decode(jws.payload, "payload")?;
        notes.claims = Some(claims.clone().into());

        let header = JoseHeader::of(&header, self.profile.algorithms)?;
        if header.kid.is_none() && self.profile.kid == Presence::Required {
            return Err(Refusal::new(ErrorCode::InvalidKey, "The header kid is needed"));
        }
        // The issuer comes first: the keys to check with are those of the issuer.
        let keys = self.transmitters.keys_of(claims.get("iss").and_then(Value::as_str))?;
        keys.verify(jws, &header).await.map_err(|trouble| self.refuse(trouble))?;
        claims::check_audience(&claims, &self.audience, self.profile.audience)?;
        let jti = claims::check_rest(&claims, self.profile)?;
        let events = claims::check_events(&claims, self.profile)?;
        Ok(self.drop_reason(jti, &events))
    }

    fn refuse(&self, trouble: Trouble) -> Refusal {
        match trouble {
            Trouble::Issuer(description) => Refusal::new(ErrorCode::InvalidIssuer, description),
            Trouble::Key(description) => Refusal::new(ErrorCode::InvalidKey, description),
            Trouble::Signature => {
                Refusal::new(self.profile.bad_signature, "The signature does not match the key")
            }
        }
    }

    fn drop_reason(&self, jti: &str, events: &[&Map<String, Value>]) -> Option<Dropped> {
        let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        let times = accepted.entry(jti.to_owned()).or_default();
        *times += 1;
        if *times > 1 && self.profile.repeated_jti == RepeatedJti::Dropped {
            return Some(Dropped::RepeatedJti);
        }
        events.iter().any(|event| self.is_about_stranger(event)).then_some(Dropped::UnknownUser)
    }

    /// Whether an event is about a user the receiver does not know. One about a device alone is not.
    fn is_about_stranger(&self, event: &Map<String, Value>) -> bool {
        let Some([first, rest @ .., last]) = self.profile.user else {
            return false;
        };
        if self.users.is_empty() {
            return false;
        }
        let user = rest.iter().try_fold(event.get(*first), |value, name| Some(value?.get(*name)));
        let Some(Some(user)) = user else {
            return false;
        };
        let sign_in = user.get(*last).and_then(Value::as_str);
        !sign_in.is_some_and(|sign_in| self.users.iter().any(|known| known == sign_in))
    }
}
