//! The command as a whole: its help, its names, completions, manual pages, and a reader that leaves.

use std::{fs, io::pipe};

use crate::program::{command, file, folder, run, ssf};
use ssf_transmitter::{KeyType, SigningKey};

/// The commands that the help of this one lists.
async fn listed(path: &[&str]) -> Vec<String> {
    let help = ssf(&[path, &["--help"]].concat(), &[]).await;
    let lines = help.text().lines().filter_map(|line| line.strip_prefix("  "));
    let names =
        lines.filter_map(|line| line.split_whitespace().next().filter(|_| !line.starts_with([' ', '-'])));
    names.map(str::to_owned).collect()
}

#[tokio::test]
async fn the_help_fits_a_screen_and_has_groups() {
    let help = ssf(&["--help"], &[]).await;
    assert!(help.text().lines().count() <= 48, "{}", help.text());
    for group in ["Begin:", "Keys and documents:", "Events and SETs:", "Problems:", "Options:"] {
        assert!(help.text().contains(&format!("\n{group}\n")), "{group}: {}", help.text());
    }
    for name in ["init", "event", "send", "set", "outbox", "doctor", "receiver"] {
        let line = help.text().lines().find(|line| line.starts_with(&format!("  {name} ")));
        let about = line.unwrap_or_else(|| panic!("{name}: {}", help.text())).trim_start_matches(['i', ' ']);
        assert!(about.split_whitespace().count() > 2, "{name} says what it is for: {line:?}");
    }
    // Every name in the list is a command.
    for name in listed(&[]).await.iter().filter(|name| name.chars().all(char::is_lowercase)) {
        assert_eq!(ssf(&[name, "--help"], &[]).await.code, Some(0), "{name}");
    }
    for names in [&["emit"][..], &["send"], &["set", "sign"], &["doctor"]] {
        let short = ssf(&[names, &["-h"]].concat(), &[]).await;
        let long = ssf(&[names, &["--help"]].concat(), &[]).await;
        assert!(short.text().lines().count() < long.text().lines().count(), "{names:?}");
        assert!(short.text().contains("\nReceiver:\n"), "{short:?}");
    }
}

#[tokio::test]
async fn examples_are_read() {
    let mut examples = 0;
    for path in [
        &["init"][..],
        &["event", "list"],
        &["event", "new"],
        &["emit"],
        &["send"],
        &["set", "diff"],
        &["set", "lint"],
        &["doctor"],
    ] {
        let help = ssf(&[path, &["--help"]].concat(), &[]).await;
        let (_, after) =
            help.text().split_once("\nExamples:\n").unwrap_or_else(|| panic!("{path:?}: {help:?}"));
        for example in after.lines().flat_map(|line| line.split(" | ")) {
            let words = example.split(" >> ").next().unwrap();
            let mut words = words.split_whitespace();
            assert_eq!(words.next(), Some("ssf"), "{example}");
            let words: Vec<_> = words.chain(["--help"]).collect();
            assert_eq!(ssf(&words, &[]).await.code, Some(0), "{example}");
            examples += 1;
        }
    }
    assert!(examples > 10);
}

#[tokio::test]
async fn what_is_misspelt_is_guessed() {
    for (words, meant) in [
        (&["emti"][..], "'emit'"),
        (&["set", "sing"], "'sign'"),
        (&["event", "lst"], "'list'"),
        (&["send", "x.ndjson", "--concurency", "2"], "'--concurrency'"),
        (&["receiver", "--like", "govuk-one-logn", "--audience", "x"], "'govuk-one-login'"),
        (&["event", "show", "caep.session-revokd"], "caep.session-revoked"),
        (&["event", "list", "--receiver", "govuk-one-logn"], "govuk-one-login"),
        (&["emit", "--event", "caep.session-revoked", "--color", "alway"], "'always'"),
    ] {
        let run = ssf(words, &[]).await;
        assert!(matches!(run.code, Some(2 | 3 | 5)), "{run:?}");
        run.fails_saying(&[meant]);
    }
}

#[tokio::test]
async fn a_set_is_decoded_verified_and_linted_by_both_names() {
    let key = SigningKey::generate(KeyType::P256).unwrap();
    let other = SigningKey::generate(KeyType::P256).unwrap();
    let path = file("shape-key.pem", key.export_private_pem().unwrap().expose());
    let other = file("shape-other.pem", other.export_private_pem().unwrap().expose());
    let jwks = file("shape-jwks.json", ssf(&["jwks", "--key", &path], &[]).await.text());
    let strange = file("shape-strange.json", ssf(&["jwks", "--key", &other], &[]).await.text());
    let about = ["--issuer", "https://edr.example.com", "--audience", "https://receiver.example.net"];
    let event = ["--event", "caep.session-revoked", "--email", "ada@example.com", "--key", &path];
    let set = ssf(&[&["set", "sign"], &about[..], &event].concat(), &[]).await;
    let set = file("shape-set.jwt", set.text());
    let set = format!("@{set}");
    for names in [&["decode"][..], &["set", "decode"]] {
        let shown = ssf(&[names, &[&set]].concat(), &[]).await.json();
        assert_eq!(shown["claims"]["iss"], "https://edr.example.com");
    }
    for names in [&["lint"][..], &["set", "lint"]] {
        assert_eq!(ssf(&[names, &[&set, "--json"]].concat(), &[]).await.json(), serde_json::json!([]));
    }
    let verified = ssf(&["set", "verify", &set, "--jwks", &jwks, "--json"], &[]).await.json();
    assert!(verified["verified_with"].is_string(), "{verified}");
    let failed = ssf(&["set", "verify", &set, "--jwks", &strange, "--json"], &[]).await;
    assert_eq!((failed.code, failed.stdout.as_str()), (Some(4), ""), "{failed:?}");
    assert_eq!(ssf(&["set", "verify", &set], &[]).await.code, Some(2));
}

#[tokio::test]
async fn shells_and_man_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = ssf(&["completions", shell], &[]).await;
        assert!(
            script.text().contains("session-revoked") || script.text().contains("--concurrency"),
            "{shell}"
        );
    }
    ssf(&["completions", "fsh"], &[]).await.fails_saying(&["'fish'"]);
    assert!(ssf(&["man"], &[]).await.text().contains(".TH ssf 1"));
    let folder = folder("shape-man");
    ssf(&["man", "--dir", &folder], &[]).await.text();
    for page in ["ssf.1", "ssf-send.1", "ssf-set-diff.1", "ssf-outbox-work.1"] {
        let text = fs::read_to_string(format!("{folder}/{page}")).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
    assert!(!fs::exists(format!("{folder}/ssf-reference.1")).unwrap(), "what is hidden has no page");
}

#[tokio::test]
async fn a_reader_that_leaves_is_no_failure() {
    for words in
        [&["event", "list"][..], &["event", "show", "caep.session-revoked"], &["completions", "bash"]]
    {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let ended = run(command(words).stdout(writer)).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{words:?}");
    }
}

#[tokio::test]
async fn colour_is_for_terminals_unless_it_is_demanded() {
    let diff =
        ["set", "diff", "--event", "caep.session-revoked", "--like", "okta", "--like", "govuk-one-login"];
    let coloured = |run: &crate::program::Run| run.stdout.contains('\u{1b}');
    assert!(!coloured(&ssf(&diff, &[]).await));
    assert!(coloured(&ssf(&diff, &[("CLICOLOR_FORCE", "1")]).await));
    assert!(coloured(&ssf(&[&diff[..], &["--color", "always"]].concat(), &[]).await));
    assert!(!coloured(&ssf(&[&diff[..], &["--color", "never"]].concat(), &[("CLICOLOR_FORCE", "1")]).await));
}

#[tokio::test]
async fn a_doctor_shows_symbols_in_colour_and_words_elsewhere() {
    let key = SigningKey::generate(KeyType::P256).unwrap();
    let key = file("shape-doctor.pem", key.export_private_pem().unwrap().expose());
    // A port that nothing listens at, so that some checks fail, one passes and one is skipped.
    let setup = ["doctor", "--issuer", "https://edr.example.com", "--endpoint", "http://127.0.0.1:1/"];
    let event = ["--event", "caep.session-revoked", "--now", "--email", "ada@example.com", "--key", &key];
    let to = ["--audience", "https://receiver.example.net", "--allow-loopback"];
    let setup = [&setup[..], &event, &to].concat();
    let line = |run: &crate::program::Run, id: &str| {
        let line = run.stdout.lines().find(|line| line.contains(&format!(" {id}: ")));
        line.unwrap_or_else(|| panic!("{id}: {run:?}")).to_owned()
    };
    let coloured = ssf(&[&setup[..], &["--color", "always"]].concat(), &[]).await;
    let plain = ssf(&setup, &[]).await;
    for (id, symbol, word) in [
        ("trust-store", '✓', "passed "),
        ("configuration-reachable", '✗', "failed "),
        ("send", '–', "skipped "),
    ] {
        assert!(line(&coloured, id).contains(symbol), "{coloured:?}");
        assert!(line(&plain, id).starts_with(word), "{plain:?}");
        assert!(!line(&plain, id).contains(['\u{1b}', symbol]), "{plain:?}");
    }
    assert_eq!((coloured.code, plain.code), (Some(12), Some(12)));
}
