//! What was acknowledged is there after the process was killed.

use std::{collections::HashSet, sync::Arc};

use crate::child::{Helper, say};
use crate::common::{Folder, claim, enqueue, entry, settle};
use ssf_transmitter::outbox::{Filter, Outcome, Store};
use ssf_transmitter_store::SqliteStore;

const ROUNDS: usize = 20;

#[tokio::test]
async fn every_acknowledged_delivery_survives_a_kill() {
    let folder = Folder::new();
    let mut acknowledged: Vec<String> = Vec::new();
    let mut delivered: HashSet<String> = HashSet::new();
    for round in 0..ROUNDS {
        let mut helper = Helper::start("crash::works_until_it_is_killed", &folder.database());
        let mut said = Vec::new();
        // Each round is killed at another point: after so many words, at an arbitrary step of the next operation.
        for _ in 0..=(round * 7) % 40 {
            said.extend(helper.next());
        }
        said.extend(helper.kill());
        assert!(!said.is_empty(), "round {round} did nothing");
        for words in said {
            match words.split_once(' ') {
                Some(("enqueued", jti)) => acknowledged.push(jti.to_owned()),
                Some(("delivered", jti)) => drop(delivered.insert(jti.to_owned())),
                _ => panic!("unknown words: {words}"),
            }
        }
        let store = SqliteStore::open(folder.database()).unwrap();
        let listed = store.list(Filter::new(), None, 1_000_000).await.unwrap();
        let there: HashSet<_> = listed.iter().map(|record| record.jti.as_str()).collect();
        let lost: Vec<_> = acknowledged.iter().filter(|jti| !there.contains(jti.as_str())).collect();
        assert_eq!(lost, Vec::<&String>::new(), "round {round}");
        let undone =
            listed.iter().filter(|record| delivered.contains(&record.jti) && !record.state.has_ended());
        assert_eq!(undone.count(), 0, "round {round}");
        let counts = store.counts().await.unwrap();
        assert!(counts.is_balanced() && counts.enqueued == listed.len() as u64, "round {round}: {counts:?}");
        store.close().await.unwrap();
    }
    assert!(acknowledged.len() >= ROUNDS && !delivered.is_empty());
}

#[tokio::test]
#[ignore = "a helper of the test above"]
async fn works_until_it_is_killed() {
    let Some(file) = crate::child::file() else { return };
    let store = Arc::new(SqliteStore::open(file).unwrap());
    let worker = Arc::clone(&store);
    tokio::spawn(async move {
        loop {
            for claimed in claim(&*worker, 5).await {
                settle(&*worker, &claimed, Outcome::Delivered).await;
                say(&format!("delivered {}", claimed.lease.jti));
            }
            worker.changed().await;
        }
    });
    for number in 0_u64.. {
        let jti = enqueue(&*store, entry(&format!("r{}", number % 7), &number.to_string())).await;
        say(&format!("enqueued {jti}"));
    }
}
