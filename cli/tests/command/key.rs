//! `ssf key`: keys that `openssl` reads, in every form, and that nobody else can.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::program::{folder, ssf};
use serde_json::Value;
use ssf_transmitter::SigningKey;

/// What `openssl` makes of an input.
fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("install the command openssl: {error}"));
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}");
    output.stdout
}

#[tokio::test]
async fn a_new_key_is_pem_or_a_jwk_that_only_its_owner_reads() {
    let folder = folder("key-new");
    for (format, kind) in [("pem", "rsa2048"), ("jwk", "p256"), ("pem", "ed25519")] {
        let path = format!("{folder}/{format}-{kind}");
        let made = ["key", "new", "--type", kind, "--format", format, "--kid", "2026-11", "--out", &path];
        assert_eq!(ssf(&made, &[]).await.text(), "2026-11\n");
        let text = fs::read_to_string(&path).unwrap();
        if format == "jwk" {
            let jwk: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(jwk["kid"], "2026-11");
            assert!(jwk["d"].is_string() && jwk["x"].is_string(), "both halves are in it");
        } else {
            openssl(&["pkey", "-noout", "-check"], text.as_bytes());
        }
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777,
            0o600
        );
        ssf(&made, &[]).await.fails_saying(&[&path, "exists"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "a key that is there stays");
    }
}

#[tokio::test]
async fn a_key_is_shown_in_every_form() {
    let folder = folder("key-show");
    let path = format!("{folder}/key.pem");
    let kid = ssf(&["key", "new", "--out", &path], &[]).await.text().trim().to_owned();
    let spki = openssl(&["pkey", "-pubout"], &fs::read(&path).unwrap());

    // Public, which is the default.
    let shown = async |format: &str| ssf(&["key", "show", &path, "--format", format], &[]).await;
    assert_eq!(shown("pem").await.text().as_bytes(), spki);
    let base64 = shown("base64").await;
    let decoded = openssl(&["base64", "-d", "-A"], base64.text().trim().as_bytes());
    assert_eq!(openssl(&["pkey", "-pubin", "-inform", "DER", "-pubout"], &decoded), spki);
    let jwk = shown("jwk").await.json();
    assert_eq!((&jwk["kid"], jwk.get("d")), (&Value::from(kid.as_str()), None));
    assert_eq!(shown("jwks").await.json()["keys"][0], jwk);

    // Private.
    for format in ["pem", "der", "base64", "jwk", "jwks"] {
        let out = format!("{folder}/private.{format}");
        let written = ["key", "show", &path, "--private", "--format", format, "--out", &out];
        assert_eq!(ssf(&written, &[]).await.text(), "");
        let bytes = fs::read(&out).unwrap();
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&out).unwrap().permissions()) & 0o777,
            0o600
        );
        let read = match format {
            "pem" => SigningKey::from_pem(&bytes),
            "der" => SigningKey::from_der(&bytes),
            "base64" => SigningKey::from_der(openssl(&["base64", "-d", "-A"], bytes.trim_ascii_end())),
            "jwk" => SigningKey::from_jwk(str::from_utf8(&bytes).unwrap()),
            _ => SigningKey::from_jwks(str::from_utf8(&bytes).unwrap(), &kid),
        };
        assert_eq!(read.unwrap().kid(), kid, "{format}");
    }
    // A pipe gets it without a question.
    assert!(ssf(&["key", "show", &path, "--private"], &[]).await.text().contains("PRIVATE KEY"));
}

#[tokio::test]
async fn a_private_key_is_not_printed_to_a_terminal_unasked() {
    let folder = folder("key-terminal");
    let path = format!("{folder}/key.pem");
    ssf(&["key", "new", "--type", "p256", "--out", &path], &[]).await.text();
    // `script` runs a command in a terminal.
    let in_terminal = |more: &str| {
        let line = format!("{} key show {path} --private{more}", env!("CARGO_BIN_EXE_ssf"));
        let output = Command::new("script").args(["-qec", &line, "/dev/null"]).stdin(Stdio::null()).output();
        String::from_utf8(output.expect("this test needs the command script: install bsdutils").stdout)
            .unwrap()
    };
    let asked = in_terminal("");
    assert!(asked.contains("--yes") && !asked.contains("PRIVATE KEY-"), "{asked}");
    assert!(in_terminal(" --yes").contains("BEGIN PRIVATE KEY"));
}
