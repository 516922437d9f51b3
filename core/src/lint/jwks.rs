//! The published keys.

use serde_json::{Map, Value};

use crate::{
    base64,
    catalogue::rules,
    checks::{Context, Report},
    dialect::Dialect,
    error::ErrorCode,
    finding::Finding,
    jose::Entry,
    pem::BOM,
};

/// Members that only a private or symmetric key has (RFC 7518 §6; `priv` of the type AKP, ML-DSA for JOSE).
const PRIVATE: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// Lints a published JWKS document (RFC 7517, RFC 7518 §6).
///
/// ```
/// use ssf_transmitter::lint::jwks;
///
/// let findings = jwks(r#"{ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] }"#);
/// assert!(findings.iter().any(|finding| finding.rule().id == "jwks-symmetric"));
/// ```
pub fn jwks(document: &str) -> Vec<Finding> {
    let dialect = Dialect::default();
    let mut report = Report::new(Context::of(&dialect));
    check(&mut report, document);
    report.into_findings()
}

fn check(report: &mut Report<'_>, document: &str) {
    let parsed = serde_json::from_str::<Value>(document).ok();
    let Some(Value::Array(keys)) = parsed.as_ref().and_then(|document| document.get("keys")) else {
        let message = if document.starts_with(BOM) {
            "the document starts with a byte order mark, which JSON must not have"
        } else {
            "a JWKS must be an object with a list of objects `keys`"
        };
        return report.add(&rules::JWKS_INVALID, "", message);
    };
    let mut kids = Vec::new();
    let mut usable = 0;
    for (index, jwk) in keys.iter().enumerate() {
        let place = format!("/keys/{index}");
        let Value::Object(jwk) = jwk else {
            report.add(&rules::JWKS_INVALID, place, "a key is a JSON object");
            continue;
        };
        private(report, &place, jwk);
        let entry = Entry::of(jwk);
        if let Entry::Foreign(why) = entry {
            // RFC 7517 §5: readers ignore it. A published secret is a problem nevertheless.
            if jwk.get("kty").is_none_or(|kty| kty != "oct") {
                report.add(&rules::JWKS_KEY_FOREIGN, place, format!("the key cannot verify SETs: {why}"));
            }
            continue;
        }
        usable += usize::from(key(report, &place, jwk, entry));
        match jwk.get("kid").and_then(Value::as_str).filter(|kid| !kid.is_empty()) {
            None => report.add(&rules::JWKS_KID_MISSING, format!("{place}/kid"), "the key has no kid"),
            Some(kid) if kids.contains(&kid) => {
                let message = "another key of the set has this kid";
                report.add(&rules::JWKS_KID_DUPLICATE, format!("{place}/kid"), message);
            }
            Some(kid) => kids.push(kid),
        }
    }
    if usable == 0 {
        report.add(&rules::JWKS_EMPTY, "/keys", "the set contains no key that can verify a SET");
    }
}

/// Whether the key can verify a SET.
fn key(report: &mut Report<'_>, place: &str, jwk: &Map<String, Value>, entry: Entry) -> bool {
    match (jwk.contains_key("use"), jwk.contains_key("key_ops")) {
        (true, true) => {
            report.add(
                &rules::JWKS_USE_AND_KEY_OPS,
                format!("{place}/key_ops"),
                "the key has both use and key_ops",
            );
        }
        (false, false) => {
            report.add(&rules::JWKS_USE_MISSING, format!("{place}/use"), "the key has no use");
        }
        _ => {}
    }
    if !jwk.contains_key("alg") {
        report.add(&rules::JWKS_ALG_MISSING, format!("{place}/alg"), "the key does not name its algorithm");
    }
    for name in ["n", "e"] {
        let number = jwk.get(name).and_then(Value::as_str).and_then(base64::decode);
        if number.is_some_and(|bytes| bytes.len() > 1 && bytes.first() == Some(&0)) {
            let message = format!("the number {name} has leading zero bytes");
            report.add(&rules::JWKS_LEADING_ZERO, format!("{place}/{name}"), message);
        }
    }
    match entry {
        Entry::Key(_) => true,
        Entry::Foreign(_) => false,
        Entry::Malformed(error) if error.code() == ErrorCode::KeyRsaTooShort => {
            report.add(&rules::JWKS_RSA_TOO_SHORT, format!("{place}/n"), error.message());
            false
        }
        Entry::Malformed(error) => {
            let inside = error.pointer().unwrap_or_default();
            report.add(&rules::JWKS_KEY_INVALID, format!("{place}{inside}"), error.message());
            false
        }
    }
}

fn private(report: &mut Report<'_>, place: &str, jwk: &Map<String, Value>) {
    if jwk.get("kty").is_some_and(|kty| kty == "oct") {
        return report.add(
            &rules::JWKS_SYMMETRIC,
            format!("{place}/kty"),
            "the set publishes a shared secret",
        );
    }
    if let Some(name) = PRIVATE.iter().find(|name| jwk.contains_key(**name)) {
        let message = "the set publishes a private key";
        report.add(&rules::JWKS_PRIVATE_MEMBER, format!("{place}/{name}"), message);
    }
}
