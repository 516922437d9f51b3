//! The store in memory keeps the promises of a store.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use ssf_transmitter::outbox::{MemoryStore, Store, suite};

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
