//! What is often given in place of a key: the key in another form, the path of its file, something pasted from elsewhere.

use const_oid::{
    ObjectIdentifier,
    db::rfc5911::{ID_DATA, ID_SIGNED_DATA},
};

use crate::{
    error::{Error, ErrorCode},
    pem::{self, BOM},
};

/// How the public keys of OpenSSH begin, and those of RFC 4716.
const SSH: &[&str] = &["ssh-", "ecdsa-sha2-", "sk-ssh-", "---- BEGIN SSH2 PUBLIC KEY"];

const PKCS12: &str =
    "PKCS#12 (.p12, .pfx): `openssl pkcs12 -in FILE -nocerts -nodes` extracts its private key";
const UTF16: &str = "UTF-16 text: save it as UTF-8";

/// The requested form.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Form {
    Pem,
    Der,
    Jwk,
}

/// The error for `bytes` that are not `expected`, of this form: it names what they are instead, or says `otherwise`.
///
/// The bytes may be a key: nothing here copies them.
pub(crate) fn refused(form: Form, expected: &str, bytes: &[u8], otherwise: &str) -> Error {
    let named = match std::str::from_utf8(bytes) {
        Ok(text) => {
            let text = text.trim_matches(|letter: char| letter == BOM || letter.is_whitespace());
            if SSH.iter().any(|start| text.starts_with(start)) {
                let message = format!("not {expected}, but the public key of OpenSSH");
                return Error::new(ErrorCode::KeyIsPublic, message);
            }
            of_text(form, text)
        }
        Err(_) => of_bytes(form, bytes),
    };
    let message = match named {
        Some(named) => format!("not {expected}, but {named}"),
        None => format!("not {expected}: {otherwise}"),
    };
    Error::new(ErrorCode::KeyFormatUnknown, message)
}

fn of_bytes(form: Form, bytes: &[u8]) -> Option<&'static str> {
    // PKCS#12 and bags of certificates begin with a content type of PKCS#7.
    let begins = |content_type: ObjectIdentifier| {
        let (start, content_type) = (&bytes[..bytes.len().min(40)], content_type.as_bytes());
        start.windows(content_type.len()).any(|window| window == content_type)
    };
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some(UTF16),
        [0xfe, 0xed, 0xfe, 0xed, ..] => {
            Some("a Java key store: convert it with `keytool -importkeystore -deststoretype PKCS12`")
        }
        [0x30, ..] if begins(ID_SIGNED_DATA) => {
            Some("PKCS#7 certificates: use the private key of one of them")
        }
        [0x30, ..] if begins(ID_DATA) => Some(PKCS12),
        [0x30, ..] if form != Form::Der => Some("DER: import it as DER"),
        _ => None,
    }
}

fn of_text(form: Form, text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("empty: check the variable or file that it comes from");
    }
    if text.contains('\0') {
        return Some(UTF16);
    }
    if text.contains("-----BEGIN ") {
        return Some(if pem::blocks(text).is_empty() {
            "truncated PEM: the END line is missing, or does not match the BEGIN line"
        } else {
            "PEM: import it as PEM"
        });
    }
    if text.starts_with("PuTTY-User-Key-File-") {
        return Some("a PuTTY key: `puttygen KEY.ppk -O private-openssh -o KEY.pem` converts it");
    }
    if holds(text, "BEGIN ") && (holds(text, " PRIVATE KEY") || holds(text, " PUBLIC KEY")) {
        return Some(
            "a PEM with damaged BEGIN and END lines: they are in upper case, between five hyphens each",
        );
    }
    if let Some(members) = text.strip_prefix('{') {
        if members.trim_start().starts_with('\'') {
            return Some("a printed Python dict: use json.dumps, because JSON needs double quotes");
        }
        return (form != Form::Jwk).then_some("JSON: import a key in JSON as a JWK");
    }
    if text.starts_with("\"{") || text.starts_with("'{") {
        return Some("a JWK in quotes: import it without the quotes");
    }
    if text.starts_with('<') {
        return Some("an HTML or XML page: check the address it was downloaded from");
    }
    if text.starts_with("eyJ") && text.matches('.').count() == 4 {
        return Some("an encrypted JWK (JWE): decrypt it first");
    }
    if is_path(text) {
        return Some("a file path: read the file and import its content");
    }
    match pem::any_base64(text)?.first() {
        Some(0x30) => Some("base64 of DER, without BEGIN and END lines: decode it, and import it as DER"),
        _ => None,
    }
}

/// Whether the text holds the words, in any case.
fn holds(text: &str, words: &str) -> bool {
    text.as_bytes().windows(words.len()).any(|window| window.eq_ignore_ascii_case(words.as_bytes()))
}

/// One line that starts or ends as paths of keys do.
fn is_path(text: &str) -> bool {
    const STARTS: &[&str] = &["/", "./", "../", "~/", "~\\", ".\\", "\\\\", "file:"];
    const ENDS: &[&str] = &[
        ".pem", ".key", ".der", ".p8", ".pk8", ".jwk", ".jwks", ".json", ".p12", ".pfx", ".crt", ".cer",
        ".txt",
    ];
    let drive = matches!(text.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    let ends = |end: &str| {
        let at = text.len().saturating_sub(end.len());
        text.as_bytes()[at..].eq_ignore_ascii_case(end.as_bytes())
    };
    !text.contains(['\n', '\r'])
        && text.len() < 1024
        && (drive || STARTS.iter().any(|start| text.starts_with(start)) || ENDS.iter().any(|end| ends(end)))
}
