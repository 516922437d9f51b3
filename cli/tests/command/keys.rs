//! Where the command gets keys from: files, variables, directories, commands, standard input.

#![cfg(unix)]

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use ssf_transmitter::{KeyType, SigningKey};

/// A directory with two keys of one test.
struct Keys {
    path: PathBuf,
    first: SigningKey,
    second: SigningKey,
}

impl Keys {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("keys-{name}"));
        fs::create_dir_all(&path).unwrap();
        let key = || SigningKey::generate(KeyType::P256).unwrap();
        let (first, second) = (key(), key());
        for (name, key) in [("1.pem", &first), ("2.pem", &second)] {
            fs::write(path.join(name), pem(key)).unwrap();
        }
        Self { path, first, second }
    }

    fn at(&self, name: &str) -> String {
        self.path.join(name).to_str().unwrap().to_owned()
    }
}

fn pem(key: &SigningKey) -> String {
    key.export_private_pem().unwrap().expose().clone()
}

/// The `kid` of each key that `ssf jwks` publishes, or what it says.
fn jwks(source: &str, variables: &[(&str, &str)], input: &str) -> Result<Vec<String>, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ssf"));
    command.args(["jwks", "--key", source]).envs(variables.iter().copied());
    let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = streams.spawn().unwrap();
    // It is not read by all.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8(output.stderr).unwrap());
    }
    let jwks: Value = serde_json::from_slice(&output.stdout).unwrap();
    let kids = jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned());
    Ok(kids.collect())
}

#[test]
fn a_key_comes_from_every_source() {
    let keys = Keys::new("every-source");
    let (kid, text) = (vec![keys.first.kid().to_owned()], pem(&keys.first));
    assert_eq!(jwks(&keys.at("1.pem"), &[], "").as_ref(), Ok(&kid));
    assert_eq!(jwks(&format!("file:{}", keys.at("1.pem")), &[], "").as_ref(), Ok(&kid));
    assert_eq!(jwks("env:SSF_KEY", &[("SSF_KEY", &text)], "").as_ref(), Ok(&kid));
    assert_eq!(jwks(&format!("cmd:cat '{}'", keys.at("1.pem")), &[], "").as_ref(), Ok(&kid));
    assert_eq!(jwks("-", &[], &text).as_ref(), Ok(&kid));
    assert_eq!(jwks("stdin:", &[], &text).as_ref(), Ok(&kid));
    let both = vec![keys.first.kid().to_owned(), keys.second.kid().to_owned()];
    assert_eq!(jwks(&format!("dir:{}", keys.path.display()), &[], "").as_ref(), Ok(&both));
}

#[test]
fn an_encrypted_key_is_decrypted_by_the_variable() {
    let keys = Keys::new("encrypted");
    let text = keys.first.export_encrypted_pem("correct horse").unwrap().expose().clone();
    let message = jwks("env:SSF_KEY", &[("SSF_KEY", &text)], "").unwrap_err();
    assert!(message.contains("SSF_KEY_PASSWORD") && message.contains("env:SSF_KEY"), "{message}");
    let variables = [("SSF_KEY", text.as_str()), ("SSF_KEY_PASSWORD", "correct horse")];
    assert_eq!(jwks("env:SSF_KEY", &variables, "").unwrap(), [keys.first.kid()]);
}

#[test]
fn what_is_wrong_with_a_source_is_told_without_the_secret() {
    let keys = Keys::new("wrong");
    let fails = |source: &str, words: &[&str]| {
        let message = jwks(source, &[], "").unwrap_err();
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
        message
    };
    fails("env:SSF_KEY_UNSET", &["key_source_unavailable", "SSF_KEY_UNSET", "not set"]);
    fails("env:$SSF_KEY", &["key_source_invalid"]);
    fails(&keys.at("none.pem"), &["key_source_unavailable", "none.pem"]);
    let message = fails("cmd:sh -c 'echo s3cr3t; echo s3cr3t >&2; exit 7'", &["cmd:sh", "7"]);
    assert!(!message.contains("s3cr3t"), "{message}");
    let message = fails(&pem(&keys.first), &["key_source_invalid", "key itself"]);
    assert!(!message.contains(pem(&keys.first).lines().nth(1).unwrap()), "{message}");
}
