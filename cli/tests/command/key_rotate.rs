//! `ssf key rotate`: the next key is published before it signs, and no step loses a key.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::program::{Run, command, folder, run};
use serde_json::{Value, json};
use ssf_emulator::Published;
use ssf_transmitter::{KeyType, SigningKey};

/// A folder with a key.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let place = Self(folder(&format!("rotate-{name}")).into());
        let key = SigningKey::generate(KeyType::P256).unwrap();
        fs::write(place.at("key.pem"), key.export_private_pem().unwrap().expose()).unwrap();
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn key(&self, name: &str) -> SigningKey {
        SigningKey::from_file(self.at(name)).unwrap()
    }

    fn kid(&self, name: &str) -> String {
        self.key(name).kid().to_owned()
    }

    async fn ssf(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
        run(command(arguments).current_dir(&self.0).envs(variables.iter().copied())).await
    }

    async fn rotate(&self, more: &[&str]) -> Run {
        self.ssf(&[&["key", "rotate", "--key", "key.pem"], more].concat(), &[]).await
    }

    /// Makes the next key look as if it had been there for a day.
    fn wait_a_day(&self, name: &str) {
        let next = File::options().write(true).open(self.at(name)).unwrap();
        let made = next.metadata().unwrap().modified().unwrap();
        next.set_modified(made - Duration::from_hours(24)).unwrap();
    }

    /// Signs a SET with the key that signs now, into this file.
    async fn sign(&self, name: &str) {
        let sign = ["set", "sign", "--key", "key.pem", "--issuer", "https://edr.example.com", "--out", name];
        let event = ["--event", "caep.session-revoked", "--email", "ada@example.com"];
        let to = ["--audience", "https://receiver.example.net"];
        self.ssf(&[&sign[..], &event, &to].concat(), &[]).await.text();
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn kids(jwks: &Value) -> Vec<&str> {
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect()
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777
}

#[tokio::test]
async fn the_next_key_is_published_and_does_not_sign() {
    let place = Place::new("staged");
    let current = place.kid("key.pem");
    let staged = place.rotate(&[]).await;
    let next = place.key("key.next.pem");
    assert_eq!(kids(&staged.json()), [current.as_str(), next.kid()]);
    assert_eq!(next.algorithm(), place.key("key.pem").algorithm());
    assert!(staged.stderr.contains("ssf key rotate --complete"), "{staged:?}");
    assert_eq!(place.kid("key.pem"), current);
    #[cfg(unix)]
    assert_eq!(mode(&place.at("key.next.pem")), 0o600);

    // Once more: the same key, and now into a file.
    let again = place.rotate(&["--jwks", "jwks.json", "--json"]).await.json();
    assert_eq!((&again["state"], &again["next"]["kid"]), (&json!("staged"), &json!(next.kid())));
    assert_eq!((&again["previous"], &again["jwks_file"]), (&Value::Null, &json!("jwks.json")));
    assert!(again["complete_at"].is_string(), "{again}");
    let written: Value = serde_json::from_str(&fs::read_to_string(place.at("jwks.json")).unwrap()).unwrap();
    assert_eq!(written, again["jwks"]);
    place.rotate(&["--jwks", "jwks.json"]).await.text();
    place.rotate(&["--jwks", "key.pem"]).await.fails_saying(&["key.pem exists, and is not a JWKS"]);
    place.rotate(&["--type", "rsa2048"]).await.fails_saying(&["key.next.pem exists"]);
    assert_eq!((place.kid("key.pem"), place.kid("key.next.pem")), (current, next.kid().to_owned()));
}

#[tokio::test]
async fn a_key_does_not_sign_before_its_day() {
    let place = Place::new("early");
    let offline = ["--complete", "--offline", "--json"];
    let none = place.rotate(&offline).await;
    assert_eq!((none.code, &none.error()["code"]), (Some(4), &json!("key_set_no_next")));
    place.rotate(&[]).await.text();
    let (current, next) = (place.kid("key.pem"), place.kid("key.next.pem"));
    let early = place.rotate(&offline).await.error();
    assert_eq!((&early["code"], &early["option"]), (&json!("key_set_too_early"), &json!("--after")));
    assert_eq!((place.kid("key.pem"), place.kid("key.next.pem")), (current.clone(), next.clone()));

    place.wait_a_day("key.next.pem");
    place.rotate(&[&offline[..], &["--after", "25"]].concat()).await.fails_saying(&["key_set_too_early"]);
    let done = place.rotate(&offline).await.json();
    assert_eq!(
        (&done["state"], &done["next"], &done["complete_at"]),
        (&json!("completed"), &Value::Null, &Value::Null)
    );
    assert_eq!(kids(&done["jwks"]), [next.as_str(), &current]);
    assert_eq!(place.names(), ["key.pem", "key.previous.pem"]);
    assert_eq!((place.kid("key.pem"), place.kid("key.previous.pem")), (next, current));
    #[cfg(unix)]
    assert_eq!(mode(&place.at("key.previous.pem")), 0o600);
}

#[tokio::test]
async fn a_key_signs_once_it_is_published_and_receivers_verify_both() {
    let place = Place::new("published");
    place.sign("before.jwt").await;
    let old = place.ssf(&["jwks", "--key", "key.pem"], &[]).await.text().to_owned();
    let staged = place.rotate(&[]).await.text().to_owned();
    place.sign("between.jwt").await;
    let next = place.kid("key.next.pem");

    let complete = async |published: &Published| {
        let about = ["--complete", "--after", "0", "--issuer", published.issuer(), "--allow-loopback"];
        place.rotate(&about).await
    };
    let published = Published::start(old.clone()).await.unwrap();
    let refused = complete(&published).await;
    assert_eq!(refused.code, Some(12), "{refused:?}");
    refused.fails_saying(&["the next key may not sign yet", "the next key is not published", "fix: "]);
    assert_eq!(place.kid("key.next.pem"), next);
    place.rotate(&["--complete", "--after", "0"]).await.fails_saying(&["--issuer", "--offline"]);

    let published = Published::start(staged).await.unwrap();
    fs::write(place.at("jwks.json"), complete(&published).await.text()).unwrap();
    assert_eq!(place.kid("key.pem"), next);
    place.sign("after.jwt").await;
    for set in ["@before.jwt", "@between.jwt", "@after.jwt"] {
        place.ssf(&["set", "verify", set, "--jwks", "jwks.json"], &[]).await.text();
    }
    fs::write(place.at("old.json"), old).unwrap();
    let verify = ["set", "verify", "@after.jwt", "--jwks", "old.json"];
    assert_eq!(place.ssf(&verify, &[]).await.code, Some(4));
}

#[tokio::test]
async fn a_rotation_goes_on_after_a_crash_and_spares_the_previous_key() {
    let place = Place::new("crash");
    place.rotate(&[]).await.text();
    let next = place.kid("key.next.pem");
    // The current key has been kept, and the next one is not in its place yet.
    fs::copy(place.at("key.pem"), place.at("key.previous.pem")).unwrap();
    assert_eq!(kids(&place.rotate(&[]).await.json()).len(), 2, "a key is published once");
    let complete = ["--complete", "--after", "0", "--offline"];
    place.rotate(&complete).await.text();
    assert_eq!((place.kid("key.pem"), place.names().len()), (next, 2));

    // The next rotation: SETs with the signature of the previous key may still be on their way.
    let previous = place.kid("key.previous.pem");
    assert_eq!(kids(&place.rotate(&[]).await.json()).last(), Some(&previous.as_str()));
    place.rotate(&complete).await.fails_saying(&["key.previous.pem exists", "--force"]);
    assert_eq!(place.kid("key.previous.pem"), previous);
    let current = place.kid("key.pem");
    place.rotate(&[&complete[..], &["--force"]].concat()).await.text();
    assert_eq!(place.kid("key.previous.pem"), current);
}

#[tokio::test]
async fn the_next_key_is_kept_as_the_current_one_is() {
    let place = Place::new("form");
    let made =
        ["key", "new", "--type", "rsa3072", "--format", "jwk", "--kid", "2026-11", "--out", "key.json"];
    place.ssf(&made, &[]).await.text();
    fs::write(place.at("ssf.toml"), "issuer = \"https://edr.example.com\"\nkey = \"file:key.json\"\n")
        .unwrap();
    let staged = place.ssf(&["key", "rotate", "--kid", "2027-05"], &[]).await.json();
    assert_eq!(kids(&staged), ["2026-11", "2027-05"]);
    assert_eq!(
        staged["keys"][0]["n"].as_str().unwrap().len(),
        staged["keys"][1]["n"].as_str().unwrap().len()
    );
    place.rotate(&["--kid", "2027-05"]).await.fails_saying(&["--kid is for keys as JWK"]);

    let key = place.key("key.pem").export_encrypted_pem("s3cret").unwrap();
    fs::write(place.at("secret.pem"), key.expose()).unwrap();
    let rotate = ["key", "rotate", "--key", "secret.pem"];
    place.ssf(&rotate, &[]).await.fails_saying(&["SSF_KEY_PASSWORD"]);
    place.ssf(&rotate, &[("SSF_KEY_PASSWORD", "s3cret")]).await.text();
    assert!(fs::read_to_string(place.at("secret.next.pem")).unwrap().contains("BEGIN ENCRYPTED PRIVATE KEY"));

    // One kid for both would hide the next key from receivers.
    let settings = "issuer = \"https://edr.example.com\"\nkey = \"file:key.pem\"\nkid = \"2026-11\"\n";
    fs::write(place.at("ssf.toml"), settings).unwrap();
    let twice = place.ssf(&["key", "rotate"], &[]).await;
    twice.fails_saying(&["ssf.toml", "ssf key show", "--format jwk"]);
    assert!(!place.at("key.next.pem").exists());
}

#[tokio::test]
async fn what_is_no_file_is_rotated_by_hand() {
    let place = Place::new("sources");
    let pem = fs::read_to_string(place.at("key.pem")).unwrap();
    for (source, words) in [
        ("env:SSF_KEY", "ssf jwks --key env:SSF_KEY --key NEXT"),
        ("dir:.", "sorts last"),
        ("cmd:cat key.pem", "publish both"),
        ("-", "in a file"),
    ] {
        let refused = place.ssf(&["key", "rotate", "--key", source], &[("SSF_KEY", &pem)]).await;
        assert_eq!(refused.code, Some(4), "{refused:?}");
        refused.fails_saying(&[words]);
    }
    let set = ["key", "show", "key.pem", "--private", "--format", "jwks", "--out", "set.json"];
    place.ssf(&set, &[]).await.text();
    place.ssf(&["key", "rotate", "--key", "set.json"], &[]).await.fails_saying(&["JWK Set"]);
    place.ssf(&["key", "rotate"], &[]).await.fails_saying(&["--key is needed"]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("key.pem", place.at("link.pem")).unwrap();
        place.ssf(&["key", "rotate", "--key", "link.pem"], &[]).await.fails_saying(&["is a link"]);
    }
    assert!(!place.names().iter().any(|name| name.contains(".next.")), "{:?}", place.names());
}
