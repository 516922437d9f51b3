//! Signing by something that is not in this process: here the `openssl` command line, which alone holds the key.

use std::{
    error::Error as StdError,
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::common::{AUDIENCE, ISSUER, refused};
use serde_json::{Value, json};
use ssf_transmitter::{
    Algorithm, ErrorCode, Jwks, KeyType, PublicKey, SetBuilder, Signature, Signer, SigningKey, Subject,
    UnsignedSet,
    event::caep,
    key::{BoxFuture, SigningHeader},
};

/// A key in a file that only the child process reads.
struct OpenSsl {
    key: PathBuf,
    algorithm: Algorithm,
    public: PublicKey,
}

fn openssl(arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, Box<dyn StdError + Send + Sync>> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // It may end before it has read everything.
    let _ = child.stdin.take().ok_or("no input")?.write_all(input);
    let output = child.wait_with_output()?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(format!("openssl ended with {}", output.status).into())
    }
}

impl OpenSsl {
    fn new(name: &str, algorithm: Algorithm, generate: &[&str]) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("external-signer");
        fs::create_dir_all(&folder).unwrap();
        let key = folder.join(name);
        let path = key.to_str().unwrap();
        openssl(&[&["genpkey", "-out", path], generate].concat(), b"").unwrap();
        let pem = openssl(&["pkey", "-in", path, "-pubout"], b"").unwrap();
        let public = PublicKey::from_pem(pem).unwrap().with_algorithm(algorithm).unwrap();
        Self { key, algorithm, public }
    }

    fn p256(name: &str) -> Self {
        Self::new(name, Algorithm::Es256, &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
    }

    fn rsa(name: &str, algorithm: Algorithm) -> Self {
        Self::new(name, algorithm, &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
    }

    fn jwks(&self) -> Jwks {
        Jwks::new([self.public.clone()]).unwrap()
    }

    fn call(&self, input: &[u8]) -> Result<Signature, Box<dyn StdError + Send + Sync>> {
        let key = self.key.to_str().ok_or("a path that is text")?;
        let dgst =
            |hash: &str, more: &[&str]| openssl(&[&["dgst", hash, "-sign", key], more].concat(), input);
        Ok(match self.algorithm {
            Algorithm::Es256 => Signature::Der(dgst("-sha256", &[])?),
            Algorithm::Es384 => Signature::Der(dgst("-sha384", &[])?),
            Algorithm::Es512 => Signature::Der(dgst("-sha512", &[])?),
            Algorithm::Rs256 => Signature::Raw(dgst("-sha256", &[])?),
            Algorithm::Ps256 => {
                let pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"];
                Signature::Raw(dgst("-sha256", &pss)?)
            }
            _ => {
                // Ed25519 signs the message itself, which the command line wants as a file.
                let message = self.key.with_extension("message");
                fs::write(&message, input)?;
                let message = message.to_str().ok_or("a path that is text")?;
                Signature::Raw(openssl(&["pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", message], b"")?)
            }
        })
    }
}

impl Signer for OpenSsl {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn public_key(&self) -> Option<PublicKey> {
        Some(self.public.clone())
    }

    fn sign<'a>(
        &'a self,
        signing_input: &'a [u8],
    ) -> BoxFuture<'a, Result<Signature, Box<dyn StdError + Send + Sync>>> {
        Box::pin(async move { self.call(signing_input) })
    }
}

fn unsigned(header: SigningHeader) -> UnsignedSet {
    SetBuilder::new(ISSUER, AUDIENCE)
        .event(caep::SessionRevoked::new().with_reason_admin("en", "Laptop lost"))
        .subject(Subject::email("ada@example.com"))
        .prepare(header)
        .unwrap()
}

/// Prepared for ES256, with a key that does not matter.
fn es256() -> UnsignedSet {
    unsigned(SigningHeader::new(Algorithm::Es256, "k"))
}

fn rejected(set: UnsignedSet, signature: Signature) {
    refused(set.attach(signature), &json!("signature_malformed"), &Value::Null).unwrap();
}

#[tokio::test]
async fn a_key_of_another_process_signs_with_every_algorithm() {
    let curve = |name, algorithm, curve: &str| {
        OpenSsl::new(
            name,
            algorithm,
            &["-algorithm", "EC", "-pkeyopt", &format!("ec_paramgen_curve:{curve}")],
        )
    };
    for signer in [
        OpenSsl::p256("p256"),
        curve("p384", Algorithm::Es384, "P-384"),
        curve("p521", Algorithm::Es512, "P-521"),
        OpenSsl::rsa("rsa", Algorithm::Rs256),
        OpenSsl::rsa("rsa-pss", Algorithm::Ps256),
        OpenSsl::new("ed25519", Algorithm::EdDsa, &["-algorithm", "ED25519"]),
    ] {
        let set = unsigned(signer.header()).sign_with(&signer).await.unwrap();
        let decoded = set.decode().unwrap();
        assert_eq!(decoded.header()["alg"], signer.algorithm.as_str());
        assert_eq!(decoded.header()["kid"], signer.public.kid());
        assert_eq!(decoded.verify(&signer.jwks()).unwrap().kid(), signer.public.kid());
    }
}

#[tokio::test]
async fn what_was_signed_elsewhere_is_attached_raw_or_as_der() {
    let signer = OpenSsl::p256("attached");
    // One number in 256 is shorter than its field, in DER.
    for _ in 0..20 {
        let set = unsigned(signer.header());
        let Signature::Der(der) = signer.call(set.signing_input()).unwrap() else { panic!("no DER") };
        let attached = set.clone().attach(Signature::Der(der)).unwrap();
        assert!(attached.decode().unwrap().verify(&signer.jwks()).is_ok());
        assert_eq!(attached.jti(), set.jti());
        let raw = attached.as_str().rsplit('.').next().unwrap();
        let raw = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, raw).unwrap();
        assert_eq!(set.attach(Signature::Raw(raw)).unwrap(), attached);
    }
}

#[tokio::test]
async fn a_key_of_this_process_is_a_signer_too() {
    let key = SigningKey::generate(KeyType::P256).unwrap();
    let set = unsigned(key.header()).sign_with(&key).await.unwrap();
    let jwks = Jwks::new([key.public_key().clone()]).unwrap();
    assert_eq!(set.decode().unwrap().verify(&jwks).unwrap().kid(), key.kid());
}

#[test]
fn a_raw_signature_has_the_length_of_its_algorithm() {
    for (algorithm, length) in [
        (Algorithm::Es256, 64),
        (Algorithm::Es384, 96),
        (Algorithm::Es512, 132),
        (Algorithm::EdDsa, 64),
        (Algorithm::Ed25519, 64),
    ] {
        let set = || unsigned(SigningHeader::new(algorithm, "k"));
        assert!(set().attach(Signature::Raw(vec![1; length])).is_ok());
        for wrong in [0, 1, length - 1, length + 1, 2 * length] {
            rejected(set(), Signature::Raw(vec![1; wrong]));
        }
    }
    for algorithm in [Algorithm::Rs256, Algorithm::Ps512] {
        let set = || unsigned(SigningHeader::new(algorithm, "k"));
        for right in [256, 384, 512] {
            assert!(set().attach(Signature::Raw(vec![1; right])).is_ok());
        }
        for wrong in [0, 64, 255] {
            rejected(set(), Signature::Raw(vec![1; wrong]));
        }
    }
}

#[test]
fn a_der_signature_is_one_sequence_of_two_numbers_and_nothing_more() {
    // R = 1, S = 2, with their leading zeros in the SET.
    let good = [0x30, 6, 2, 1, 1, 2, 1, 2];
    let set = es256().attach(Signature::Der(good.to_vec())).unwrap();
    let raw = set.as_str().rsplit('.').next().unwrap();
    let raw = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, raw).unwrap();
    assert_eq!(raw.len(), 64);
    assert_eq!((raw[31], raw[63], raw.iter().map(|byte| u32::from(*byte)).sum::<u32>()), (1, 2, 3));

    let long = [&[0x30, 38, 2, 33, 1][..], &[0; 32], &[2, 1, 1]].concat();
    for wrong in [
        &[][..],
        b"garbage",
        &good[..7],
        &[0x30, 6, 2, 1, 1, 2, 1, 2, 0],
        &[0x30, 3, 2, 1, 1],
        &[0x30, 0x81, 6, 2, 1, 1, 2, 1, 2],
        &[0x31, 6, 2, 1, 1, 2, 1, 2],
        &[0x30, 7, 2, 2, 0, 1, 2, 1, 2],
        &long,
        &[7; 64],
    ] {
        rejected(es256(), Signature::Der(wrong.to_vec()));
    }
    // A negative number is none of a signature.
    rejected(es256(), Signature::Der(vec![0x30, 6, 2, 1, 0x81, 2, 1, 2]));
}

#[test]
fn rsa_and_ed25519_have_no_der_form() {
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256, Algorithm::EdDsa, Algorithm::Ed25519] {
        let set = unsigned(SigningHeader::new(algorithm, "k"));
        rejected(set, Signature::Der(vec![0x30, 6, 2, 1, 1, 2, 1, 2]));
    }
}

#[tokio::test]
async fn the_failure_of_a_signer_is_told_with_its_cause() {
    let mut signer = OpenSsl::p256("broken");
    signer.key = PathBuf::from("/nowhere/no-key");
    let error = unsigned(signer.header()).sign_with(&signer).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SignerFailed);
    assert!(error.source().unwrap().to_string().contains("openssl ended with"));
}

#[tokio::test]
async fn garbage_from_a_signer_does_not_become_a_set() {
    struct Garbage(Signature);
    impl Signer for Garbage {
        fn algorithm(&self) -> Algorithm {
            Algorithm::Es256
        }
        fn sign<'a>(
            &'a self,
            _: &'a [u8],
        ) -> BoxFuture<'a, Result<Signature, Box<dyn StdError + Send + Sync>>> {
            Box::pin(async { Ok(self.0.clone()) })
        }
    }
    for garbage in
        [Signature::Raw(Vec::new()), Signature::Der(b"<html>".to_vec()), Signature::Raw(vec![0; 63])]
    {
        let signer = Garbage(garbage);
        let result = unsigned(signer.header()).sign_with(&signer).await;
        refused(result, &json!("signature_malformed"), &Value::Null).unwrap();
    }
}

#[tokio::test]
async fn a_signature_over_other_bytes_does_not_verify() {
    let signer = OpenSsl::p256("other-bytes");
    let signature = signer.call(b"other bytes").unwrap();
    let set = unsigned(signer.header()).attach(signature).unwrap();
    let verified = set.decode().unwrap().verify(&signer.jwks()).map(|key| key.kid().to_owned());
    refused(verified, &json!("signature_invalid"), &Value::Null).unwrap();
}
