//! Writes SETs, the keys to verify them and the claims that they must hold, as one JSON document for the verifiers
//! `verify.py` and `verify.mjs`.
//!
//! The expected claims are made from the test vectors and from [`Receiver`], which says once more, by hand, what the
//! dialects' files say. Nothing here is read back from a SET.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    io::{self, Write as _},
    path::Path,
};

use openssl::{hash::MessageDigest, pkey::PKey, sign::Signer};
use serde_json::{Map, Value, json};
use ssf_transmitter::{
    Algorithm, CustomEvent, Dialect, Jwks, KeyType, SetBuilder, Signature, SignedSet, SigningKey, Subject,
    Timestamp, UnsignedSet, conformance::Stream, set::Audience,
};

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;
type Object = Map<String, Value>;

const ISSUER: &str = "https://transmitter.example.org";
const AUDIENCE: &str = "https://receiver.example.net/";
const TXN: &str = "incident-4711";
const ISSUED_AT: i64 = 1_767_225_600;

fn main() -> Result {
    let vectors = Vectors::read()?;
    let mut maker = Maker::new()?;
    every_event(&mut maker, &vectors)?;
    every_algorithm(&mut maker, &vectors)?;
    every_dialect(&mut maker, &vectors)?;
    companions(&mut maker, &vectors)?;
    signed_elsewhere(&mut maker, &vectors)?;
    unusual(&mut maker)?;

    let document = json!({ "jwks": maker.jwks()?, "sets": maker.sets });
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, &document)?;
    Ok(output.write_all(b"\n")?)
}

/// Each of the events, for a receiver without wishes of its own.
fn every_event(maker: &mut Maker, vectors: &Vectors) -> Result {
    for vector in &vectors.0 {
        let receiver = Receiver::of("ssf-1.0")?;
        maker.add(&receiver, vector, vector.least(), &vector.subject, Algorithm::Rs256)?;
    }
    Ok(())
}

/// The events dealt out to the other algorithms, each with a key of its own.
fn every_algorithm(maker: &mut Maker, vectors: &Vectors) -> Result {
    let others: Vec<_> =
        Algorithm::ALL.iter().filter(|algorithm| **algorithm != Algorithm::Rs256).copied().collect();
    for (vector, algorithm) in vectors.0.iter().zip(others.iter().cycle()) {
        let receiver = Receiver::of("ssf-1.0")?;
        maker.add(&receiver, vector, vector.least(), &vector.subject, *algorithm)?;
    }
    Ok(())
}

/// Each event with each subject in every other dialect that takes it.
fn every_dialect(maker: &mut Maker, vectors: &Vectors) -> Result {
    for id in Dialect::ids().filter(|id| *id != "ssf-1.0") {
        let receiver = Receiver::of(id)?;
        let mut taken = Vec::new();
        for vector in &vectors.0 {
            let mut subjects: Vec<Object> =
                SUBJECTS.iter().map(|text| serde_json::from_str(text)).collect::<Result<_, _>>()?;
            if !subjects.contains(&vector.subject) {
                subjects.push(vector.subject.clone());
            }
            let mut any = false;
            for subject in &subjects {
                let mut candidates = vector.valid.iter().chain(receiver.further_claims(&vector.id));
                let fits = |claims: &&Object| {
                    receiver.builder(vector, claims, subject).is_ok_and(|builder| {
                        builder.jti("trial").prepare(&maker.keys[Algorithm::Rs256.as_str()]).is_ok()
                    })
                };
                if let Some(claims) = candidates.find(fits) {
                    if receiver.refuses(&vector.id, subject) {
                        return Err(format!("{id} must not take {} with {subject:?}", vector.id).into());
                    }
                    any = true;
                    maker.add(&receiver, vector, claims, subject, Algorithm::Rs256)?;
                }
                // Without a subject in the SET, one is like another.
                if any && receiver.without_subject(&vector.id) {
                    break;
                }
            }
            if any {
                taken.push(vector.id.as_str());
            }
        }
        let expected: Vec<_> = vectors.ids().filter(|event| receiver.takes(event)).collect();
        if taken != expected {
            return Err(format!("{id} takes the events {taken:?}; it should take {expected:?}").into());
        }
    }
    Ok(())
}

/// Several events in one SET, where a dialect takes that.
fn companions(maker: &mut Maker, vectors: &Vectors) -> Result {
    let cases = [
        (
            "govuk-one-login",
            ["govuk.account-concern", "govuk.event-metadata", "govuk.event-details"].as_slice(),
        ),
        ("govuk-app", &["caep.credential-change", "govuk.credential-change-information"]),
    ];
    for (id, events) in cases {
        let receiver = Receiver::of(id)?;
        let vectors = events.iter().map(|event| vectors.get(event)).collect::<Result<Vec<_>>>()?;
        let subject = serde_json::from_str(SUBJECTS[0])?;
        let mut builder = receiver.builder(vectors[0], vectors[0].least(), &subject)?;
        let mut expected = receiver.claims(vectors[0], vectors[0].least(), &subject);
        for companion in &vectors[1..] {
            builder = builder.event(CustomEvent::new(companion.uri.as_str(), companion.least().clone()));
            expected["events"][&companion.uri] = Value::Object(companion.least().clone());
        }
        let key = maker.keys["RS256"].clone();
        let sign = |set: UnsignedSet| Ok(set.sign(&key)?);
        maker.finish(&receiver, &events.join(" + "), Algorithm::Rs256, builder, expected, sign)?;
    }
    Ok(())
}

/// SETs signed outside: DER and raw signatures, attached.
fn signed_elsewhere(maker: &mut Maker, vectors: &Vectors) -> Result {
    let receiver = Receiver::of("ssf-1.0")?;
    let vector = vectors.get("caep.session-revoked")?;
    for (algorithm, digest) in [
        (Algorithm::Es256, Some(MessageDigest::sha256())),
        (Algorithm::Es384, Some(MessageDigest::sha384())),
        (Algorithm::Es512, Some(MessageDigest::sha512())),
        (Algorithm::EdDsa, None),
        (Algorithm::Rs256, Some(MessageDigest::sha256())),
    ] {
        let pem = maker.keys[algorithm.as_str()].export_private_pem()?;
        let key = PKey::private_key_from_pem(pem.expose().as_bytes())?;
        let sign = |unsigned: UnsignedSet| {
            let input = unsigned.signing_input();
            let bytes = match digest {
                Some(digest) => Signer::new(digest, &key)?.sign_oneshot_to_vec(input)?,
                None => Signer::new_without_digest(&key)?.sign_oneshot_to_vec(input)?,
            };
            let signature = match algorithm {
                Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512 => Signature::Der(bytes),
                _ => Signature::Raw(bytes),
            };
            Ok(unsigned.attach(signature)?)
        };
        let expected = receiver.claims(vector, vector.least(), &vector.subject);
        let builder = receiver.builder(vector, vector.least(), &vector.subject)?;
        maker.finish(&receiver, &vector.id, algorithm, builder, expected, sign)?;
    }
    Ok(())
}

/// Claims that tempt a parser: texts beyond ASCII, large numbers, a list as audience, claims of the sender's own.
fn unusual(maker: &mut Maker) -> Result {
    let uri = "https://transmitter.example.org/events/unusual";
    let members = json!({
        "texts": ["Grüße", "ここ", "🔐 \u{1f468}\u{200d}\u{1f469}", "\"\\/\u{8}\u{c}\n\r\t\u{1}\u{7f}\u{2028}", ""],
        "numbers": [0, -1, 9_007_199_254_740_991_i64, -9_007_199_254_740_991_i64, 0.25, 1e-7, 1.5e300],
        "empty": [{}, [], null, true, false],
        "": { "__proto__": { "a/b~c": "%2e" } },
    });
    let Value::Object(members) = members else { return Err("an object was expected".into()) };
    let subject = json!({ "format": "opaque", "id": "<>&'\u{e9} + = ?" });
    let audience = ["https://receiver.example.net/web", "https://receiver.example.net/mobile"];
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        let builder = SetBuilder::new(ISSUER, Audience::from(audience))
            .event(CustomEvent::new(uri, members.clone()))
            .subject(Subject::from_json(&subject.to_string())?)
            .txn(TXN)
            .toe(Timestamp::from_unix_seconds(ISSUED_AT - 60))
            .claim("nbf", ISSUED_AT);
        let mut expected = Object::new();
        expected.insert("aud".to_owned(), json!(audience));
        expected.insert("txn".to_owned(), json!(TXN));
        expected.insert("toe".to_owned(), json!(ISSUED_AT - 60));
        expected.insert("nbf".to_owned(), json!(ISSUED_AT));
        expected.insert("sub_id".to_owned(), subject.clone());
        expected.insert("events".to_owned(), json!({ uri: members }));
        let key = maker.keys[algorithm.as_str()].clone();
        maker.finish(&Receiver::of("ssf-1.0")?, uri, algorithm, builder, expected, |set| {
            Ok(set.sign(&key)?)
        })?;
    }
    Ok(())
}

/// Subjects of each kind that a dialect may want.
const SUBJECTS: &[&str] = &[
    r#"{ "format": "uri", "uri": "urn:fdc:gov.uk:2022:56P4CMsGh_02YOlWpd8PAOI-2sVlB2nsNU7mcLZYhYw=" }"#,
    r#"{ "format": "email", "email": "ada@example.org" }"#,
    r#"{ "format": "phone_number", "phone_number": "+12065550100" }"#,
    r#"{ "format": "iss_sub", "iss": "https://idp.example.org", "sub": "user-0001" }"#,
    r#"{ "format": "opaque", "id": "device-0001" }"#,
    r#"{ "format": "jwt_id", "iss": "https://idp.example.org", "jti": "token-0001" }"#,
    r#"{ "format": "complex", "user": { "format": "uri", "uri": "urn:fdc:gov.uk:2022:56P4CMsGh" } }"#,
    r#"{ "format": "complex", "user": { "format": "email", "email": "ada@example.org" },
         "device": { "format": "opaque", "id": "device-0001" } }"#,
    r#"{ "format": "complex", "session": { "format": "opaque", "id": "session-0001" },
         "user": { "format": "iss_sub", "iss": "https://idp.example.org", "sub": "user-0001" },
         "tenant": { "format": "opaque", "id": "tenant-0001" } }"#,
];

/// What a receiver wants, written down a second time.
struct Receiver {
    id: &'static str,
    dialect: Dialect,
    txn: bool,
    kid: bool,
    sub_id: bool,
    subject: InEvent,
    /// Claims for events of which no vector is to the receiver's liking.
    further: Vec<(&'static str, Object)>,
}

/// The subject in the event.
enum InEvent {
    /// Where the event's definition wants it.
    ByDefinition,
    AsItIs,
    /// Complex subjects without their `format`.
    Bare,
    /// A simple subject as `user` or `device` of a complex one.
    Wrapped,
    /// `subject_type` for `format`.
    Legacy,
}

impl Receiver {
    /// What the documentation of the receiver with this dialect says.
    fn of(id: &str) -> Result<Self> {
        let (id, txn, kid, sub_id, subject) = match id {
            "ssf-1.0" => ("ssf-1.0", true, true, true, InEvent::ByDefinition),
            "caep-interop" => ("caep-interop", true, true, true, InEvent::ByDefinition),
            "okta" => ("okta", false, true, false, InEvent::Wrapped),
            "govuk-one-login" => ("govuk-one-login", true, false, false, InEvent::Bare),
            "govuk-app" => ("govuk-app", false, true, false, InEvent::AsItIs),
            "google-workspace" => ("google-workspace", true, true, true, InEvent::AsItIs),
            "login-gov" => ("login-gov", false, true, false, InEvent::Legacy),
            "apple" => ("apple", false, true, false, InEvent::Wrapped),
            other => return Err(format!("nobody has written down what {other} wants").into()),
        };
        let levels = json!({
            "namespace": "NIST-AAL", "current_level": "nist-aal2", "previous_level": "nist-aal1",
            "change_direction": "increase",
        });
        let further = match (id, levels) {
            ("govuk-one-login", Value::Object(levels)) => vec![("caep.assurance-level-change", levels)],
            _ => Vec::new(),
        };
        Ok(Self { id, dialect: Dialect::built_in(id)?, txn, kid, sub_id, subject, further })
    }

    fn further_claims<'a>(&'a self, event: &'a str) -> impl Iterator<Item = &'a Object> {
        self.further.iter().filter(move |(id, _)| *id == event).map(|(_, claims)| claims)
    }

    /// Whether the receiver takes this event, with a subject of [`SUBJECTS`].
    fn takes(&self, event: &str) -> bool {
        let (family, name) = event.split_once('.').unwrap_or_default();
        match self.id {
            // It accepts email addresses and iss_sub, except for events about the stream.
            "caep-interop" => match family {
                "caep" | "risc" | "okta" | "login-gov" => true,
                "oauth" => !matches!(name, "token-issued" | "token-revoked"),
                "ssf" => matches!(name, "verification" | "stream-updated"),
                "govuk" => is_companion(event) || name == "credential-concern",
                _ => false,
            },
            "okta" => {
                family == "okta"
                    || matches!(
                        event,
                        "caep.session-revoked" | "caep.device-compliance-change" | "risc.identifier-changed"
                    )
            }
            "govuk-one-login" => match family {
                "risc" => true,
                // A companion says nothing without its event; alone it is a SET nevertheless.
                "govuk" => name != "credential-change-information",
                "caep" => !matches!(name, "session-established" | "session-presented" | "risk-level-change"),
                _ => false,
            },
            "govuk-app" => matches!(
                event,
                "risc.account-purged"
                    | "caep.credential-change"
                    | "govuk.credential-change-information"
                    | "ssf.verification"
                    | "ssf.sse-verification"
            ),
            "google-workspace" => event == "caep.session-revoked",
            "login-gov" => {
                matches!(
                    event,
                    "login-gov.authorization-fraud-detected" | "login-gov.identity-fraud-detected"
                )
            }
            "apple" => matches!(
                event,
                "caep.session-revoked" | "caep.credential-change" | "ssf.verification" | "ssf.stream-updated"
            ),
            _ => true,
        }
    }

    /// Whether the subject of an event is in `sub_id`.
    fn is_at_top(&self, event: &str) -> bool {
        self.sub_id || (self.id == "apple" && event.starts_with("ssf."))
    }

    /// Whether the receiver's schemas have no room for such a subject, although the event's definition has.
    fn refuses(&self, event: &str, subject: &Object) -> bool {
        let about_user =
            matches!(event, "govuk.account-concern" | "govuk.account-block" | "govuk.session-recovered");
        self.id == "govuk-one-login" && about_user && subject["format"] != "uri"
    }

    /// Whether a SET with this event says nothing of its subject.
    fn without_subject(&self, event: &str) -> bool {
        !self.sub_id && (is_companion(event) || (self.id == "govuk-app" && event.starts_with("ssf.")))
    }

    /// A SET for the receiver, except its id and its time.
    fn builder(&self, vector: &Vector, claims: &Object, subject: &Object) -> Result<SetBuilder> {
        Ok(SetBuilder::new(ISSUER, AUDIENCE)
            .dialect(&self.dialect)
            .event(CustomEvent::new(vector.uri.as_str(), claims.clone()))
            .subject(Subject::from_json(&serde_json::to_string(subject)?)?)
            .txn(vector.txn.as_deref().unwrap_or(TXN)))
    }

    /// The claims that the SET must contain, except issuer, id and time.
    fn claims(&self, vector: &Vector, claims: &Object, subject: &Object) -> Object {
        let mut members = claims.clone();
        if self.id == "govuk-one-login" && vector.id == "caep.device-compliance-change" {
            for value in members.values_mut().filter(|value| *value == "not-compliant") {
                *value = json!("non-compliant");
            }
        }
        if let Some(subject) = self.subject_in_event(vector, subject) {
            members.insert("subject".to_owned(), subject);
        }
        let uri = match (self.id, vector.id.as_str()) {
            ("govuk-app", "ssf.verification") => {
                "https://schemas.openid.net/secevent/sse/event-type/verification"
            }
            _ => &vector.uri,
        };
        let mut expected = Object::new();
        expected.insert("aud".to_owned(), json!(AUDIENCE));
        expected.insert("events".to_owned(), json!({ uri: members }));
        if self.txn {
            expected.insert("txn".to_owned(), json!(vector.txn.as_deref().unwrap_or(TXN)));
        }
        if self.is_at_top(&vector.id) {
            expected.insert("sub_id".to_owned(), Value::Object(subject.clone()));
        }
        expected
    }

    fn subject_in_event(&self, vector: &Vector, subject: &Object) -> Option<Value> {
        let family = vector.id.split('.').next().unwrap_or_default();
        let only_at_top = !self.sub_id && self.is_at_top(&vector.id);
        if is_companion(&vector.id) || only_at_top || self.without_subject(&vector.id) {
            return None;
        }
        let form = match (&self.subject, family) {
            (InEvent::ByDefinition, "okta" | "govuk") => &InEvent::Bare,
            (InEvent::ByDefinition, "login-gov") => &InEvent::Legacy,
            (InEvent::ByDefinition, "oauth") if vector.id.starts_with("oauth.token") => &InEvent::Legacy,
            (InEvent::ByDefinition, _) => return None,
            (form, _) => form,
        };
        let complex = subject["format"] == "complex";
        let mut value = subject.clone();
        match form {
            InEvent::Bare | InEvent::Wrapped if complex => {
                value.remove("format");
            }
            InEvent::Wrapped => {
                let about_device = vector.id.contains(".device-");
                let name = if about_device { "device" } else { "user" };
                return Some(json!({ name: value }));
            }
            InEvent::Bare if self.id == "govuk-one-login" && value["format"] == "phone_number" => {
                return Some(json!({ "format": "phone", "phone": value["phone_number"] }));
            }
            InEvent::Legacy => {
                value.remove("format");
                let format = &subject["format"];
                let legacy = if format == "iss_sub" { json!("iss-sub") } else { format.clone() };
                value.insert("subject_type".to_owned(), legacy);
            }
            InEvent::ByDefinition | InEvent::AsItIs | InEvent::Bare => {}
        }
        Some(Value::Object(value))
    }
}

/// Whether the event travels beside another and has no subject of its own.
fn is_companion(event: &str) -> bool {
    matches!(event, "govuk.event-metadata" | "govuk.event-details" | "govuk.credential-change-information")
}

/// The vectors of the events.
struct Vectors(Vec<Vector>);

struct Vector {
    id: String,
    uri: String,
    subject: Object,
    txn: Option<String>,
    valid: Vec<Object>,
}

impl Vectors {
    fn read() -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/events");
        let mut vectors = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let vector = Vector::parse(&fs::read_to_string(&path)?);
            vectors.push(vector.map_err(|error| format!("{}: {error}", path.display()))?);
        }
        if vectors.is_empty() {
            return Err(format!("no vectors in {}", folder.display()).into());
        }
        vectors.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(Self(vectors))
    }

    fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|vector| vector.id.as_str())
    }

    fn get(&self, id: &str) -> Result<&Vector> {
        Ok(self.0.iter().find(|vector| vector.id == id).ok_or_else(|| format!("no vector of {id}"))?)
    }
}

impl Vector {
    fn parse(text: &str) -> Result<Self> {
        let vector: Value = serde_json::from_str(text)?;
        let string = |name: &str| vector[name].as_str().map(str::to_owned);
        let valid: Option<Vec<_>> = vector["valid"]
            .as_array()
            .and_then(|cases| cases.iter().map(|case| case["claims"].as_object().cloned()).collect());
        Ok(Self {
            id: string("id").ok_or("id is missing")?,
            uri: string("uri").ok_or("uri is missing")?,
            subject: vector["subject"].as_object().cloned().ok_or("subject is missing")?,
            txn: string("txn"),
            valid: valid.filter(|cases| !cases.is_empty()).ok_or("there are no valid claims")?,
        })
    }

    fn least(&self) -> &Object {
        &self.valid[0]
    }
}

/// Makes the SETs and collects them.
struct Maker {
    /// By algorithm.
    keys: BTreeMap<&'static str, SigningKey>,
    /// Published beside the others, of a kind with one of them: without `kid` a receiver has to try.
    next: SigningKey,
    sets: Vec<Value>,
}

impl Maker {
    fn new() -> Result<Self> {
        let mut keys = BTreeMap::new();
        for algorithm in Algorithm::ALL {
            let kind = match algorithm {
                Algorithm::Es256 => KeyType::P256,
                Algorithm::Es384 => KeyType::P384,
                Algorithm::Es512 => KeyType::P521,
                Algorithm::EdDsa | Algorithm::Ed25519 => KeyType::Ed25519,
                _ => KeyType::Rsa2048,
            };
            keys.insert(algorithm.as_str(), SigningKey::generate(kind)?.with_algorithm(*algorithm)?);
        }
        Ok(Self { keys, next: SigningKey::generate(KeyType::Rsa2048)?, sets: Vec::new() })
    }

    fn jwks(&self) -> Result<Value> {
        let keys = std::iter::once(&self.next).chain(self.keys.values());
        let jwks = Jwks::new(keys.map(|key| key.public_key().clone()))?;
        Ok(serde_json::from_str(&jwks.to_json())?)
    }

    /// Adds a SET signed by the library.
    fn add(
        &mut self,
        receiver: &Receiver,
        vector: &Vector,
        claims: &Object,
        subject: &Object,
        algorithm: Algorithm,
    ) -> Result {
        let builder = receiver.builder(vector, claims, subject)?;
        let expected = receiver.claims(vector, claims, subject);
        let key = self.keys[algorithm.as_str()].clone();
        self.finish(receiver, &vector.id, algorithm, builder, expected, |set| Ok(set.sign(&key)?))
    }

    fn finish(
        &mut self,
        receiver: &Receiver,
        event: &str,
        algorithm: Algorithm,
        builder: SetBuilder,
        mut expected: Object,
        sign: impl FnOnce(UnsignedSet) -> Result<SignedSet>,
    ) -> Result {
        let name = format!("{:03} {event} for {} with {algorithm}", self.sets.len() + 1, receiver.id);
        let jti = format!("interop-{:03}", self.sets.len() + 1);
        let key = &self.keys[algorithm.as_str()];
        let unsigned = builder.jti(&jti).issued_at(Timestamp::from_unix_seconds(ISSUED_AT)).prepare(key);
        let set = sign(unsigned.map_err(|error| format!("{name}: {error}"))?)?;
        conforms(&name, &set, &expected, algorithm)?;
        expected.insert("iss".to_owned(), json!(ISSUER));
        expected.insert("jti".to_owned(), json!(jti));
        expected.insert("iat".to_owned(), json!(ISSUED_AT));
        self.sets.push(json!({
            "name": name,
            "event": event,
            "dialect": receiver.id,
            "algorithm": algorithm.as_str(),
            "kid": receiver.kid.then(|| key.kid()),
            "compact": set.as_str(),
            "expected": expected,
        }));
        Ok(())
    }
}

/// The requirements of the conformance suite are met, except for requested deviations: another algorithm, companions.
fn conforms(name: &str, set: &SignedSet, expected: &Object, algorithm: Algorithm) -> Result {
    let audience = match expected.get("aud") {
        Some(Value::Array(several)) => several[0].as_str(),
        other => other.and_then(Value::as_str),
    };
    let mut stream = Stream::new(ISSUER, audience.unwrap_or(AUDIENCE));
    let events = expected["events"].as_object().ok_or("events are an object")?;
    if let Some(state) = events.values().find_map(|event| event.get("state")?.as_str()) {
        stream = stream.state(state);
    }
    let mut wanted = Vec::new();
    wanted.extend((algorithm != Algorithm::Rs256).then_some("set-alg"));
    wanted.extend((events.len() > 1).then_some("set-one-event"));
    let conditions = stream.check_set(set.as_str(), Timestamp::from_unix_seconds(ISSUED_AT));
    let failed: Vec<_> = conditions.iter().filter(|item| !item.holds).map(|item| item.id).collect();
    if failed == wanted { Ok(()) } else { Err(format!("{name}: {failed:?} fail, not {wanted:?}").into()) }
}
