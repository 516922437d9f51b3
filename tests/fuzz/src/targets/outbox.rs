//! What a store has kept, and somebody may have damaged.

use std::time::Duration;

use ssf_transmitter::{
    Error, ErrorCode, Subject, Timestamp,
    event::caep,
    outbox::{
        Entry, Failure, Frozen, Message, MessageDelivery, Payload, Poll, ReceiverState, Seal, Store,
        StreamStore, stream_receiver,
    },
};

use super::{
    calls::{World, ready},
    text,
};
use crate::judge;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);

/// A column in JSON: a message, an entry, a failure, the state of a receiver. What is read and written twice is equal.
pub(crate) fn outbox_row(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Some(message) = kept(bytes, Message::from_json(text)) {
        again(&message.to_json().unwrap(), |json| Message::from_json(json)?.to_json());
    }
    if let Some(failure) = kept(bytes, Failure::from_json(text)) {
        again(&failure.to_json().unwrap(), |json| Failure::from_json(json)?.to_json());
    }
    if let Some(state) = kept(bytes, ReceiverState::from_json(text)) {
        again(&state.to_json().unwrap(), |json| ReceiverState::from_json(json)?.to_json());
    }
    if let Some(entry) = kept(bytes, Entry::from_json(text)) {
        match entry.to_json() {
            Ok(json) => again(&json, |json| Entry::from_json(json)?.to_json()),
            Err(error) => judge::error(&error),
        }
        match entry.to_message(None, NOW) {
            Ok(message) => drop(message.to_json().inspect_err(judge::error)),
            Err(error) => judge::error(&error),
        }
    }
}

fn again(json: &str, write: impl Fn(&str) -> Result<String, Error>) {
    assert_eq!(write(json).unwrap(), json);
}

/// What is damaged is said to be, and is not quoted.
fn kept<T>(bytes: &[u8], read: Result<T, Error>) -> Option<T> {
    let error = match read {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    judge::error(&error);
    judge::hides(&error, judge::secrets(bytes));
    assert!([ErrorCode::OutboxCorrupt, ErrorCode::OutboxEntryInvalid].contains(&error.code()), "{error}");
    None
}

/// Bytes that nobody but the library reads. The first one says which: the content of an entry, claims that were fixed,
/// the configuration of a stream. A poll of the stream reads all of them.
pub(crate) fn outbox_payload(bytes: &[u8]) {
    let Some((which, bytes)) = bytes.split_first() else { return };
    let world = World::new();
    let payload = Payload::from(bytes.to_owned());
    match which % 3 {
        0 => ready(world.store.enqueue(vec![message(&world, payload)])).map(drop).unwrap(),
        1 => {
            let polled =
                ready(world.store.poll(Poll::new(&world.stream, 1, Duration::from_secs(1)))).unwrap();
            let lease = polled.deliveries[0].lease.clone();
            assert_eq!(ready(world.store.freeze(vec![Frozen::new(lease, payload)])).unwrap(), [true]);
            world.clock.advance(Duration::from_secs(2));
        }
        _ => {
            let mut stream = ready(world.store.stream(&world.stream)).unwrap().unwrap();
            stream.configuration = payload;
            assert!(ready(world.store.update_stream(stream)).unwrap());
        }
    }
    let polled = world.poll(b"{}");
    let shown = world.call("GET", "/ssf/streams", &[], b"");
    for answer in [&polled, &shown] {
        assert!([200, 500, 503].contains(&answer.status()), "{answer:?}");
        if let Some(failure) = answer.failure() {
            assert_ne!(failure.code, ErrorCode::Internal, "{failure:?}");
            assert_ne!(answer.status(), 200);
        }
    }
    assert!(ready(world.store.counts()).unwrap().is_balanced());
}

/// A message for the stream of the world.
fn message(world: &World, payload: Payload) -> Message {
    let entry = Entry::new(caep::SessionRevoked::new(), Subject::opaque("ada")).to("acme");
    let mut message = entry.to_message(None::<&Seal>, NOW).unwrap();
    message.deliveries = vec![MessageDelivery::new("jti-1", stream_receiver(&world.stream))];
    message.payload = payload;
    message
}
