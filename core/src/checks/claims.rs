//! The claims at the top level of a SET.

use serde_json::{Map, Value};
use url::Url;

use super::Report;
use crate::{
    audience::Audience,
    catalogue::rules,
    dialect::{AudienceForm, Txn},
    error::pointer_step,
    event::requires_txn,
    json::ByName,
    time::{SECONDS_LIMIT, Timestamp},
    web::{differ_by_slash, is_issuer, is_okta_admin_console},
};

pub(super) fn check(report: &mut Report<'_>, claims: &Map<String, Value>) {
    issuer(report, claims.member("iss"));
    issued_at(report, claims.member("iat"));
    if claims.member("jti").and_then(Value::as_str).is_none_or(str::is_empty) {
        report.add(&rules::JTI_MISSING, "/jti", "the SET has no id (jti)");
    }
    audience(report, claims.member("aud"));
    if claims.has("sub") {
        report.add(&rules::SUB_PRESENT, "/sub", "an SSF SET must not have sub: put the subject into sub_id");
    }
    if claims.has("exp") {
        let message = "an SSF SET must not have exp: events do not expire";
        report.add(&rules::EXP_PRESENT, "/exp", message);
    }
    transaction(report, claims);
    if let Some(toe) = claims.member("toe") {
        let in_seconds = toe.as_f64().is_some_and(|seconds| seconds.abs() < SECONDS_LIMIT);
        if !in_seconds {
            report.add(&rules::TOE_TYPE, "/toe", "toe must be a number of seconds since 1970");
        }
    }
    unknown(report, claims);
}

fn issuer(report: &mut Report<'_>, iss: Option<&Value>) {
    let Some(iss) = iss.and_then(Value::as_str).filter(|iss| !iss.is_empty()) else {
        return report.add(&rules::ISS_MISSING, "/iss", "the SET has no issuer (iss)");
    };
    if let Some(expected) = report.context.issuer
        && iss != expected
    {
        let message = if differ_by_slash(iss, expected) {
            "iss differs from the registered issuer only in a trailing slash"
        } else {
            "iss is not the registered issuer"
        };
        return report.add(&rules::ISS_MISMATCH, "/iss", message);
    }
    if !is_issuer(iss) {
        report.add(&rules::ISS_NOT_URL, "/iss", "iss is not an https URL without query and fragment");
    }
}

fn issued_at(report: &mut Report<'_>, iat: Option<&Value>) {
    let number = match iat {
        None | Some(Value::Null) => {
            return report.add(&rules::IAT_MISSING, "/iat", "the SET has no issue time (iat)");
        }
        Some(Value::Number(number)) => number,
        Some(_) => {
            return report.add(
                &rules::IAT_TYPE,
                "/iat",
                "iat must be a number of seconds since 1970, not a string",
            );
        }
    };
    let seconds = number.as_f64().unwrap_or_default();
    if seconds.abs() >= SECONDS_LIMIT {
        return report.add(&rules::IAT_UNIT, "/iat", "iat must be in seconds, not milliseconds");
    }
    if !number.is_i64() && !number.is_u64() {
        report.add(&rules::IAT_FRACTION, "/iat", "iat has a fraction");
    }
    if let (Some(now), Some(time)) = (report.context.now, Timestamp::from_json_seconds(number))
        && time > now
    {
        report.add(&rules::IAT_FUTURE, "/iat", "iat is in the future");
    }
}

fn audience(report: &mut Report<'_>, aud: Option<&Value>) {
    let values: Vec<&str> = match aud {
        None | Some(Value::Null) => {
            return report.add(&rules::AUD_MISSING, "/aud", "the SET has no audience (aud)");
        }
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => {
            several.iter().map(|value| value.as_str().unwrap_or_default()).collect()
        }
        Some(_) => vec![""],
    };
    if values.is_empty() || values.iter().any(|value| value.is_empty()) {
        return report.add(
            &rules::AUD_TYPE,
            "/aud",
            "aud must be a non-empty string, or a list of non-empty strings",
        );
    }
    let dialect = report.context.dialect;
    if aud.is_some_and(Value::is_array) && dialect.data().set.audience != AudienceForm::Any {
        report.add(
            &rules::AUD_LIST,
            "/aud",
            format!("{} accepts a single audience, as a string", dialect.title()),
        );
    } else if values.len() > 1 {
        report.add(&rules::AUD_SEVERAL, "/aud", "aud has several values, which must all name one receiver");
    }
    expected_audience(report, &values);
    if dialect.data().set.audience == AudienceForm::Org {
        org_audience(report, &values);
    }
}

fn expected_audience(report: &mut Report<'_>, values: &[&str]) {
    let expected: Vec<&str> = match report.context.audience {
        None => return,
        Some(Audience::One(one)) => vec![one],
        Some(Audience::Several(several)) => several.iter().map(String::as_str).collect(),
    };
    if values.iter().any(|value| expected.contains(value)) {
        return;
    }
    let close = |value: &&str| expected.iter().any(|other| differ_by_slash(other, value));
    if values.iter().any(close) {
        let message = "aud differs from the expected audience only in a trailing slash";
        report.add(&rules::AUD_SLASH, "/aud", message);
    } else {
        report.add(
            &rules::AUD_MISMATCH,
            "/aud",
            "aud does not contain the audience that the receiver expects",
        );
    }
}

/// The audience is the URL of an org.
fn org_audience(report: &mut Report<'_>, values: &[&str]) {
    for _ in values.iter().filter_map(|value| Url::parse(value).ok()).filter(is_okta_admin_console) {
        report.add(&rules::AUD_ADMIN_HOST, "/aud", "aud names the admin console, not the org");
    }
    if !report.found(&rules::AUD_SLASH) && values.iter().any(|value| value.ends_with('/')) {
        let title = report.context.dialect.title();
        let message = format!("aud has a trailing slash; the value known to work at {title} has none");
        report.add(&rules::AUD_SLASH, "/aud", message);
    }
}

fn transaction(report: &mut Report<'_>, claims: &Map<String, Value>) {
    let required = claims.member("events").and_then(Value::as_object).is_some_and(requires_txn);
    match claims.member("txn") {
        Some(Value::String(txn)) if !txn.is_empty() => {}
        Some(_) => report.add(&rules::TXN_TYPE, "/txn", "txn must be a non-empty string"),
        None if required => report.add(&rules::TXN_REQUIRED, "/txn", "this event requires the claim txn"),
        None if report.context.dialect.data().set.txn == Txn::Generate => {
            report.add(&rules::TXN_MISSING, "/txn", "the SET has no transaction id (txn)");
        }
        None => {}
    }
}

/// Claims that a receiver refuses because it does not know them.
fn unknown(report: &mut Report<'_>, claims: &Map<String, Value>) {
    let set = &report.context.dialect.data().set;
    if !set.only_known_claims {
        return;
    }
    let sub_id = report.context.dialect.data().subject.sub_id;
    let required = claims.member("events").and_then(Value::as_object).is_some_and(requires_txn);
    let known = |name: &str| match name {
        // The last two have rules of their own.
        "iss" | "jti" | "iat" | "aud" | "events" | "sub" | "exp" => true,
        "txn" => set.txn != Txn::Omit || required,
        "toe" => set.toe,
        "sub_id" => sub_id,
        _ => false,
    };
    let title = report.context.dialect.title();
    for name in claims.keys().filter(|name| !known(name)) {
        let message = format!("{title} rejects unknown claims");
        report.add(&rules::CLAIM_NOT_ACCEPTED, pointer_step(name), message);
    }
}
