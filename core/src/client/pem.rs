//! Certificates and keys for TLS from settings: PEM, and common mistakes.

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use zeroize::Zeroizing;

/// The certificates of a text; `setting` names it in what goes wrong.
pub(super) fn certificates(pem: &[u8], setting: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = text(pem);
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(format!("{setting} contains no PEM certificate{}", instead(pem))),
        Err(_) => Err(format!("{setting} contains invalid PEM")),
    }
}

/// The private key of a text.
pub(super) fn private_key(pem: &[u8], setting: &str) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(&text(pem)).map_err(|_| {
        let text = String::from_utf8_lossy(pem);
        let encrypted = text.contains("ENCRYPTED");
        let why = if encrypted { "; it is encrypted, decrypt it first" } else { instead(pem) };
        format!("{setting} contains no PEM private key{why}")
    })
}

/// Without a byte order mark, and with the newlines that an environment variable lost.
fn text(pem: &[u8]) -> Zeroizing<Vec<u8>> {
    let pem = pem.strip_prefix("\u{feff}".as_bytes()).unwrap_or(pem);
    let escaped = !pem.contains(&b'\n');
    let mut text = Zeroizing::new(Vec::with_capacity(pem.len()));
    let mut bytes = pem.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek()) {
            (b'\\', Some(b'n')) if escaped => text.push(b'\n'),
            (b'\\', Some(b'r')) if escaped => {}
            _ => {
                text.push(byte);
                continue;
            }
        }
        bytes.next();
    }
    text
}

/// What was given instead of PEM, if it can be told.
fn instead(given: &[u8]) -> &'static str {
    // An ASN.1 SEQUENCE whose length takes one or two bytes (X.690 §8.1.3).
    let is_der = given.len() > 2 && given[0] == 0x30 && matches!(given[1], 0x81 | 0x82);
    let text = String::from_utf8_lossy(given);
    let text = text.trim();
    if given.iter().all(u8::is_ascii_whitespace) {
        "; it is empty"
    } else if is_der {
        "; it is DER, convert it with `openssl x509 -inform der` or `openssl pkey -inform der`"
    } else if text.contains("PRIVATE KEY-----") {
        "; it is a private key"
    } else if text.contains("-----BEGIN CERTIFICATE-----") {
        "; it is a certificate"
    } else if !text.contains('\n') && text.contains(['/', '\\', '.']) && text.len() < 1024 {
        "; it looks like a path: pass the content of the file"
    } else {
        ""
    }
}
