//! Ten processes with one file, while another program opens and closes it.

use std::{
    collections::HashSet,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use ssf_transmitter_store::SqliteStore;

use crate::{
    child::{self, Helper, say},
    common::{enqueue, entry},
    rounds::rounds,
    world::{Everyone, World, emulated, until_all_ended, worker},
};

const PROCESSES: usize = 10;

/// What another process does with the file, which is not allowed, until it is killed.
const OTHER_PROGRAM: &str = "
import sqlite3, sys
while True:
    connection = sqlite3.connect(sys.argv[1], timeout=60)
    connection.execute('SELECT count(*) FROM deliveries').fetchall()
    connection.close()
    open(sys.argv[1], 'rb').close()
    print(flush=True)
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::disallowed_methods, reason = "it tells how long it took")]
async fn ten_processes_enqueue_and_work_beside_another_program() {
    let (world, began) = (World::start().await, Instant::now());
    let store = world.open();
    let each = rounds(20) as usize;
    std::fs::write(world.file().with_extension("each"), each.to_string()).unwrap();
    let mut other = Command::new("python3")
        .args(["-c", OTHER_PROGRAM])
        .arg(world.file())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test needs python3 with its module sqlite3");
    let mut processes: Vec<_> =
        (0..PROCESSES).map(|_| Helper::start("crowd::enqueues_and_works", &world.file())).collect();
    let mut acknowledged = HashSet::new();
    for process in &mut processes {
        for _ in 0..each {
            assert!(acknowledged.insert(process.next().expect("a process has ended")), "a jti twice");
        }
    }
    let counts = until_all_ended(&store).await;
    drop(processes);
    assert!(other.try_wait().unwrap().is_none(), "the other program has failed");
    other.kill().unwrap();
    let opened = std::io::read_to_string(other.stdout.take().unwrap()).unwrap().lines().count();
    other.wait().unwrap();
    assert!(opened > 0);

    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
    let seen = world.seen();
    assert_eq!(seen.sets, acknowledged);
    assert_eq!((counts.delivered, seen.repeats), (acknowledged.len() as u64, 0));
    println!(
        "\ncrowd: {PROCESSES} processes, {} acknowledged, {} delivered, none twice, opened {opened} times by another program, {} s",
        acknowledged.len(),
        counts.delivered,
        began.elapsed().as_secs()
    );
}

#[tokio::test]
#[ignore = "a helper of the test above"]
async fn enqueues_and_works() {
    let Some(file) = child::file() else { return };
    let store = SqliteStore::open(&file).unwrap();
    let each: usize = std::fs::read_to_string(file.with_extension("each")).unwrap().parse().unwrap();
    // Nothing crashes, so no lease has to end.
    let worker = worker(&store, &file, Everyone(emulated(&file))).lease(Duration::from_mins(5));
    let working = tokio::spawn(worker.run());
    for number in 0..each {
        say(&enqueue(&store, entry(&format!("r{}", number % 5), &number.to_string())).await);
    }
    working.await.unwrap().unwrap();
}
