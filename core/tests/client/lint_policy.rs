//! What `emit` does about findings.

use crate::server::Server;
use ssf_transmitter::{
    Dialect, Error, ErrorCode, KeyType, Receipt, Receiver, SetBuilder, SigningKey, Subject, Timestamp,
    Transmitter,
    delivery::RetryPolicy,
    event::caep,
    lint::{Finding, LintPolicy, Severity},
};

/// Okta's wants, on this machine.
async fn okta() -> (Server, Receiver) {
    let server = Server::always(202, &[], "").await;
    let receiver = Receiver::okta(&server.base).audience("https://acme.okta.com").allow_loopback().build();
    (server, receiver.unwrap())
}

fn transmitter(policy: LintPolicy) -> Transmitter {
    let key = SigningKey::generate(KeyType::Rsa2048).unwrap();
    let builder = Transmitter::builder("https://edr.example.com", key).lint(policy);
    builder.retry(RetryPolicy::once()).build().unwrap()
}

fn event() -> caep::SessionRevoked {
    caep::SessionRevoked::new()
        .with_event_timestamp(Timestamp::from_unix_seconds(1_767_225_590))
        .with_reason_admin("en", "Laptop lost")
}

fn rules(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.rule().id).collect()
}

/// Okta does not find such a user: a warning.
fn stranger() -> Subject {
    Subject::opaque("00u1")
}

async fn emit(
    policy: LintPolicy,
    event: caep::SessionRevoked,
    subject: Subject,
) -> (Result<Receipt, Error>, usize) {
    let (server, receiver) = okta().await;
    let result = transmitter(policy).emit(event, subject, &receiver).await;
    (result, server.seen().len())
}

#[tokio::test]
async fn errors_are_refused_with_all_that_is_wrong_and_nothing_is_sent() {
    let (result, requests) = emit(LintPolicy::new(), caep::SessionRevoked::new(), stranger()).await;
    let error = result.unwrap_err();
    assert_eq!(error.code(), ErrorCode::EventMemberMissing);
    assert_eq!(rules(error.findings()), ["event-reason-missing", "event-member-missing", "user-not-found"]);
    assert_eq!(error.pointer(), Some(error.findings()[0].pointer()));
    assert_eq!(requests, 0);
}

#[tokio::test]
async fn warnings_stand_on_the_receipt() {
    let (result, requests) = emit(LintPolicy::new(), event(), stranger()).await;
    assert_eq!(rules(result.unwrap().findings()), ["user-not-found"]);
    assert_eq!(requests, 1);
    let (result, _) = emit(LintPolicy::new(), event(), Subject::email("ada@example.com")).await;
    assert!(result.unwrap().findings().is_empty());
}

#[tokio::test]
async fn warnings_can_be_refused_and_errors_sent() {
    let strict = LintPolicy::new().refuse(Some(Severity::Warning));
    let (result, requests) = emit(strict, event(), stranger()).await;
    assert_eq!(result.unwrap_err().code(), ErrorCode::SubjectNotAccepted);
    assert_eq!(requests, 0);

    let lenient = LintPolicy::new().refuse(None);
    let (result, requests) = emit(lenient, caep::SessionRevoked::new(), stranger()).await;
    let found = rules(result.unwrap().findings());
    assert_eq!(found, ["event-reason-missing", "event-member-missing", "user-not-found"]);
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn what_is_reported_can_be_set() {
    let silent = LintPolicy::new().report(None);
    let (result, _) = emit(silent, event(), stranger()).await;
    assert!(result.unwrap().findings().is_empty());
    let all = LintPolicy::new().report(Some(Severity::Note));
    let (result, _) = emit(all, event().with_member("score", 7), stranger()).await;
    assert_eq!(rules(result.unwrap().findings()), ["event-member-unknown", "user-not-found"]);
}

#[tokio::test]
async fn a_rule_can_be_allowed() {
    let policy = LintPolicy::new().allow("event-reason-missing").unwrap().allow("user-not-found").unwrap();
    let event = caep::SessionRevoked::new().with_event_timestamp(Timestamp::from_unix_seconds(1));
    let (result, _) = emit(policy, event, stranger()).await;
    assert!(result.unwrap().findings().is_empty());
    let unknown = LintPolicy::new().allow("no-such-rule").unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::ConfigurationInvalid);
}

#[tokio::test]
async fn one_call_can_have_a_policy_of_its_own() {
    let (server, receiver) = okta().await;
    let transmitter = transmitter(LintPolicy::new());
    let emit = |policy| transmitter.emit(event(), stranger(), &receiver).lint(policy);
    assert!(emit(LintPolicy::new().refuse(Some(Severity::Warning))).await.is_err());
    assert!(emit(LintPolicy::new()).await.is_ok());
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn what_breaks_a_definition_is_refused_whatever_the_policy() {
    let nothing = LintPolicy::new().refuse(None);
    let event = caep::SessionRevoked::new().with_member("event_timestamp", "yesterday");
    let (result, requests) = emit(nothing, event, stranger()).await;
    assert_eq!(result.unwrap_err().code(), ErrorCode::EventMemberType);
    assert_eq!(requests, 0);
}

#[tokio::test]
async fn the_steps_find_the_same() {
    let (_, receiver) = okta().await;
    let transmitter = transmitter(LintPolicy::new());
    let prepared = transmitter.prepare(event(), stranger(), &receiver).unwrap();
    assert_eq!(rules(prepared.findings()), ["user-not-found"]);
    let linter = transmitter.linter(&receiver);
    assert_eq!(rules(&linter.unsigned(&prepared)), ["user-not-found"]);
    assert_eq!(rules(&transmitter.lint(event(), stranger(), &receiver)), ["user-not-found"]);
}

#[test]
fn a_dialect_says_how_bad_a_rule_is() {
    let key = SigningKey::generate(KeyType::Rsa2048).unwrap();
    let dialect =
        |lint: &str| Dialect::from_toml(&format!("id = \"own\"\nextends = \"okta\"\n[lint]\n{lint}"));
    let set = |dialect: &Dialect| {
        SetBuilder::new("https://edr.example.com", "https://acme.okta.com")
            .event(event())
            .subject(stranger())
            .dialect(dialect)
            .sign(&key)
    };
    assert!(set(&dialect("user-not-found = \"error\"").unwrap()).is_err());
    assert!(set(&dialect("user-not-found = \"off\"").unwrap()).unwrap().findings().is_empty());
    let unknown = dialect("no-such-rule = \"off\"").unwrap_err();
    assert_eq!((unknown.code(), unknown.pointer()), (ErrorCode::DialectInvalid, Some("/lint/no-such-rule")));
}

#[test]
fn findings_hold_no_value_of_the_set() {
    let secret = "s3cr3t-value";
    let event = caep::SessionRevoked::new()
        .with_member("initiating_entity", secret)
        .with_member("reason_admin", secret)
        .with_member("event_timestamp", secret);
    let linter = ssf_transmitter::lint::Linter::new(&Dialect::okta()).issuer(secret).audience(secret);
    let findings = linter.event(&event.into(), Some(&Subject::email(secret)));
    assert!(findings.len() > 3);
    assert!(!format!("{findings:?}").contains(secret), "{findings:?}");
    let texts: String = findings.iter().map(ToString::to_string).collect();
    assert!(!texts.contains(secret));
}
