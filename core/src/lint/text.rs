//! A SET as text, whoever wrote it: what can be read is read, and what is in the way is told.

use serde_json::{Map, Value};

use crate::{
    base64,
    catalogue::rules,
    checks::{self, Context, Report},
    error::ErrorCode,
    finding::Finding,
    jose::{Algorithm, Jwks, Signature},
    json::{self, Kind},
};

pub(super) fn check(context: Context<'_>, text: &str, signed: bool) -> Vec<Finding> {
    let mut report = Report::new(context);
    let text = bare(&mut report, text);
    let parts: Vec<&str> = text.split('.').collect();
    let [header_part, claims_part, signature_part] = parts[..] else {
        if parts.len() == 5 {
            let message = "the text has five parts: it is encrypted, not only signed";
            report.add(&rules::BODY_ENCRYPTED, "", message);
        } else {
            let message = "a compact SET has three parts, separated by dots";
            report.add(&rules::BODY_NOT_COMPACT, "", message);
        }
        return report.into_findings();
    };
    let header = object(&mut report, header_part, "header");
    let claims = object(&mut report, claims_part, "claims");
    if let Some(header) = &header {
        checks::check_header(&mut report, header);
        if signed {
            let input = format!("{header_part}.{claims_part}");
            signature(&mut report, header, input.as_bytes(), signature_part);
        }
    }
    if let Some(claims) = &claims {
        checks::check_claims(&mut report, claims);
    }
    report.into_findings()
}

/// The claims of a SET, if it can be read.
pub(crate) fn claims(text: &str) -> Option<Map<String, Value>> {
    let part = text.trim().trim_matches('"').split('.').nth(1)?;
    serde_json::from_slice(&base64::decode(part)?).ok()
}

/// The text without what encoders and copying put around it.
fn bare(report: &mut Report<'_>, text: &str) -> String {
    let mut text = text.to_owned();
    if text.contains(char::is_whitespace) {
        report.add(&rules::BODY_WHITESPACE, "", "the text contains spaces or line breaks");
        text.retain(|letter| !letter.is_whitespace());
    }
    if let Some(inside) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        report.add(&rules::BODY_QUOTED, "", "the text is enclosed in quotation marks");
        text = inside.to_owned();
    }
    text
}

/// The bytes of a part, also where its base64 is of another kind.
fn decoded(report: &mut Report<'_>, part: &str, name: &str) -> Option<Vec<u8>> {
    if let Some(bytes) = base64::decode(part) {
        return Some(bytes);
    }
    report.add(&rules::BASE64_INVALID, "", format!("the {name} is not base64url without padding"));
    base64::decode(part.trim_end_matches('=').replace('+', "-").replace('/', "_").as_str())
}

fn object(report: &mut Report<'_>, part: &str, name: &str) -> Option<Map<String, Value>> {
    let bytes = decoded(report, part, name)?;
    // However deep it is, what can be read is looked at.
    let reading = json::read(&bytes, usize::MAX).ok();
    let Some((Value::Object(object), problems)) = reading.map(|reading| (reading.value, reading.problems))
    else {
        report.add(&rules::JSON_INVALID, "", format!("the {name} is not a JSON object"));
        return None;
    };
    let mut duplicated = false;
    for json::Problem { kind, pointer } in problems {
        match kind {
            Kind::Duplicate if duplicated => {}
            Kind::Duplicate => {
                duplicated = true;
                report.add(&rules::JSON_DUPLICATE_MEMBER, pointer, format!("duplicate name in the {name}"));
            }
            Kind::Integer => checks::integer_too_large(report, pointer),
            // All who read doubles read the same one.
            Kind::Decimal => {}
        }
    }
    Some(object)
}

fn signature(report: &mut Report<'_>, header: &Map<String, Value>, input: &[u8], part: &str) {
    let kid = header.get("kid").and_then(Value::as_str).filter(|kid| !kid.is_empty());
    let jwks = report.context.jwks;
    if let (Some(kid), Some(jwks)) = (kid, jwks)
        && !jwks.keys().iter().any(|key| key.kid() == kid)
    {
        report.add(&rules::KID_UNKNOWN, "/kid", "the published JWKS has no key with this kid");
    }
    let algorithm = header.get("alg").and_then(Value::as_str).and_then(|name| name.parse::<Algorithm>().ok());
    if part.is_empty() {
        // A token that says so is not expected to have one.
        if !report.found(&rules::ALG_NONE) {
            report.add(&rules::SIGNATURE_MISSING, "", "the SET is not signed yet");
        }
        return;
    }
    let Some(bytes) = decoded(report, part, "signature") else { return };
    let Some(algorithm) = algorithm else { return };
    if let Err(error) = Signature::Raw(bytes.clone()).into_jws(algorithm) {
        return report.add(&rules::SIGNATURE_FORM, "", error.message());
    }
    if let Some(jwks) = jwks
        && !report.found(&rules::KID_UNKNOWN)
    {
        verify(report, jwks, kid, algorithm, input, &bytes);
    }
}

fn verify(
    report: &mut Report<'_>,
    jwks: &Jwks,
    kid: Option<&str>,
    algorithm: Algorithm,
    input: &[u8],
    signature: &[u8],
) {
    let Err(error) = jwks.verify(kid, algorithm, input, signature) else { return };
    let named = jwks.keys().iter().filter(|key| kid.is_none_or(|kid| kid == key.kid()));
    let fits = named.clone().any(|key| key.verifies(algorithm));
    if fits || error.code() == ErrorCode::Internal {
        report.add(&rules::SIGNATURE_INVALID, "", "the signature does not verify with the published key");
    } else if let Some(key) = named.clone().next() {
        let message =
            format!("the published key is for {}, but the header says {algorithm}", key.algorithm());
        report.add(&rules::ALG_KEY_MISMATCH, "/alg", message);
    }
}
