//! GOV.UK One Login's guidance for transmitters, "Sending a Security Event Token".

use super::{
    Result,
    walk::{Walk, text},
};

const ISSUER: &str = "https://rp.example.gov.uk";
const AUDIENCE: &str = "https://ssf.account.gov.uk/";

pub(super) fn walk(walk: &mut Walk) -> Result {
    walk.step("Generate a key pair.")?;
    walk.run(&["key", "new", "--out", "key.pem"])?;

    walk.step("Send the team the public key that corresponds, and the addresses that requests come from.")?;
    let key = ["--issuer", ISSUER, "--key", "key.pem"];
    walk.run(&[&["handover", "govuk"], &key[..], &["--source-ip", "192.0.2.10"]].concat())?;
    walk.say("The emulator acts as One Login, and `ssf serve` publishes the key that the team received:")?;
    let documents = walk.start(&["serve", "--key", "key.pem"])?;
    let client = ["--client-id", "rp-1", "--client-secret", "the-emulators-secret"];
    let jwks = text(&documents, "jwks_uri")?;
    let about = ["--issuer", ISSUER, "--jwks-uri", &jwks, "--audience", AUDIENCE];
    let emulator = walk.start(&[&["receiver", "--like", "govuk-one-login"], &about[..], &client].concat())?;
    let (push, token) = (text(&emulator, "push")?, text(&emulator, "token")?);

    walk.step("Ask /authorize for an access token by client id and secret: each command below does, and keeps it for its hour.")?;
    walk.variable("SSF_CLIENT_SECRET", "the-emulators-secret")?;

    walk.step(
        "Build a SET. The account-disabled example of the guidance, pasted unchanged, is signed with a warning.",
    )?;
    walk.file("payload.json", PAYLOAD)?;
    let sign = ["set", "sign", "--key", "key.pem", "--dialect", "govuk-one-login"];
    walk.run(&[&sign[..], &["--payload", "@payload.json", "--out", "printed.jwt"]].concat())?;
    walk.say("The published schemas require another subject form, and the emulator follows them:")?;
    walk.run(&["event", "show", "risc.account-disabled", "--receiver", "govuk-one-login"])?;
    let subject =
        r#"{ "format": "uri", "uri": "urn:fdc:gov.uk:2022:56P4CMsGh_02YOlWpd8PAOI-2sVlB2nsNU7mcLZYhYw" }"#;
    let event = ["--event", "risc.account-disabled", "--reason", "hijacking", "--subject", subject];
    let said = ["--issuer", ISSUER, "--audience", AUDIENCE];
    walk.run(&[&sign[..], &said, &event, &["--out", "set.jwt"]].concat())?;

    walk.step("Send it to the inbound URL, with the token, and check the response code.")?;
    let to = [
        "--endpoint",
        push.as_str(),
        "--audience",
        AUDIENCE,
        "--dialect",
        "govuk-one-login",
        "--allow-loopback",
    ];
    let token = ["--token-url", token.as_str(), "--client-id", "rp-1"];
    walk.run(&[&["set", "push", "set.jwt"], &to[..], &token].concat())?;

    walk.step("Build and send in one step, which is what a service does.")?;
    walk.run(&[&["emit"], &key[..], &event, &to, &token].concat())?;
    Ok(())
}

/// In the form of the guidance's example.
const PAYLOAD: &str = r#"{
  "iss": "https://rp.example.gov.uk",
  "jti": "756E69717565206964656E746966696572",
  "aud": "https://ssf.account.gov.uk/",
  "events": {
    "https://schemas.openid.net/secevent/risc/event-type/account-disabled": {
      "subject": { "subject_type": "iss-sub", "iss": "https://idp.example.com/", "sub": "7375626A656374" },
      "reason": "hijacking"
    }
  }
}
"#;
