//! Okta's guide "Configure an SSF receiver and publish a SET".

use super::{
    Result,
    walk::{Walk, text},
};

const ISSUER: &str = "https://edr.example.com";
const ORG: &str = "https://acme.okta.com";

pub(super) fn walk(walk: &mut Walk) -> Result {
    walk.step("Generate a key pair for signatures by RS256, and keep its JSON in a file.")?;
    walk.run(&["key", "new", "--format", "jwk", "--kid", "2026-11", "--out", "key.json"])?;
    walk.say("The public part, which receivers may see:")?;
    walk.run(&["key", "show", "key.json", "--public", "--format", "jwk"])?;

    walk.step("Publish the public key as a JWKS, and the transmitter configuration at its well-known URL.")?;
    walk.run(&["publish", "--issuer", ISSUER, "--key", "key.json", "--out", "site"])?;
    walk.say("Without a web server, `ssf serve` publishes the JWKS, and `ssf receiver` acts as the org:")?;
    let documents = walk.start(&["serve", "--key", "key.json"])?;
    let emulator =
        walk.start(&["receiver", "--like", "okta", "--audience", ORG, "--api-token", "the-emulators-token"])?;
    let (jwks, org) = (text(&documents, "jwks_uri")?, text(&emulator, "base")?);

    walk.step(
        "Register the transmitter in the org, as an admin does in the console, and see that it is active.",
    )?;
    walk.variable("OKTA_API_TOKEN", "the-emulators-token")?;
    let api = ["okta", "--org", &org, "--allow-loopback"];
    let settings =
        ["--name", "Example EDR", "--type", "example-edr", "--issuer", ISSUER, "--jwks-url", &jwks];
    walk.run(&[&api[..], &["create"], &settings].concat())?;
    walk.run(&[&api[..], &["list"]].concat())?;

    walk.step("Build the sample SET: the risk of a user has changed. First show the members of the event.")?;
    walk.run(&["event", "show", "okta.user-risk-change", "--receiver", "okta"])?;
    let said = ["--issuer", ISSUER, "--key", "key.json", "--okta", ORG, "--email", "ada@example.com"];
    let event = ["--event", "okta.user-risk-change", "--event-timestamp", "now", "--current-level", "high"];
    let more = ["--previous-level", "low", "--reason-admin", "en=Impossible travel", "--out", "set.jwt"];
    walk.run(&[&["set", "sign"], &said[..], &event, &more].concat())?;
    walk.say("Show its content, and lint it for Okta:")?;
    walk.run(&["decode", "@set.jwt"])?;
    walk.run(&["lint", "@set.jwt", "--dialect", "okta", "--issuer", ISSUER, "--audience", ORG])?;

    walk.step("Send it, and check the response code: 202.")?;
    let to = ["--okta", org.as_str(), "--audience", ORG, "--allow-loopback"];
    walk.run(&[&["set", "push", "set.jwt"][..], &to].concat())?;

    walk.step("The guide's other sample, identifier-changed, pasted as a whole payload.")?;
    walk.file("payload.json", PAYLOAD)?;
    let sign = ["set", "sign", "--payload", "@payload.json", "--key", "key.json", "--okta", ORG];
    walk.run(&[&sign[..], &["--out", "pasted.jwt"]].concat())?;
    walk.run(&[&["set", "push", "pasted.jwt"][..], &to].concat())?;

    walk.step("Check in the System Log that they arrived.")?;
    walk.run(&[&api[..], &["log", "--since", "15m"]].concat())?;

    walk.step("Build, send and look in the System Log in one step, which is what a product does.")?;
    let said = ["emit", "--issuer", ISSUER, "--key", "key.json", "--email", "ada@example.com"];
    let event =
        ["--event", "caep.session-revoked", "--event-timestamp", "now", "--reason-admin", "en=Laptop lost"];
    walk.run(&[&said[..], &event, &to, &["--confirm"]].concat())?;
    Ok(())
}

/// In the form of the guide's example, its time in milliseconds included.
const PAYLOAD: &str = r#"{
  "iss": "https://edr.example.com",
  "jti": "24c63fb56e5a2d77a6b512616ca9fa24",
  "aud": "https://acme.okta.com",
  "events": {
    "https://schemas.openid.net/secevent/risc/event-type/identifier-changed": {
      "subject": { "user": { "format": "email", "email": "john@example.com" } },
      "new-value": "john.roe@example.com",
      "event_timestamp": 1615304991643
    }
  }
}
"#;
