//! A custom dialect: a receiver with requirements that no built-in dialect covers.
//!
//! `cargo run -p ssf-examples --example own_dialect`

use ssf_transmitter::{
    Dialect, ErrorCode, KeyType, SetBuilder, SigningKey, Subject, Timestamp,
    event::{ChangeType, CredentialType, caep},
};

/// Contains only the differences from the built-in dialect `okta`. `core/catalogue/receivers/ssf-1.0.toml` documents all
/// settings.
const ACME: &str = r#"
    id = "acme"
    extends = "okta"
    title = "ACME identity hub"
    source = "ACME integration guide, page 12"

    [set]
    algorithms = ["RS256", "ES256"]
    txn = "optional"

    [subject]
    sub_id = true

    [time]
    unit = "ms"

    [events."caep.credential-change"]
    required = ["event_timestamp"]
    values.credential_type = ["password", "fido2-platform"]
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dialect = Dialect::from_toml(ACME)?;
    let key = SigningKey::generate(KeyType::P256)?;
    let set = |kind: CredentialType| {
        SetBuilder::new("https://edr.example.com", "https://hub.acme.example")
            .dialect(&dialect)
            .event(
                caep::CredentialChange::new(kind, ChangeType::Update)
                    .with_event_timestamp(Timestamp::from_unix_millis(1_767_225_590_250)),
            )
            .subject(Subject::email("ada@example.com"))
            .txn("incident-4711")
            .sign(&key)
    };

    let decoded = set(CredentialType::Password)?.decode()?;
    println!("{}", serde_json::to_string_pretty(decoded.claims())?);
    let event =
        &decoded.claims()["events"]["https://schemas.openid.net/secevent/caep/event-type/credential-change"];
    assert_eq!(event["event_timestamp"], 1_767_225_590_250_i64);
    assert_eq!(event["subject"]["user"]["email"], "ada@example.com");
    assert_eq!(decoded.claims()["txn"], "incident-4711");

    // A SET that ACME would reject is rejected here, with pointer and reason.
    let Err(error) = set(CredentialType::Pin) else { return Err("ACME takes no PIN changes".into()) };
    println!("\nrefused: {error}");
    assert_eq!(error.code(), ErrorCode::EventMemberValue);
    Ok(())
}
