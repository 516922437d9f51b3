//! Settings that need or exclude each other.

use super::settings::{ReceiverSettings, Settings};
use crate::error::pointer_step;

/// Tells `report` the place of each contradiction, and what to do.
pub(super) fn check(settings: &Settings, mut report: impl FnMut(&str, &'static str)) {
    let key_options = [
        ("/kid", settings.kid.is_some()),
        ("/algorithm", settings.algorithm.is_some()),
        ("/key_password", settings.key_password.is_some()),
    ];
    for (pointer, _) in key_options.into_iter().filter(|(_, given)| *given && settings.key.is_none()) {
        report(pointer, "it describes a key: set key, too");
    }
    let network = &settings.network;
    if network.client_certificate.is_some() != network.client_key.is_some() {
        report("/network", "set client_certificate and client_key together");
    }
    if let Some(outbox) = &settings.outbox {
        match (&outbox.file, &outbox.database) {
            (Some(_), None) if outbox.schema.is_some() => {
                report("/outbox/schema", "a schema is for an outbox in a database");
            }
            (Some(_), Some(_)) | (None, None) => report("/outbox", "set either file or database"),
            _ => {}
        }
    }
    for (name, receiver) in &settings.receivers {
        let pointer = format!("/receivers{}", pointer_step(name));
        self::receiver(receiver, network.client_certificate.is_some(), |key, message| {
            report(&format!("{pointer}{key}"), message);
        });
    }
}

fn receiver(receiver: &ReceiverSettings, certificate: bool, mut report: impl FnMut(&str, &'static str)) {
    match (&receiver.okta, &receiver.endpoint) {
        (None, Some(_)) if receiver.audience.is_none() => {
            report("", "set audience: the receiver documents it");
        }
        (Some(_), None) | (None, Some(_)) => {}
        _ => report("", "set either okta or endpoint"),
    }
    let tokens = receiver.token_url.is_some();
    if tokens != receiver.client_id.is_some() {
        report("", "set token_url and client_id together");
    }
    let given = [tokens, receiver.bearer.is_some(), receiver.authorization.is_some()];
    if given.into_iter().filter(|given| *given).count() > 1 {
        report("", "set one of token_url, bearer and authorization");
    }
    for (key, given) in [
        ("/client_secret", receiver.client_secret.is_some()),
        ("/token_auth", receiver.token_auth.is_some()),
        ("/token_key", receiver.token_key.is_some()),
        ("/scope", receiver.scope.is_some()),
        ("/token_parameters", !receiver.token_parameters.is_empty()),
    ] {
        if given && !tokens {
            report(key, "it is for access tokens: set token_url, too");
        }
    }
    if !tokens {
        return;
    }
    let (secret, key) = (receiver.client_secret.is_some(), receiver.token_key.is_some());
    match receiver.token_auth.as_deref() {
        Some("private-key-jwt") if !key => report("", "token_auth private-key-jwt needs token_key"),
        Some("mtls") if !certificate => {
            report("", "token_auth mtls needs client_certificate and client_key in [network]");
        }
        Some("private-key-jwt" | "mtls") if secret => {
            report("/client_secret", "this token_auth uses no client secret");
        }
        Some("private-key-jwt" | "mtls") => {}
        _ if !secret => report("", "set client_secret, or another token_auth"),
        _ if key => report("/token_key", "it is for token_auth private-key-jwt"),
        _ => {}
    }
}
