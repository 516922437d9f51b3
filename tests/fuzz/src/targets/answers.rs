//! What receivers, token endpoints and Okta answer.
//!
//! An input is an answer as text: a line with the status and how the body ends, lines with headers, an empty line, the
//! body. The body may quote what was sent: `{set}`, `{token}`, `{email}` and `{secret}` stand for that.

use std::{sync::LazyLock, time::Duration};

use serde_json::Value;
use ssf_transmitter::{
    Dialect, Error, KeyType, SetBuilder, SignedSet, SigningKey, Subject, Timestamp,
    delivery::{Action, Delivery, Input, RetryPolicy, Target},
    event::caep,
    http::{BodyEnd, Response},
    lint::Linter,
    okta::{LogApi, LogEvent, LogQuery, NewProvider, ProviderSettings, ProvidersApi},
    secret::Secret,
    token::{ClientCredentials, TokenAction},
};

use super::text;
use crate::judge;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);
const EMAIL: &str = "ada.lovelace@example.com";
const TOKEN: &str = "t0ken-4711-of-the-sender";
const SECRET: &str = "s3cret-0815-of-the-client";
const ORG: &str = "https://acme.okta.com";
/// More steps than any delivery has.
const STEPS: usize = 200;

static SET: LazyLock<SignedSet> = LazyLock::new(|| {
    SetBuilder::new("https://tr.example.com", "https://receiver.example.com")
        .event(caep::SessionRevoked::new())
        .subject(Subject::email(EMAIL))
        .sign(&SigningKey::generate(KeyType::P256).unwrap())
        .unwrap()
});

/// The answer that an input describes.
fn answer(bytes: &[u8]) -> Option<Response> {
    let end = bytes.windows(2).position(|two| two == b"\n\n").unwrap_or(bytes.len());
    let mut lines = text(&bytes[..end])?.lines();
    let (status, how) = lines.next().map(|line| line.split_once(' ').unwrap_or((line, "")))?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    let body = bytes.get(end + 2..).unwrap_or_default();
    let body = match text(body) {
        Some(body) => {
            sent().iter().fold(body.to_owned(), |body, (name, value)| body.replace(name, value)).into_bytes()
        }
        None => body.to_owned(),
    };
    let how = match how {
        "too_long" => BodyEnd::TooLong,
        "broken" => BodyEnd::Broken,
        "unfinished" => BodyEnd::Unfinished,
        _ => BodyEnd::Complete,
    };
    let status = status.parse().ok().filter(|status| (100..1000).contains(status))?;
    Some(Response::new(status, headers, body).with_body_end(how))
}

/// What an answer may quote, and must not be shown.
fn sent() -> [(&'static str, &'static str); 4] {
    [("{set}", SET.as_str()), ("{token}", TOKEN), ("{email}", EMAIL), ("{secret}", SECRET)]
}

/// An error shows nothing of what was sent, and neither do the words of the other side.
fn hides(error: &Error, sent: &[&str]) {
    judge::error(error);
    judge::hides(error, sent.iter().copied());
    for words in [error.receiver_error(), error.receiver_description()].into_iter().flatten() {
        assert!(sent.iter().all(|secret| !words.contains(secret)), "{words:?} quotes what was sent");
    }
}

/// The answer to a push, however often it comes.
pub(crate) fn push_answer(bytes: &[u8]) {
    let Some(answer) = answer(bytes) else { return };
    // Each takes a while, so an input is for one of them.
    let dialect =
        Dialect::built_in(Dialect::ids().nth(bytes.len() % Dialect::ids().count()).unwrap()).unwrap();
    let target = Target::new("https://receiver.example.com/events").unwrap();
    let mut delivery = Delivery::new(SET.clone(), target.with_dialect(&dialect).with_authorization());
    let (mut now, mut input) = (NOW, Input::Started);
    let mut steps = 0..STEPS;
    loop {
        assert!(steps.next().is_some(), "the delivery does not end");
        input = match delivery.step(now, input) {
            Action::Authorize { .. } => Input::Authorized(Secret::new(format!("Bearer {TOKEN}"))),
            Action::Send { .. } => Input::Answered(answer.clone()),
            Action::SignAgain => Input::NotSignedAgain,
            Action::Wait { until } => {
                assert!(until >= now);
                now = until;
                Input::Woken
            }
            Action::Done(receipt) => break assert_eq!(receipt.jti(), SET.jti()),
            Action::Fail(error) => break hides(&error, &[SET.as_str(), EMAIL, TOKEN]),
            action => unreachable!("{action:?}"),
        };
    }
    let explanation = Linter::new(&dialect).now(NOW).explain(SET.as_str(), &answer);
    assert!(!explanation.cause().is_empty() && !explanation.remedy().is_empty());
    // It knows the SET, and not what the sender authorized with.
    let shown = format!("{explanation:?} {} {:?}", explanation.cause(), explanation.said());
    assert!(
        [SET.as_str(), EMAIL].iter().all(|secret| !shown.contains(secret)),
        "{shown} quotes what was sent"
    );
}

/// The headers of an answer that ask for time, one in each line: `Retry-After`, `Date`, and the end of a rate limit.
pub(crate) fn retry_after(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let names = ["retry-after", "date", "x-rate-limit-reset"];
    let headers = names.iter().zip(text.split('\n')).filter(|(_, value)| !value.is_empty());
    let headers: Vec<_> = headers.map(|(name, value)| ((*name).to_owned(), value.to_owned())).collect();
    let asked = text.split('\n').next().unwrap_or_default().trim();
    for policy in [RetryPolicy::once(), RetryPolicy::new()] {
        let target = Target::new("https://receiver.example.com/events").unwrap();
        let mut delivery = Delivery::new(SET.clone(), target).with_policy(&policy);
        let Action::Send { .. } = delivery.step(NOW, Input::Started) else { panic!("nothing is sent") };
        match delivery.step(NOW, Input::Answered(Response::new(429, headers.clone(), Vec::new()))) {
            Action::Wait { until } => assert!(until >= NOW),
            Action::Fail(error) => {
                judge::error(&error);
                if !asked.is_empty() && asked.bytes().all(|byte| byte.is_ascii_digit()) {
                    let seconds = asked.parse().ok().map(Duration::from_secs);
                    assert!(seconds.is_none() || error.retry_after() == seconds, "{:?}", error.retry_after());
                }
            }
            action => panic!("{action:?}"),
        }
    }
}

/// The answer of a token endpoint.
pub(crate) fn token_answer(bytes: &[u8]) {
    let Some(answer) = answer(bytes) else { return };
    let credentials = ClientCredentials::new("https://auth.example.com/token", "client", SECRET);
    let mut machine = credentials.machine(false).unwrap();
    assert!(matches!(machine.wanted(NOW, None), Ok(TokenAction::Fetch(_))));
    match machine.answered(NOW, &answer) {
        Ok(value) => {
            let token = value.expose().strip_prefix("Bearer ").unwrap();
            assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
            // A receiver that refuses it is not sent it again.
            assert!(matches!(machine.wanted(NOW, Some(&value)), Ok(TokenAction::Fetch(_))));
        }
        Err(error) => hides(&error, &[SECRET]),
    }
}

/// An answer of Okta's API, whatever was asked.
pub(crate) fn okta_answer(bytes: &[u8]) {
    let Some(answer) = answer(bytes) else { return };
    let authorization = || Secret::new(format!("SSWS {TOKEN}"));
    let api = ProvidersApi::new(ORG).unwrap();
    let settings = ProviderSettings::well_known("https://tr.example.com/.well-known/ssf-configuration");
    let provider = NewProvider::new("Example", "example", settings);

    let mut list = api.list();
    drop(list.request(authorization()));
    match list.answered(NOW, &answer) {
        Ok(page) => {
            // Whoever gets the next request gets the token with it.
            if let Some(mut next) = page.next() {
                assert!(next.request(authorization()).url().starts_with(&format!("{ORG}/")));
            }
        }
        Err(error) => hides(&error, &[TOKEN]),
    }
    for mut call in [api.read("sse1").unwrap(), api.create(&provider).unwrap()] {
        drop(call.request(authorization()));
        match call.answered(NOW, &answer) {
            Ok(found) => drop(found.to_new()),
            Err(error) => hides(&error, &[TOKEN]),
        }
    }
    let mut delete = api.delete("sse1").unwrap();
    drop(delete.request(authorization()));
    if let Err(error) = delete.answered(NOW, &answer) {
        hides(&error, &[TOKEN]);
    }
    let mut read = LogApi::new(ORG).unwrap().read(&LogQuery::since(NOW)).unwrap();
    drop(read.request(authorization()));
    match read.answered(NOW, &answer) {
        Ok(page) => {
            page.events().iter().for_each(look);
            if let Some(mut next) = page.next() {
                assert!(next.request(authorization()).url().starts_with(&format!("{ORG}/")));
            }
        }
        Err(error) => hides(&error, &[TOKEN]),
    }
}

/// Reads all of an entry of the log.
fn look(event: &LogEvent) {
    let names = [event.severity(), event.display_message(), event.result(), event.reason()];
    let entities = event.actor().into_iter().chain(event.targets());
    let ids: Vec<_> =
        entities.map(|one| (one.id(), one.kind(), one.alternate_id(), one.display_name())).collect();
    drop((names, ids, event.published(), event.debug_data()));
    assert_eq!(event.uuid(), event.members().get("uuid").and_then(Value::as_str).unwrap_or_default());
}
