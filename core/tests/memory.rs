//! Key bytes are gone from the memory of the process when a key is dropped.
//!
//! One test, alone in its process: what another test leaves behind would be found here. What to look for is made by a
//! child process, or read byte by byte from an export, and is only ever held masked: a plain copy would find itself.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use std::{
    env,
    fs::{self, File},
    io::Read as _,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use openssl::{pkey::PKey, symm::Cipher};
use serde_json::{Value, json};
use ssf_transmitter::{
    Algorithm, ErrorCode, KeyType, SetBuilder, SigningKey, Subject, event::caep, secret::Secret,
};
use zeroize::Zeroizing;

/// Tells a child process which key to prepare.
const PREPARE: &str = "SSF_MEMORY_TEST_PREPARE";
/// How a key comes into the process.
const IMPORTS: &[&str] = &[
    "pem-rsa",
    "pem-rsa-pkcs1",
    "pem-rsa-encrypted",
    "pem-rsa-encrypted-old",
    "pem-rsa-as-ps256",
    "pem-p256",
    "pem-p256-sec1",
    "pem-p256-encrypted-old",
    "pem-p384",
    "pem-p521",
    "pem-ed25519",
    "pem-ed25519-encrypted",
    "pem-rsa-escaped",
    "pem-p384-in-base64",
    "jwk-p256-in-base64",
    "der-rsa",
    "der-rsa-encrypted",
    "der-p256",
    "jwk-rsa",
    "jwk-rsa-three-members",
    "jwk-rsa-as-ps512",
    "jwk-p256",
    "jwk-p521",
    "jwk-ed25519",
    "jwks-rsa",
    "jwk-rsa-refused",
    "jwk-p256-refused",
    "pem-rsa-wrong-password",
];
const GENERATED: &[(KeyType, Option<Algorithm>)] = &[
    (KeyType::Rsa2048, None),
    (KeyType::Rsa2048, Some(Algorithm::Ps256)),
    (KeyType::Rsa3072, Some(Algorithm::Rs384)),
    (KeyType::P256, None),
    (KeyType::P384, None),
    (KeyType::P521, None),
    (KeyType::Ed25519, None),
];
/// How many bytes of a secret are looked for: enough not to be there by chance.
const WINDOW: usize = 16;

#[test]
fn the_bytes_of_a_key_are_gone_when_it_is_dropped() {
    if let Ok(kind) = env::var(PREPARE) {
        return prepare(&kind, &env::var("SSF_MEMORY_TEST_FOLDER").unwrap());
    }
    byte_of_reads_base64url();
    let mut left = Vec::new();
    for (kind, algorithm) in GENERATED {
        left.extend(generated(*kind, *algorithm));
    }
    for kind in IMPORTS {
        left.extend(imported(kind));
    }
    assert!(left.is_empty(), "still in memory after the drop:\n{}", left.join("\n"));
}

/// Generates, uses, exports and drops a key.
fn generated(kind: KeyType, algorithm: Option<Algorithm>) -> Vec<String> {
    let name = format!("generated {kind:?} {algorithm:?}");
    let mut key = SigningKey::generate(kind).unwrap();
    if let Some(algorithm) = algorithm {
        key = key.with_algorithm(algorithm).unwrap();
    }
    let mut needles = {
        let exported = key.export_private_jwk().unwrap();
        Needles::of_jwk(exported.expose())
    };
    needles.add("the PEM", key.export_private_pem().unwrap().expose().as_bytes());
    use_key(&key);
    assert!(!needles.found().is_empty(), "{name}: the search does not find a key that is there");
    drop(key.export_private_pem().unwrap());
    drop(key.export_private_der().unwrap());
    drop(key.export_encrypted_pem("a password").unwrap());
    drop(key);
    needles.report(&name)
}

/// Imports, uses and drops a key that a child process made.
fn imported(kind: &str) -> Vec<String> {
    let folder = folder(kind);
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "the_bytes_of_a_key_are_gone_when_it_is_dropped"])
        .env(PREPARE, kind)
        .env("SSF_MEMORY_TEST_FOLDER", &folder)
        .output()
        .unwrap();
    assert!(child.status.success(), "{kind}: {}", String::from_utf8_lossy(&child.stdout));
    let needles = Needles::read(&folder);

    let input = read_secret(&folder.join("key"));
    let password = read_secret(&folder.join("password"));
    let text = std::str::from_utf8(&input);
    let password_text = std::str::from_utf8(&password).unwrap();
    assert!(!needles.found().is_empty(), "{kind}: the search does not find the input");
    let encrypted = !password.is_empty();
    let result = match (kind.split_once('-').unwrap().0, encrypted) {
        ("pem", true) => SigningKey::from_encrypted_pem(&*input, password_text),
        ("pem", false) => SigningKey::from_pem(&*input),
        ("der", true) => SigningKey::from_encrypted_der(&*input, password_text),
        ("der", false) => SigningKey::from_der(&*input),
        ("jwk", _) => SigningKey::from_jwk(text.unwrap()),
        (_, _) => SigningKey::from_jwks(text.unwrap(), "the-key"),
    };
    drop((input, password));
    if kind.ends_with("refused") {
        assert_eq!(result.unwrap_err().code(), ErrorCode::KeyUse, "{kind}");
        return needles.report(kind);
    }
    if kind.ends_with("wrong-password") {
        assert_eq!(result.unwrap_err().code(), ErrorCode::KeyPasswordWrong, "{kind}");
        return needles.report(kind);
    }
    let mut key = result.unwrap();
    if kind.ends_with("ps256") {
        key = key.with_algorithm(Algorithm::Ps256).unwrap();
    }
    use_key(&key);
    assert!(!needles.found().is_empty(), "{kind}: the search does not find a key that is there");
    drop(key);
    needles.report(kind)
}

/// Does what a transmitter does with a key.
fn use_key(key: &SigningKey) {
    let renamed = key.clone().with_kid("another").unwrap();
    for key in [key, &renamed] {
        let set = SetBuilder::new("https://transmitter.example.com", "https://receiver.example.net")
            .event(caep::SessionRevoked::new())
            .subject(Subject::opaque("session-1"))
            .sign(key)
            .unwrap();
        assert!(set.as_str().len() > 100);
    }
}

/// What is looked for: parts of secrets, each masked.
struct Needles(Vec<(String, Vec<u8>)>);

impl Needles {
    /// The private members of a JWK: as text, as bytes, and as OpenSSL keeps numbers, the least byte first.
    fn of_jwk(json: &str) -> Self {
        let mut needles = Vec::new();
        for name in ["d", "p", "q", "dp", "dq", "qi"] {
            let Some(text) =
                json.split_once(&format!("\"{name}\":\"")).and_then(|(_, rest)| rest.split_once('"'))
            else {
                continue;
            };
            let text = text.0.as_bytes();
            let bytes = text.len() * 3 / 4;
            for (part, at) in [("the start", 1), ("the middle", bytes / 2), ("the end", bytes - WINDOW)] {
                let at = at.min(bytes - WINDOW);
                needles.push((
                    format!("{name}, {part}, as bytes"),
                    (0..WINDOW).map(|index| byte_of(text, at + index) ^ mask(index)).collect(),
                ));
                needles.push((
                    format!("{name}, {part}, as a number of OpenSSL"),
                    (0..WINDOW).map(|index| byte_of(text, at + WINDOW - 1 - index) ^ mask(index)).collect(),
                ));
                let at = (at * 4 / 3).min(text.len() - WINDOW);
                needles.push((
                    format!("{name}, {part}, as text"),
                    (0..WINDOW).map(|index| text[at + index] ^ mask(index)).collect(),
                ));
            }
        }
        assert!(!needles.is_empty());
        Self(needles)
    }

    /// A secret text, such as a line of PEM or a password.
    fn add(&mut self, name: &str, text: &[u8]) {
        let at = (text.len() - WINDOW) / 2;
        self.0.push((name.to_owned(), (0..WINDOW).map(|index| text[at + index] ^ mask(index)).collect()));
    }

    fn read(folder: &Path) -> Self {
        let file: Value = serde_json::from_slice(&fs::read(folder.join("needles")).unwrap()).unwrap();
        Self(serde_json::from_value(file).unwrap())
    }

    /// The names of those that are in memory.
    fn found(&self) -> Vec<String> {
        let mut starts = vec![false; 1 << 16];
        for (_, masked) in &self.0 {
            starts[start(masked[0] ^ mask(0), masked[1] ^ mask(1))] = true;
        }
        let mut found = vec![0_usize; self.0.len()];
        // Regions overlap by a window, so that no place is missed at the seam.
        let mut buffer = vec![0_u8; 1 << 20];
        let own = buffer.as_ptr() as u64;
        let own = own..own + buffer.len() as u64;
        let memory = File::open("/proc/self/mem").unwrap();
        for (from, to) in writable() {
            let mut at = from;
            while at < to {
                let length = usize::try_from(to - at).unwrap().min(buffer.len());
                let Ok(read) = memory.read_at(&mut buffer[..length], at) else {
                    break;
                };
                if read < WINDOW {
                    break;
                }
                for index in 0..=read - WINDOW {
                    if starts[start(buffer[index], buffer[index + 1])] && !own.contains(&(at + index as u64))
                    {
                        for (number, (_, masked)) in self.0.iter().enumerate() {
                            let here = &buffer[index..index + WINDOW];
                            if here.iter().enumerate().all(|(i, byte)| byte ^ mask(i) == masked[i]) {
                                found[number] += 1;
                            }
                        }
                    }
                }
                buffer.fill(0);
                at += (read - WINDOW + 1) as u64;
                if read == WINDOW || at + WINDOW as u64 > to {
                    break;
                }
            }
        }
        let named = self.0.iter().zip(found).filter(|(_, times)| *times > 0);
        named.map(|((name, _), times)| format!("{name} ({times} times)")).collect()
    }

    fn report(&self, key: &str) -> Vec<String> {
        self.found().into_iter().map(|what| format!("  {key}: {what}")).collect()
    }
}

/// One byte of base64url text, without decoding the rest.
fn byte_of(text: &[u8], index: usize) -> u8 {
    let six = |at: usize| {
        let letter = text[at];
        u32::from(match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'-' => 62,
            _ => 63,
        })
    };
    let at = index / 3 * 4 + index % 3;
    let pair = six(at) << 6 | six(at + 1);
    u8::try_from(pair >> (4 - 2 * (index % 3)) & 0xff).unwrap()
}

fn mask(index: usize) -> u8 {
    u8::try_from((index * 151 + 101) % 255 + 1).unwrap()
}

fn start(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

/// Where this process keeps what it writes: heap, stacks, statics.
fn writable() -> Vec<(u64, u64)> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let regions: Vec<_> = maps
        .lines()
        .filter_map(|line| {
            let (range, rest) = line.split_once(' ')?;
            let (from, to) = range.split_once('-')?;
            let address = |text| u64::from_str_radix(text, 16).ok();
            rest.starts_with("rw").then_some((address(from)?, address(to)?))
        })
        .collect();
    assert!(regions.len() > 2, "/proc/self/maps names no memory");
    regions
}

/// Reads a file into one allocation that is wiped.
fn read_secret(path: &Path) -> Zeroizing<Vec<u8>> {
    let mut file = File::open(path).unwrap();
    let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
    let mut bytes = Zeroizing::new(vec![0; length]);
    file.read_exact(&mut bytes).unwrap();
    bytes
}

fn folder(kind: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("memory").join(kind);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// In the child: writes a key, its password, and what to look for.
fn prepare(kind: &str, folder: &str) {
    let folder = Path::new(folder);
    let (form, rest) = kind.split_once('-').unwrap();
    let key = SigningKey::generate(match rest.split('-').next().unwrap() {
        "rsa" => KeyType::Rsa2048,
        "p256" => KeyType::P256,
        "p384" => KeyType::P384,
        "p521" => KeyType::P521,
        _ => KeyType::Ed25519,
    })
    .unwrap();
    let jwk = key.export_private_jwk().unwrap();
    let mut needles = Needles::of_jwk(jwk.expose());
    let encrypted = rest.contains("encrypted") || rest.contains("password");
    let password = if encrypted { format!("{}{}", key.kid(), key.kid()) } else { String::new() };
    if encrypted {
        needles.add("the password", password.as_bytes());
    }

    let pem = key.export_private_pem().unwrap();
    let parsed = PKey::private_key_from_pem(pem.expose().as_bytes()).unwrap();
    let old = |cipher: Option<Cipher>| match (parsed.rsa(), cipher) {
        (Ok(rsa), Some(cipher)) => rsa.private_key_to_pem_passphrase(cipher, password.as_bytes()).unwrap(),
        (Ok(rsa), None) => rsa.private_key_to_pem().unwrap(),
        (_, Some(cipher)) => {
            parsed.ec_key().unwrap().private_key_to_pem_passphrase(cipher, password.as_bytes()).unwrap()
        }
        (_, None) => parsed.ec_key().unwrap().private_key_to_pem().unwrap(),
    };
    let text = |secret: Secret<String>| secret.expose().clone().into_bytes();
    let input = match (form, encrypted) {
        ("pem", true) if rest.ends_with("old") => old(Some(Cipher::aes_256_cbc())),
        ("pem", true) => text(key.export_encrypted_pem(&password).unwrap()),
        ("pem", false) if rest.ends_with("pkcs1") || rest.ends_with("sec1") => old(None),
        ("pem", false) => text(pem),
        ("der", true) => {
            parsed.private_key_to_pkcs8_passphrase(Cipher::aes_256_cbc(), password.as_bytes()).unwrap()
        }
        ("der", false) => parsed.private_key_to_pkcs8().unwrap(),
        _ => {
            let mut jwk: Value = serde_json::from_str(jwk.expose()).unwrap();
            let members = jwk.as_object_mut().unwrap();
            if rest.ends_with("three-members") {
                members.retain(|name, _| ["kty", "n", "e", "d"].contains(&name.as_str()));
            }
            if rest.ends_with("ps512") {
                members.insert("alg".to_owned(), json!("PS512"));
            }
            if rest.ends_with("refused") {
                members.insert("use".to_owned(), json!("enc"));
            }
            members.insert("kid".to_owned(), json!("the-key"));
            let jwk = if form == "jwks" { json!({ "keys": [jwk] }) } else { jwk };
            jwk.to_string().into_bytes()
        }
    };
    let input = match rest {
        _ if rest.ends_with("escaped") => String::from_utf8(input).unwrap().replace('\n', "\\n").into_bytes(),
        _ if rest.ends_with("in-base64") => STANDARD.encode(input).into_bytes(),
        _ => input,
    };
    if form == "pem" || rest.ends_with("in-base64") {
        needles.add("the text", &input);
    }
    if form == "der" && encrypted {
        needles.add("the encrypted DER", &input);
    }
    let password = if rest.contains("wrong") { "another password".to_owned() } else { password };
    fs::write(folder.join("key"), input).unwrap();
    fs::write(folder.join("password"), password).unwrap();
    fs::write(folder.join("needles"), json!(needles.0).to_string()).unwrap();
}

/// Without it, a mistake there would look like a clean memory.
fn byte_of_reads_base64url() {
    let bytes: Vec<u8> = (0..=255).collect();
    let text = URL_SAFE_NO_PAD.encode(&bytes);
    let read: Vec<_> = (0..bytes.len()).map(|index| byte_of(text.as_bytes(), index)).collect();
    assert_eq!(read, bytes);
}
