//! The keys that what is kept is sealed with.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use ssf_transmitter::{Error, ErrorCode, outbox::Seal};
use zeroize::Zeroizing;

use super::super::{Result, secret};

/// Where the keys are: `env:NAME` or `file:PATH` each.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sealing {
    index_key: String,
    /// The first one seals; the others open what they sealed before.
    keys: Vec<SealingKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SealingKey {
    id: String,
    key: String,
}

impl Sealing {
    pub(super) fn seal(&self) -> Result<Seal> {
        let [first, others @ ..] = &self.keys[..] else {
            return Err(wrong("seal.keys: it has no key").into());
        };
        let index_key = read("seal.index_key", &self.index_key)?;
        let seal = Seal::new(*index_key, &first.id, *first.read()?)?;
        others.iter().try_fold(seal, |seal, other| Ok(seal.also_opens(&other.id, *other.read()?)?))
    }
}

impl SealingKey {
    fn read(&self) -> Result<Zeroizing<[u8; 32]>> {
        read(&format!("seal.keys: {}", self.id), &self.key)
    }
}

/// A key from this place. What is given may be the key itself by mistake: messages do not repeat it.
fn read(setting: &str, place: &str) -> Result<Zeroizing<[u8; 32]>> {
    let place: secret::Place =
        place.parse().map_err(|_| wrong(&format!("{setting}: write env:NAME or file:PATH")))?;
    let text = place.read().map_err(|failure| failure.in_place(setting))?;
    let bytes = BASE64_STANDARD.decode(text.as_str()).map(Zeroizing::new).unwrap_or_default();
    let mut key = Zeroizing::new([0; 32]);
    if bytes.len() != key.len() {
        let remedy = "a key is 32 bytes in base64, as `openssl rand -base64 32` prints it";
        return Err(wrong(&format!("{setting}: {remedy}")).into());
    }
    key.copy_from_slice(&bytes);
    Ok(key)
}

fn wrong(message: &str) -> Error {
    Error::new(ErrorCode::ConfigurationInvalid, message)
}
