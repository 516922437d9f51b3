//! URLs, and the document that has many of them.

use ssf_transmitter::{
    Network, Receiver, TransmitterConfiguration, conformance, delivery::Target, metadata, okta::ProvidersApi,
    token::ClientCredentials,
};

use super::text;
use crate::judge;

/// A URL, wherever one is given.
pub(crate) fn url(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let network = Network::new();
    let read = [
        Target::new(text).map(drop),
        Receiver::builder(text, "https://receiver.example.com").build().map(drop),
        Receiver::okta(text).build().map(|receiver| assert!(!receiver.host().is_empty())),
        ProvidersApi::new(text).map(|api| assert!(!api.host().is_empty())),
        ClientCredentials::new(text, "client", "secret").machine(false).map(drop),
        metadata::well_known_url(text).map(|url| is_there(&url)),
        metadata::legacy_well_known_url(text).map(|url| is_there(&url)),
        TransmitterConfiguration::new(text).url().map(|url| is_there(&url)),
        network.check_endpoint(text),
    ];
    let password = password(text);
    for error in read.into_iter().filter_map(Result::err) {
        judge::error(&error);
        judge::hides(&error, password);
    }
    let accepted = Target::new(text).is_ok();
    assert!(!accepted || password.is_none(), "credentials are accepted in a URL");
    assert!(accepted || network.check_endpoint(text).is_err());
}

/// Where a document is, is at https, and has no credentials.
fn is_there(url: &str) {
    assert!(url.starts_with("https://") && password(url).is_none(), "{url}");
    assert!(Target::new(url).is_ok(), "{url}");
}

/// The password of a URL, as it is written, if it is too long to be in a message by chance.
fn password(url: &str) -> Option<&str> {
    let authority = url.strip_prefix("https://")?.split(['/', '?', '#', '\\']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    user.split_once(':').map(|(_, password)| password).filter(|password| password.len() >= 8)
}

/// The configuration document of a transmitter.
pub(crate) fn metadata(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match TransmitterConfiguration::from_json(text) {
        Ok(read) => {
            let written = read.to_json().unwrap();
            let again = TransmitterConfiguration::from_json(&written).unwrap();
            assert_eq!((again.to_json().unwrap(), again.issuer()), (written, read.issuer()));
            is_there(&read.url().unwrap());
        }
        Err(error) => judge::error(&error),
    }
    let url = "https://tr.example.com/.well-known/ssf-configuration";
    assert!(!conformance::check_configuration(text, url).is_empty());
    drop(conformance::check_token(text));
}
