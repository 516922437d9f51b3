//! Plays a Secure Enclave for the Swift tests: a process that has a P-256 key, tells the public half, and signs.
//!
//! Everything is one line of base64: first the public key in DER, then for each line that comes in its signature in DER. With the
//! argument `digest` it plays a key service: it has an RSA key, and each line is a digest.

use std::{
    error::Error,
    io::{self, BufRead as _, Write as _},
};

use openssl::{
    base64::{decode_block, encode_block},
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    md::Md,
    nid::Nid,
    pkey::PKey,
    pkey_ctx::PkeyCtx,
    rsa::Rsa,
    sign::Signer,
};

fn main() -> Result<(), Box<dyn Error>> {
    let digests = std::env::args().nth(1).is_some_and(|argument| argument == "digest");
    let key = if digests {
        PKey::from_rsa(Rsa::generate(2048)?)?
    } else {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        PKey::from_ec_key(EcKey::generate(&group)?)?
    };
    let mut output = io::stdout();
    writeln!(output, "{}", encode_block(&key.public_key_to_der()?))?;
    for line in io::stdin().lock().lines() {
        let line = decode_block(&line?)?;
        let signature = if digests {
            let mut context = PkeyCtx::new(&key)?;
            context.sign_init()?;
            context.set_signature_md(Md::sha256())?;
            let mut signature = Vec::new();
            context.sign_to_vec(&line, &mut signature)?;
            signature
        } else {
            Signer::new(MessageDigest::sha256(), &key)?.sign_oneshot_to_vec(&line)?
        };
        writeln!(output, "{}", encode_block(&signature))?;
    }
    Ok(())
}
