//! `ssf guide`: the guides of receivers, sentence by sentence, and the reference of the command.

use std::fs;

use crate::program::{folder, ssf};

/// Walks through a guide, and returns what it prints, its commands, and where it worked.
async fn walk(guide: &str, name: &str) -> (String, Vec<String>, String) {
    let dir = folder(name);
    let run = ssf(&["guide", guide, "--dir", &dir], &[]).await;
    let text = run.text().to_owned();
    let commands =
        text.lines().filter_map(|line| line.strip_prefix("    $ ssf ")).map(str::to_owned).collect();
    (text, commands, dir)
}

#[tokio::test]
async fn oktas_guide_runs_from_the_key_to_the_accepted_set() {
    let (text, commands, dir) = walk("okta", "guide-okta").await;
    for (number, start) in [
        (1, "key new --format jwk"),
        (1, "key show key.json --public"),
        (2, "publish --issuer https://edr.example.com"),
        (3, "okta --org"),
        (4, "event show okta.user-risk-change"),
        (4, "set sign"),
        (4, "lint @set.jwt"),
        (5, "set push set.jwt"),
        (6, "set sign --payload @payload.json"),
        (6, "set push pasted.jwt"),
        (7, "okta --org"),
        (8, "emit"),
    ] {
        assert!(commands.iter().any(|command| command.starts_with(start)), "step {number}: {start}");
    }
    assert_eq!(text.matches("\"status\":202").count(), 3, "each SET is accepted: {text}");
    assert!(text.contains("\"status\": \"ACTIVE\"") && text.contains("nothing found"));
    assert!(
        text.contains("security.events.provider.receive_event") && text.contains("\"outcome\":\"judged\""),
        "{text}"
    );
    for file in ["key.json", "site/jwks.json", "site/.well-known/ssf-configuration", "set.jwt", "pasted.jwt"]
    {
        assert!(fs::exists(format!("{dir}/{file}")).unwrap(), "{file}");
    }
    let again = ssf(&["guide", "okta", "--dir", &dir], &[]).await;
    again.fails_saying(&["not empty"]);
}

#[tokio::test]
async fn govuks_guidance_runs_from_the_key_to_the_accepted_set() {
    let (text, commands, _) = walk("govuk", "guide-govuk").await;
    for start in [
        "key new",
        "handover govuk",
        "set sign --key key.pem --dialect govuk-one-login --payload @payload.json",
        "event show risc.account-disabled",
        "set push set.jwt",
        "emit",
    ] {
        assert!(commands.iter().any(|command| command.starts_with(start)), "{start}");
    }
    assert_eq!(text.matches("\"status\":202").count(), 2, "each SET is accepted: {text}");
    assert!(text.contains("BEGIN PUBLIC KEY") && text.contains("warning: "));
}

/// The README prints the same commands, with the org in place of the emulator.
#[tokio::test]
async fn the_first_set_of_the_readme_is_oktas_guide() {
    let (_, commands, _) = walk("okta", "guide-readme").await;
    let generic = |command: &String| {
        let words = command.split(' ').map(|word| match word {
            word if word.ends_with("/jwks.json") => "https://edr.example.com/jwks.json",
            word if word.starts_with("http://127.0.0.1") => "https://acme.okta.com",
            word => word,
        });
        let words = words.filter(|word| *word != "--allow-loopback").collect::<Vec<_>>().join(" ");
        // The emulator's address is not its audience.
        words.replace(
            "push set.jwt --okta https://acme.okta.com --audience https://acme.okta.com",
            "push set.jwt --okta https://acme.okta.com",
        )
    };
    let walked: Vec<_> = commands.iter().map(generic).collect();
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let section =
        readme.split("## Send your first SET to Okta").nth(1).unwrap().split("\n## ").next().unwrap();
    let section = section.replace(" \\\n", " ");
    let printed: Vec<_> = section.lines().filter_map(|line| line.trim().strip_prefix("ssf ")).collect();
    assert_eq!(printed.len(), 7);
    for command in printed {
        let command = command.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(walked.contains(&command), "{command}\n{walked:#?}");
    }
}

#[tokio::test]
async fn a_guide_leaves_nothing_behind() {
    let temporary = folder("guide-temporary");
    let run = ssf(&["guide", "govuk"], &[("TMPDIR", &temporary)]).await;
    assert!(run.text().contains("\"status\":202"));
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
}

#[tokio::test]
async fn the_reference_is_what_the_command_says() {
    let reference = ssf(&["reference"], &[]).await;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md");
    let committed = fs::read_to_string(file).unwrap();
    assert!(
        committed == reference.text(),
        "docs/cli.md differs from the command: run `cargo run -q -p ssf-cli -- reference > docs/cli.md`"
    );
}
