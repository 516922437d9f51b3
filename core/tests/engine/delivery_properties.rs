//! What holds for every delivery, whatever the network does.

use std::{sync::Arc, time::Duration};

use proptest::prelude::*;
use ssf_transmitter::{
    ErrorCode, SignedSet, Timestamp,
    delivery::{Action, Delivery, Gate, Input, ReceiptNote, RetryPolicy, Target},
    http::{Failure, Response},
    token::ClientCredentials,
};

const SET: &str = "eyJhbGciOiJFZERTQSIsInR5cCI6InNlY2V2ZW50K2p3dCJ9.eyJqdGkiOiIxIn0.c2ln";
const SIGNED_AGAIN: &str = "eyJhbGciOiJFZERTQSIsInR5cCI6InNlY2V2ZW50K2p3dCJ9.eyJqdGkiOiIxIn0.YWdhaW4";

/// What the world answers, and how long it takes.
#[derive(Clone, Debug)]
struct Turn {
    elapsed: i64,
    status: u16,
    err: Option<&'static str>,
    retry_after: Option<u32>,
    failure: Option<Failure>,
    helps: bool,
}

fn turn() -> impl Strategy<Value = Turn> {
    let elapsed = prop_oneof![8 => 0..2_000_i64, 1 => 0..40_000_i64, 1 => -100_000..0_i64];
    let err = prop::option::of(prop::sample::select(vec![
        "invalid_request",
        "invalid_key",
        "authentication_failed",
        "access_denied",
        "something_else",
        "dup",
    ]));
    let failure = prop::option::weighted(
        0.3,
        prop::sample::select(vec![
            Failure::Unresolved,
            Failure::Forbidden,
            Failure::NotConnected,
            Failure::Tls,
            Failure::TimedOut,
            Failure::Broken,
        ]),
    );
    let status = prop_oneof![
        3 => Just(503_u16), 3 => Just(429), 2 => Just(400), 2 => Just(401), 1 => Just(409), 1 => 200..600_u16
    ];
    (elapsed, status, err, prop::option::of(0..100_000_u32), failure, any::<bool>()).prop_map(
        |(elapsed, status, err, retry_after, failure, helps)| Turn {
            elapsed,
            status,
            err,
            retry_after,
            failure,
            helps,
        },
    )
}

impl Turn {
    fn answer(&self) -> Input {
        if let Some(failure) = self.failure.clone() {
            return Input::Broken(failure);
        }
        let headers = self.retry_after.map(|seconds| ("retry-after".to_owned(), seconds.to_string()));
        let body = self.err.map(|err| format!(r#"{{"err":"{err}"}}"#)).unwrap_or_default();
        Input::Answered(Response::new(self.status, headers, body.into_bytes()))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn every_delivery_ends_in_time_and_sends_the_same_bytes(
        turns in prop::collection::vec(turn(), 1..40),
        authorizes: bool,
        seed: u64,
        max_attempts in 1..10_u32,
        deadline in 1..120_000_u64,
    ) {
        let start = Timestamp::from_unix_seconds(1_767_225_600);
        let policy = RetryPolicy::new().max_attempts(max_attempts);
        let deadline = Duration::from_millis(deadline);
        let ends = start.plus(deadline);
        let mut target = Target::new("https://receiver.example.net/").unwrap();
        if authorizes {
            target = target.with_authorization();
        }
        let mut delivery = Delivery::new(SignedSet::parse(SET).unwrap(), target)
            .with_policy(&policy)
            .with_deadline(deadline)
            .with_seed(seed);

        let (mut now, mut latest) = (start, start);
        let (mut sent, mut renewals, mut signed_again) = (0, 0, 0);
        let mut may_be_there = false;
        let mut world = turns.iter().cycle();
        let mut input = Input::Started;
        for step in 0.. {
            // Attempts, each with its authorization and its wait, one renewal, one signature: there is no more to do.
            prop_assert!(step < 4 * 10 + 10, "it does not end");
            latest = latest.max(now);
            let action = delivery.step(now, input);
            let turn = world.next().unwrap();
            now = Timestamp::from_unix_millis(now.as_unix_millis() + turn.elapsed);
            input = match action {
                Action::Send { request, timeout } => {
                    sent += 1;
                    prop_assert!(latest < ends, "sent past the deadline");
                    prop_assert!(latest.plus(timeout) <= ends, "an attempt may outlast the deadline");
                    let bytes = if signed_again == 0 { SET } else { SIGNED_AGAIN };
                    prop_assert_eq!(request.body(), bytes);
                    let authorization = request.headers().find(|(name, _)| *name == "authorization");
                    prop_assert_eq!(authorization.is_some(), authorizes);
                    may_be_there |= match &turn.failure {
                        Some(failure) => matches!(failure, Failure::TimedOut | Failure::Broken),
                        None => turn.status == 408 || turn.status >= 500,
                    };
                    turn.answer()
                }
                Action::Wait { until } => {
                    prop_assert!(until < ends, "waits past the deadline");
                    now = until.max(now);
                    Input::Woken
                }
                Action::Authorize { refused } => {
                    renewals += usize::from(refused.is_some());
                    Input::Authorized("Bearer token".into())
                }
                Action::SignAgain => {
                    if turn.helps {
                        signed_again += 1;
                        Input::SignedAgain(SignedSet::parse(SIGNED_AGAIN).unwrap())
                    } else {
                        Input::NotSignedAgain
                    }
                }
                Action::Done(receipt) => {
                    let known_already = receipt.notes() == [ReceiptNote::AlreadyReceived];
                    prop_assert!((200..300).contains(&receipt.status()) || (known_already && may_be_there));
                    prop_assert_eq!(receipt.attempts(), sent);
                    break;
                }
                Action::Fail(error) => {
                    prop_assert_ne!(error.code(), ErrorCode::Internal);
                    break;
                }
                other => return Err(TestCaseError::fail(format!("unknown action {other:?}"))),
            };
        }
        // One renewal and one signature do not count as attempts that waited.
        prop_assert!(sent <= max_attempts + 2);
        prop_assert!(renewals <= 1 && signed_again <= 1);
    }

    #[test]
    fn a_receiver_that_is_down_is_left_alone_more_and_more(seed: u64, deliveries in 30..80_usize) {
        let gate = Arc::new(Gate::default());
        let mut now = Timestamp::from_unix_seconds(1_767_225_600);
        let (mut sent, mut open) = (0, 0);
        for number in 0..deliveries {
            let target = Target::new("https://receiver.example.net/").unwrap();
            let mut delivery = Delivery::new(SignedSet::parse(SET).unwrap(), target)
                .with_deadline(Duration::from_secs(20))
                .with_gate(gate.clone())
                .with_seed(seed.wrapping_add(number as u64));
            let mut input = Input::Started;
            loop {
                input = match delivery.step(now, input) {
                    Action::Send { .. } => {
                        sent += 1;
                        Input::Answered(Response::new(503, [], Vec::new()))
                    }
                    Action::Wait { until } => {
                        now = until;
                        Input::Woken
                    }
                    Action::Fail(error) => {
                        open += usize::from(error.code() == ErrorCode::CircuitOpen);
                        break;
                    }
                    other => return Err(TestCaseError::fail(format!("{other:?}"))),
                };
            }
        }
        // Without the gate there would be six attempts each.
        prop_assert!(sent < deliveries * 2, "{sent} requests for {deliveries} deliveries");
        prop_assert!(open > 0, "no delivery met the open circuit");

        // It is back: the next probe closes the circuit, and then everything goes through at once.
        now = now.plus(Duration::from_mins(2));
        for _ in 0..5 {
            let target = Target::new("https://receiver.example.net/").unwrap();
            let mut delivery = Delivery::new(SignedSet::parse(SET).unwrap(), target).with_gate(gate.clone());
            let went = matches!(delivery.step(now, Input::Started), Action::Send { .. });
            prop_assert!(went);
            let done = matches!(delivery.step(now, Input::Answered(Response::new(202, [], Vec::new()))), Action::Done(_));
            prop_assert!(done);
        }
    }

    #[test]
    fn a_probe_that_does_not_reach_the_receiver_lets_another_one_go(seed: u64) {
        let gate = Arc::new(Gate::default());
        let mut now = Timestamp::from_unix_seconds(1_767_225_600);
        let target = || Target::new("https://receiver.example.net/").unwrap().with_authorization();
        let start = || {
            Delivery::new(SignedSet::parse(SET).unwrap(), target())
                .with_policy(&RetryPolicy::once())
                .with_gate(gate.clone())
                .with_seed(seed)
        };
        for _ in 0..10 {
            let mut delivery = start();
            delivery.step(now, Input::Started);
            delivery.step(now, Input::Authorized("Bearer token".into()));
            delivery.step(now, Input::Broken(Failure::Tls));
        }
        let waits = matches!(start().step(now, Input::Started), Action::Wait { .. });
        prop_assert!(waits, "ten failures open the circuit");

        now = now.plus(Duration::from_secs(1));
        let mut probe = start();
        let goes = matches!(probe.step(now, Input::Started), Action::Authorize { .. });
        prop_assert!(goes);
        let waits = matches!(start().step(now, Input::Started), Action::Wait { .. });
        prop_assert!(waits, "one probe at a time");
        // Its token is refused, so nothing is known of the receiver.
        let mut machine = ClientCredentials::new("https://a.example/", "id", "s").machine(false).unwrap();
        let refused = machine.answered(now, &Response::new(401, [], Vec::new())).unwrap_err();
        probe.step(now, Input::Unauthorized(refused));
        let goes = matches!(start().step(now, Input::Started), Action::Authorize { .. });
        prop_assert!(goes);
    }

    #[test]
    fn a_rate_limit_holds_over_any_second(rate in 1..200_u32, wanted in 1..300_usize) {
        let gate = Arc::new(Gate::new(Some(f64::from(rate))));
        let start = Timestamp::from_unix_seconds(1_767_225_600);
        // All want to be sent at once; each comes back when it is told to.
        let mut sent = Vec::new();
        for _ in 0..wanted {
            let target = Target::new("https://receiver.example.net/").unwrap();
            let mut delivery = Delivery::new(SignedSet::parse(SET).unwrap(), target)
                .with_deadline(Duration::from_hours(1))
                .with_gate(gate.clone());
            let (mut now, mut input) = (start, Input::Started);
            while let Action::Wait { until } = delivery.step(now, input) {
                prop_assert!(until > now);
                (now, input) = (until, Input::Woken);
            }
            sent.push(now.as_unix_millis());
        }
        sent.sort_unstable();
        for (index, from) in sent.iter().enumerate() {
            let within = sent[index..].iter().take_while(|at| **at < from + 1000).count();
            // A second's worth at once, and a second's worth by its pace.
            prop_assert!(within <= 2 * rate as usize + 2, "{within} requests in a second at a rate of {rate}");
        }
    }
}
