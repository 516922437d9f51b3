//! The store in memory keeps the promises of a store.

use ssf_transmitter::outbox::{MemoryStore, Store, StreamStore, suite};

#[tokio::test]
async fn the_store_in_memory_passes_the_suite() {
    let violations =
        suite::run(async |clock| Ok(Box::new(MemoryStore::new().clock(clock)) as Box<dyn Store>)).await;
    assert_eq!(
        violations,
        [],
        "{}",
        violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    );
}

#[tokio::test]
async fn the_store_in_memory_keeps_streams() {
    let make = async |clock| Ok(Box::new(MemoryStore::new().clock(clock)) as Box<dyn StreamStore>);
    let violations = suite::streams::run(make).await;
    assert_eq!(
        violations,
        [],
        "{}",
        violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    );
}

#[cfg(feature = "client")]
mod lint {
    use std::collections::HashMap;

    use ssf_transmitter::{
        ErrorCode, Receiver, SetBuilder, Subject, Timestamp,
        event::caep,
        lint::{LintPolicy, Severity},
        outbox::{Entry, MemoryStore, Outbox},
    };

    fn okta() -> Receiver {
        Receiver::okta("https://acme.okta.com").build().unwrap()
    }

    fn outbox() -> Outbox {
        let receivers = HashMap::from([("acme".to_owned(), okta())]);
        Outbox::new(MemoryStore::new()).lint_for("https://edr.example.com", receivers)
    }

    fn entry(event: caep::SessionRevoked) -> Entry {
        Entry::new(event, Subject::email("ada@example.com"))
    }

    fn with_reason() -> caep::SessionRevoked {
        caep::SessionRevoked::new()
            .with_reason_admin("en", "Laptop lost")
            // As Okta's guide prints it: in milliseconds.
            .with_event_timestamp(Timestamp::from_unix_seconds(1_615_304_991_643))
    }

    #[tokio::test]
    async fn an_entry_that_a_receiver_would_reject_is_not_accepted() {
        let outbox = outbox();
        let good = entry(with_reason()).to("acme");
        let bad = entry(caep::SessionRevoked::new()).to("globex").to("acme");
        let error = outbox.enqueue_many([good, bad]).await.unwrap_err();
        assert!(error.message().starts_with("acme: "), "{error}");
        assert_eq!(error.code(), ErrorCode::EventMemberMissing);
        assert!(error.pointer().unwrap().starts_with("/1/events/"), "{error:?}");
        assert_eq!(outbox.counts().await.unwrap().enqueued, 0);
        // An entry that is alone has no index.
        let alone = outbox.enqueue(entry(caep::SessionRevoked::new()).to("acme")).await.unwrap_err();
        assert!(alone.pointer().unwrap().starts_with("/events/"), "{alone:?}");
    }

    #[tokio::test]
    async fn entries_are_checked_before_they_are_enqueued() {
        let outbox = outbox();
        let bad = entry(caep::SessionRevoked::new()).to("acme");
        assert_eq!(outbox.check(&bad).unwrap_err().code(), ErrorCode::EventMemberMissing);
        let checked = ["acme", "globex"].map(|to| outbox.check(&entry(with_reason()).to(to)).unwrap());
        assert_eq!(outbox.counts().await.unwrap().enqueued, 0);
        let enqueued = outbox.enqueue_checked(checked).await.unwrap();
        assert_eq!(enqueued.iter().map(|one| one.findings.len()).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(outbox.counts().await.unwrap().enqueued, 2);
    }

    #[tokio::test]
    async fn warnings_are_returned_and_unknown_receivers_are_left_to_the_worker() {
        let outbox = outbox();
        let enqueued = outbox.enqueue(entry(with_reason()).to("acme")).await.unwrap();
        let rules: Vec<_> = enqueued.findings.iter().map(|finding| finding.rule().id).collect();
        assert_eq!(rules, ["timestamp-unit-disputed"]);
        let unknown = outbox.enqueue(entry(caep::SessionRevoked::new()).to("globex")).await.unwrap();
        assert!(unknown.findings.is_empty());
    }

    #[tokio::test]
    async fn a_policy_of_the_template_applies() {
        let strict = LintPolicy::new().refuse(Some(Severity::Warning));
        let template = move |_: &str| {
            let set = SetBuilder::new("https://edr.example.com", "https://acme.okta.com");
            Some(set.dialect(okta().dialect()).lint(strict.clone()))
        };
        let outbox = Outbox::new(MemoryStore::new()).lint_with(template);
        let error = outbox.enqueue(entry(with_reason()).to("acme")).await.unwrap_err();
        assert_eq!(error.findings().len(), 1);
    }
}

mod staged {
    use std::time::Duration;

    use serde_json::Value;
    use ssf_transmitter::{
        ErrorCode, Subject, Timestamp,
        event::{CustomEvent, caep},
        outbox::{Entry, MemoryStore, Outbox, Priority},
    };

    fn entry() -> Entry {
        Entry::new(caep::SessionRevoked::new(), Subject::email("ada@example.com")).to("acme")
    }

    #[tokio::test]
    async fn an_entry_that_is_handed_over_twice_is_accepted_once() {
        let outbox = Outbox::new(MemoryStore::new());
        let text = entry().to("globex").to_json().unwrap();
        let first = outbox.enqueue_json([&text]).await.unwrap().remove(0);
        let again = outbox.enqueue(Entry::from_json(&text).unwrap()).await.unwrap();
        assert_eq!((first.repeated, again.repeated, &first.jtis), (false, true, &again.jtis));
        let error = outbox.enqueue_json([text.as_str(), "{}"]).await.unwrap_err();
        assert_eq!(error.pointer(), Some("/1"));
        assert_eq!(outbox.counts().await.unwrap().enqueued, 2);
    }

    #[test]
    fn everything_is_kept() {
        let private = Subject::custom_from_json(r#"{"format":"x-badge","badge":"7"}"#).unwrap();
        let now = Timestamp::from_unix_millis(1_800_000_000_123);
        let full =
            Entry::new(CustomEvent::new("https://acme.example/event", serde_json::Map::new()), private)
                .companion(caep::SessionRevoked::new())
                .to_all(["acme"])
                .txn("txn-1")
                .toe(now)
                .jti("jti-1")
                .idempotency_key("once")
                .not_before(now)
                .max_age(Duration::from_mins(90))
                .priority(Priority::High)
                .supersedes("risk")
                .ordered();
        let text = full.to_json().unwrap();
        let read = Entry::from_json(&text).unwrap();
        assert_eq!(read.to_json().unwrap(), text);
        let (one, other) = (full.to_message(None, now).unwrap(), read.to_message(None, now).unwrap());
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
        assert_eq!(one.payload, other.payload);
    }

    #[test]
    fn what_is_not_an_entry_is_named_and_not_shown() {
        let text = entry().to_json().unwrap();
        let change = |name: &str, value: Value| {
            let mut all: Value = serde_json::from_str(&text).unwrap();
            all[name] = value;
            all.to_string()
        };
        let cases = [
            "secret".to_owned(),
            "{}".to_owned(),
            change("version", 2.into()),
            change("priority", 7.into()),
            change("content", "secret".into()),
            change("to", "secret".into()),
        ];
        for case in cases {
            let error = Entry::from_json(&case).unwrap_err();
            assert_eq!(error.code(), ErrorCode::OutboxEntryInvalid, "{case}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
        assert_eq!(
            Entry::new(caep::SessionRevoked::new(), None).to_json().unwrap_err().code(),
            ErrorCode::OutboxEntryInvalid,
            "without a receiver"
        );
    }
}
