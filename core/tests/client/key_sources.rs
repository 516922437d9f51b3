//! Keys that follow their source: real files, a directory that is swapped as Kubernetes does, a real command.

#![cfg(all(feature = "client", unix))]

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use ssf_transmitter::{
    ErrorCode, KeySet, KeySource, KeyType, Receiver, SetBuilder, SigningKey, Subject, Timestamp, Transmitter,
    event::caep, key::TransmitterKey,
};

const HOUR: Duration = Duration::from_hours(1);

/// A directory of its own, which goes with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("keys-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn new_key() -> SigningKey {
    SigningKey::generate(KeyType::P256).unwrap()
}

fn write(path: &Path, key: &SigningKey) {
    fs::write(path, key.export_private_pem().unwrap().expose()).unwrap();
}

fn kids(keys: &[TransmitterKey]) -> Vec<&str> {
    keys.iter().filter_map(TransmitterKey::kid).collect()
}

fn published(keys: &KeySet) -> BTreeSet<String> {
    keys.jwks().unwrap().keys().iter().map(|key| key.kid().to_owned()).collect()
}

fn set_of(keys: &[&SigningKey]) -> BTreeSet<String> {
    keys.iter().map(|key| key.kid().to_owned()).collect()
}

#[test]
fn a_file_that_is_replaced_gives_the_new_key_and_keeps_the_old_one_published() {
    let (scratch, old, new) = (Scratch::new(), new_key(), new_key());
    let path = scratch.at("key.pem");
    write(&path, &old);
    let keys = KeySet::watch(&KeySource::file(&path), Duration::ZERO).unwrap();
    assert_eq!(keys.active().kid(), Some(old.kid()));

    write(&path, &new);
    assert_eq!(keys.active().kid(), Some(new.kid()));
    assert_eq!(kids(&keys.retired()), [old.kid()]);
    assert_eq!(published(&keys), set_of(&[&old, &new]));
    keys.remove(old.kid()).unwrap();
    assert_eq!(published(&keys), set_of(&[&new]));

    // Back again: it is not retired any more.
    write(&path, &old);
    assert_eq!(keys.active().kid(), Some(old.kid()));
    assert_eq!(kids(&keys.retired()), [new.kid()]);
    let error = keys.stage(new_key(), Timestamp::now()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::KeySetWatched);
    assert_eq!(keys.rotate(Timestamp::now(), HOUR).unwrap_err().code(), ErrorCode::KeySetWatched);
}

#[test]
fn nothing_is_read_before_the_interval_is_over_but_on_demand() {
    let (scratch, old, new) = (Scratch::new(), new_key(), new_key());
    let path = scratch.at("key.pem");
    write(&path, &old);
    let keys = KeySet::watch(&KeySource::file(&path), HOUR).unwrap();
    write(&path, &new);
    assert_eq!(keys.active().kid(), Some(old.kid()));
    assert!(keys.refresh().unwrap());
    assert_eq!(keys.active().kid(), Some(new.kid()));
    assert!(!keys.refresh().unwrap());
    assert!(!KeySet::new(old).refresh().unwrap());
}

#[test]
fn a_reload_that_fails_keeps_the_keys_says_why_and_is_tried_again() {
    let (scratch, old, new) = (Scratch::new(), new_key(), new_key());
    let path = scratch.at("key.pem");
    write(&path, &old);
    let keys = KeySet::watch(&KeySource::file(&path), Duration::ZERO).unwrap();
    assert!(keys.last_error().is_none());

    fs::write(&path, "s3cr3t").unwrap();
    assert_eq!(keys.active().kid(), Some(old.kid()));
    let error = keys.last_error().unwrap();
    assert_eq!(error.code(), ErrorCode::KeyFormatUnknown);
    assert!(error.message().contains("key.pem") && !format!("{error:?}").contains("s3cr3t"), "{error:?}");

    fs::remove_file(&path).unwrap();
    assert_eq!(keys.last_error().unwrap().code(), ErrorCode::KeySourceUnavailable);
    assert_eq!(keys.refresh().unwrap_err().code(), ErrorCode::KeySourceUnavailable);
    write(&path, &new);
    assert_eq!(keys.active().kid(), Some(new.kid()));
    assert!(keys.last_error().is_none());
}

#[test]
fn another_key_under_the_same_kid_is_not_taken_over() {
    let (scratch, old, new) = (Scratch::new(), new_key(), new_key());
    let path = scratch.at("key.pem");
    write(&path, &old);
    let keys = KeySet::watch(&KeySource::file(&path).kid("fixed"), Duration::ZERO).unwrap();
    write(&path, &new);
    assert_eq!(keys.active().public_key().unwrap().thumbprint(), old.public_key().thumbprint());
    assert_eq!(keys.last_error().unwrap().code(), ErrorCode::KidDuplicate);
}

/// As the kubelet does: the files are links into `..data`, a link that is swapped whole.
fn mount(scratch: &Scratch, version: &str, keys: &[(&str, &SigningKey)]) {
    let folder = scratch.at(&format!("..{version}"));
    fs::create_dir(&folder).unwrap();
    for (name, key) in keys {
        write(&folder.join(name), key);
        if fs::symlink_metadata(scratch.at(name)).is_err() {
            symlink(format!("..data/{name}"), scratch.at(name)).unwrap();
        }
    }
    symlink(format!("..{version}"), scratch.at("..data_tmp")).unwrap();
    fs::rename(scratch.at("..data_tmp"), scratch.at("..data")).unwrap();
    // What is not in the new version any more leads nowhere, and is removed.
    for entry in fs::read_dir(&scratch.0).unwrap() {
        let path = entry.unwrap().path();
        if fs::metadata(&path).is_err() {
            fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn the_keys_of_a_directory_rotate_by_its_names() {
    let (scratch, old, new) = (Scratch::new(), new_key(), new_key());
    mount(&scratch, "1", &[("2026-10.pem", &old)]);
    let keys = KeySet::watch(&KeySource::directory(&scratch.0), Duration::ZERO).unwrap();
    assert_eq!(published(&keys), set_of(&[&old]));

    mount(&scratch, "2", &[("2026-10.pem", &old), ("2026-11.pem", &new)]);
    assert_eq!(keys.active().kid(), Some(old.kid()));
    assert_eq!(kids(&keys.standby()), [new.kid()]);
    assert_eq!(published(&keys), set_of(&[&old, &new]));

    mount(&scratch, "3", &[("2026-10.pem", &new), ("2026-11.pem", &old)]);
    assert_eq!(keys.active().kid(), Some(new.kid()));
    assert_eq!(kids(&keys.standby()), [old.kid()]);

    // It did not sign any more: the directory says that nobody needs it.
    mount(&scratch, "4", &[("2026-10.pem", &new)]);
    assert_eq!(published(&keys), set_of(&[&new]));
    assert!(keys.retired().is_empty() && keys.last_error().is_none());
}

#[test]
fn a_directory_is_never_read_half_before_and_half_after_a_swap() {
    let scratch = Scratch::new();
    let versions: Vec<_> = (0..20).map(|_| (new_key(), new_key())).collect();
    mount(&scratch, "0", &[("a.pem", &versions[0].0), ("b.pem", &versions[0].1)]);
    let keys = KeySet::watch(&KeySource::directory(&scratch.0), Duration::ZERO).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for (number, (a, b)) in versions.iter().enumerate().skip(1) {
                mount(&scratch, &number.to_string(), &[("a.pem", a), ("b.pem", b)]);
            }
        });
        for _ in 0..200 {
            let found = KeySource::directory(&scratch.0).read_all().unwrap();
            let pair = versions.iter().find(|(a, _)| a.kid() == found[0].kid()).unwrap();
            assert_eq!(found[1].kid(), pair.1.kid());
        }
    });
    assert_eq!(keys.active().kid(), Some(versions.last().unwrap().0.kid()));
}

#[test]
fn a_command_runs_beside_while_the_old_key_signs() {
    let (scratch, old, new) = (Scratch::new(), new_key(), new_key());
    let (path, gate) = (scratch.at("key.pem"), scratch.at("gate"));
    write(&path, &old);
    // It waits for the gate, a pipe, once there is one.
    let script = format!(
        "test ! -e '{gate}' || read line < '{gate}'; cat '{path}'",
        gate = gate.display(),
        path = path.display()
    );
    let source = KeySource::command("sh", ["-c", &script]);
    let keys = KeySet::watch(&source, Duration::ZERO).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&gate).status().unwrap().success());
    write(&path, &new);
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(keys.active().kid().unwrap().to_owned());
    }
    assert_eq!(seen, [old.kid(), old.kid(), old.kid()]);
    fs::write(&gate, "open\n").unwrap();
    fs::remove_file(&gate).unwrap();
    until(|| keys.active().kid() == Some(new.kid()));
    assert_eq!(kids(&keys.retired()), [old.kid()]);

    fs::remove_file(&path).unwrap();
    until(|| keys.last_error().is_some_and(|error| error.code() == ErrorCode::KeySourceUnavailable));
    assert_eq!(keys.active().kid(), Some(new.kid()));
}

/// Uses the set until something is so: the test's own time limit is that of its runner.
fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        thread::yield_now();
    }
}

#[tokio::test]
async fn a_transmitter_signs_with_the_key_that_its_source_has_now() {
    let (scratch, old, new) = (Scratch::new(), new_key(), new_key());
    let path = scratch.at("key.pem");
    write(&path, &old);
    let keys = KeySet::watch(&KeySource::file(&path), Duration::ZERO).unwrap();
    let transmitter = Transmitter::builder("https://edr.example.com", keys).build().unwrap();
    let receiver = Receiver::builder("https://receiver.example.net/events", "aud").build().unwrap();
    let header = || async {
        let emit = transmitter.emit(caep::SessionRevoked::new(), Subject::opaque("1"), &receiver);
        emit.sign().await.unwrap().decode().unwrap().header()["kid"].clone()
    };
    assert_eq!(header().await, old.kid());
    write(&path, &new);
    assert_eq!(header().await, new.kid());
    assert_eq!(transmitter.jwks().unwrap().keys().len(), 2);
}

#[test]
fn threads_share_a_set_that_changes_under_them() {
    let scratch = Scratch::new();
    let all: Vec<_> = (0..10).map(|_| new_key()).collect();
    let path = scratch.at("key.pem");
    write(&path, &all[0]);
    let keys = KeySet::watch(&KeySource::file(&path), Duration::ZERO).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let set = SetBuilder::new("https://edr.example.com", "aud")
                        .event(caep::SessionRevoked::new())
                        .subject(Subject::opaque("1"))
                        .sign(keys.active().local().unwrap())
                        .unwrap();
                    set.decode().unwrap().verify(&keys.jwks().unwrap()).unwrap();
                }
            });
        }
        for key in &all {
            // Whole at any time, as an editor or a secret agent replaces a file.
            write(&scratch.at("new"), key);
            fs::rename(scratch.at("new"), &path).unwrap();
        }
    });
    assert!(keys.last_error().is_none());
    assert_eq!(keys.active().kid(), Some(all[9].kid()));
}
