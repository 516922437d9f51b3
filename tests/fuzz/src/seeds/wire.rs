//! Answers and requests.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{file, list, string, text};

/// An answer in the form that its targets read.
pub(super) fn answer(case: &Value) -> Option<Vec<u8>> {
    let mut text = case["status"].as_u64()?.to_string();
    if let Some(end) = case["body_end"].as_str() {
        let _ = write!(text, " {end}");
    }
    for (name, values) in case["headers"].as_object().into_iter().flatten() {
        for value in values.as_array().unwrap_or(&vec![values.clone()]) {
            let _ = write!(text, "\n{name}: {}", value.as_str()?);
        }
    }
    let body = string(case, "body").unwrap_or_default();
    Some([text.as_bytes(), b"\n\n", &body].concat())
}

/// The answers in the steps of the cases.
pub(super) fn answered(name: &str) -> Vec<Vec<u8>> {
    let file = file(name);
    let steps = list(&file["cases"]).flat_map(|case| list(&case["steps"]));
    steps.filter_map(|step| answer(step.get("input")?.get("answered")?)).collect()
}

pub(super) fn push_answers() -> Vec<Vec<u8>> {
    let explained = file("explain.json");
    let explained = list(&explained["cases"]).filter_map(|case| answer(&case["answer"]));
    let quoting = [
        "400\ncontent-type: application/json\n\n{\"err\":\"invalid_request\",\"description\":\"who is {email}?\"}",
        "401\ncontent-type: text/html; charset=utf-8\n\n<html><p>bad <b>{token}</b></p></html>",
        "400\ncontent-type: text/plain\n\nnot a JWT: {set}",
        "400\ncontent-type: application/json\n\n{\"err\":\"{token}\",\"description\":\"\"}",
    ];
    let quoting = quoting.iter().map(|text| text.as_bytes().to_owned());
    answered("delivery.json").into_iter().chain(explained).chain(quoting).collect()
}

pub(super) fn token_answers() -> Vec<Vec<u8>> {
    let quoting = *b"400\n\n{\"error\":\"invalid_client\",\"error_description\":\"not {secret}\"}";
    answered("token.json").into_iter().chain([quoting.to_vec()]).collect()
}

pub(super) fn okta_answers() -> Vec<Vec<u8>> {
    let providers = file("okta.json");
    let providers: Vec<_> = list(&providers["answers"]).filter_map(answer).collect();
    let log = file("okta-log.json");
    let entries = list(&log["events"]).map(|case| json!({ "status": 200, "body": [case["event"]] }));
    let pages = list(&log["confirmations"]).flat_map(|case| case["log"].as_array().into_iter().flatten());
    let pages = pages.map(|page| {
        let link = page["next"].as_str().map(|next| format!("<https://acme.okta.com{next}>; rel=\"next\""));
        json!({ "status": 200, "headers": link.map(|link| json!({ "link": link })), "body": page["events"] })
    });
    let logged: Vec<_> = entries.chain(pages).filter_map(|case| answer(&case)).collect();
    let quoting = *b"400\n\n{\"errorCode\":\"{token}\",\"errorSummary\":\"{token}\"}";
    [providers, logged, vec![quoting.to_vec()]].concat()
}

pub(super) fn waits() -> Vec<Vec<u8>> {
    let values = [
        "7",
        "0",
        "1.5",
        "18446744073709551615",
        "18446744073709551616",
        "-1",
        " 12 ",
        "Wed, 21 Oct 2015 07:28:10 GMT\nWed, 21 Oct 2015 07:28:00 GMT",
        "Wednesday, 21-Oct-15 07:28:10 GMT",
        "Wed Oct 21 07:28:10 2015",
        "\n\n1767225660",
        "\n\n30",
        "Fri, 31 Dec 9999 23:59:59 GMT\nThu, 01 Jan 1970 00:00:00 GMT",
    ];
    values.iter().map(|text| text.as_bytes().to_owned()).collect()
}

/// The requests of each case, one after the other.
pub(super) fn requests() -> Vec<Vec<u8>> {
    let file = file("stream-api.json");
    let all = list(&file["cases"]).map(|case| {
        let requests = list(&case["steps"]).filter_map(|step| {
            let request = step.get("request")?;
            let kind = request["content_type"].as_str().unwrap_or("application/json");
            let line = format!(
                "{} {}\ncontent-type: {kind}",
                request["method"].as_str()?,
                request["target"].as_str()?
            );
            let body = request.get("body").map(ToString::to_string).unwrap_or_default();
            Some(format!("{line}\n\n{body}"))
        });
        requests.collect::<Vec<_>>().join("\n---\n").into_bytes()
    });
    all.collect()
}

pub(super) fn polls() -> Vec<Vec<u8>> {
    let file = file("stream-api.json");
    let requests =
        list(&file["cases"]).flat_map(|case| list(&case["steps"])).filter_map(|step| step.get("request"));
    let polls =
        requests.filter(|request| request["target"].as_str().is_some_and(|target| target.contains("/poll/")));
    let own = [
        json!({ "ack": ["{jti}"], "maxEvents": 0 }),
        json!({ "ack": ["{jti}"], "setErrs": { "{other}": { "err": "invalid_request", "description": "no" } } }),
        json!({ "returnImmediately": true, "maxEvents": 1 }),
        json!({ "setErrs": { "{jti}": { "err": 1 } } }),
    ];
    polls.filter_map(|request| string(request, "body")).chain(own.iter().map(text)).collect()
}

pub(super) fn authorizations() -> Vec<Vec<u8>> {
    let values = [
        "Bearer {token}",
        "bearer   {token}",
        "\tBEARER {token} ",
        "Bearer {token}\nBearer {token}",
        "Basic dXNlcjpwYXNz",
        "Bearer a.b.c",
        "Bearer",
        "",
        "Bearer {token}, Bearer {token}",
    ];
    values.iter().map(|text| text.as_bytes().to_owned()).collect()
}
