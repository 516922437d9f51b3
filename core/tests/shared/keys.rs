//! `tests/vectors/keys.json`: private keys in all common formats, and values that are not keys.

use crate::common::{file, list, object, refused, run, same, text};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use ssf_transmitter::{Error, Jwks, SetBuilder, SigningKey, Subject, event::caep};

/// Imports what a case holds, with what it chooses.
fn import(input: &Value) -> Result<SigningKey, Error> {
    let input = object(input);
    let known = ["pem", "pem_base64", "der_base64", "jwk", "jwks", "password", "kid", "algorithm"];
    assert!(input.keys().all(|name| known.contains(&name.as_str())), "an input of another form: {input:?}");
    let bytes = |name: &str| input.get(name).map(|value| STANDARD.decode(text(value)).unwrap());
    // As a text where the form of the text matters, else as the JSON value itself.
    let json = |name: &str| {
        input.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned))
    };
    let password = input.get("password").map(text);
    let mut kid = input.get("kid").map(text);

    let pem = input.get("pem").map(|pem| text(pem).as_bytes().to_vec()).or_else(|| bytes("pem_base64"));
    let mut key = match (pem, bytes("der_base64"), json("jwk"), json("jwks")) {
        (Some(pem), None, None, None) => match password {
            Some(password) => SigningKey::from_encrypted_pem(pem, password),
            None => SigningKey::from_pem(pem),
        },
        (None, Some(der), None, None) => match password {
            Some(password) => SigningKey::from_encrypted_der(der, password),
            None => SigningKey::from_der(der),
        },
        (None, None, Some(jwk), None) => SigningKey::from_jwk(&jwk),
        (None, None, None, Some(jwks)) => match kid.take() {
            Some(kid) => SigningKey::from_jwks(&jwks, kid),
            None => SigningKey::from_jwk(&jwks),
        },
        _ => panic!("one key, please"),
    }?;
    if let Some(algorithm) = input.get("algorithm") {
        key = key.with_algorithm(text(algorithm).parse()?)?;
    }
    match kid {
        Some(kid) => key.with_kid(kid),
        None => Ok(key),
    }
}

#[test]
fn every_key_is_imported_with_its_algorithm_kid_and_thumbprint_or_refused_with_its_code() {
    let file = file("keys.json");
    run("keys.json", "cases", list(&file["cases"]), |case| {
        let imported = import(&case["input"]);
        if let Some(error) = case.get("error") {
            let message =
                imported.as_ref().map_or_else(|error| error.message().to_owned(), |_| String::new());
            refused(imported, &error["code"], &error["pointer"])?;
            return match error["says"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|words| !message.contains(text(words)))
            {
                Some(words) => Err(format!("the message does not say {words}: {message}")),
                None => Ok(()),
            };
        }
        let key = imported.map_err(|error| error.to_string())?;
        let expected = &case["expect"];
        same("the algorithm", &key.algorithm().as_str(), &text(&expected["algorithm"]))?;
        same("the kid", &key.kid(), &text(&expected["kid"]))?;
        same("the thumbprint", &key.public_key().thumbprint().as_str(), &text(&expected["thumbprint"]))
    });
    let with = |name: &str| list(&file["cases"]).iter().filter(|case| case.get(name).is_some()).count();
    assert_eq!(with("expect"), crate::common::count("keys.json", "imported"));
    assert_eq!(with("error"), crate::common::count("keys.json", "refused"));
}

#[test]
fn what_an_imported_key_signs_verifies_with_the_key_that_it_publishes() {
    for case in list(&file("keys.json")["cases"]).iter().filter(|case| case.get("expect").is_some()) {
        let key = import(&case["input"]).unwrap();
        let set = SetBuilder::new(crate::common::ISSUER, crate::common::AUDIENCE)
            .event(caep::SessionRevoked::new())
            .subject(Subject::opaque("session-1"))
            .sign(&key)
            .unwrap();
        let published = Jwks::from_json(&Jwks::new([key.public_key().clone()]).unwrap().to_json()).unwrap();
        let verified = set.decode().unwrap().verify(&published).map(|key| key.kid().to_owned());
        assert_eq!(verified.unwrap(), key.kid(), "{}", case["name"]);
    }
}

#[test]
fn every_code_of_keys_that_an_import_can_give_has_a_case() {
    let file = file("keys.json");
    let given = |code: &str| list(&file["cases"]).iter().any(|case| case["error"]["code"] == code);
    for code in
        ssf_transmitter::ErrorCode::ALL.iter().filter(|code| code.kind() == ssf_transmitter::ErrorKind::Key)
    {
        // These belong to sets of public keys, to rotation and to sources.
        let elsewhere = [
            "kid_duplicate",
            "key_set_no_next",
            "key_set_too_early",
            "key_set_active",
            "key_set_watched",
            "key_source_invalid",
            "key_source_unavailable",
        ];
        assert!(given(code.as_str()) || elsewhere.contains(&code.as_str()), "{}", code.as_str());
    }
}

#[test]
fn no_message_quotes_the_key_or_the_password() {
    for case in list(&file("keys.json")["cases"]) {
        let Err(error) = import(&case["input"]) else {
            continue;
        };
        let mut shown = vec![format!("{error} {error:?}")];
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            shown.push(format!("{cause} {cause:?}"));
            source = cause.source();
        }
        let shown = shown.join(" ");
        for secret in secrets(&case["input"]) {
            assert!(!shown.contains(&secret), "{}: {shown}", case["name"]);
        }
    }
}

/// The texts of an input that nobody may see: the password, lines of PEM, long members.
fn secrets(input: &Value) -> Vec<String> {
    match input {
        Value::String(text) => {
            text.split(['\n', '"']).filter(|part| part.len() > 30).map(ToOwned::to_owned).collect()
        }
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| match (name.as_str(), value) {
                ("password", Value::String(password)) if password.len() > 3 => vec![password.clone()],
                _ => secrets(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(secrets).collect(),
        _ => Vec::new(),
    }
}
