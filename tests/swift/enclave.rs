//! Plays a Secure Enclave for the Swift tests: a process that has a P-256 key, tells the public half, and signs.
//!
//! Everything is one line of base64: first the public key in DER, then for each line that comes in its signature in DER.

use std::{
    error::Error,
    io::{self, BufRead as _, Write as _},
};

use openssl::{
    base64::{decode_block, encode_block},
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::PKey,
    sign::Signer,
};

fn main() -> Result<(), Box<dyn Error>> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
    let mut output = io::stdout();
    writeln!(output, "{}", encode_block(&key.public_key_to_der()?))?;
    for line in io::stdin().lock().lines() {
        let signature =
            Signer::new(MessageDigest::sha256(), &key)?.sign_oneshot_to_vec(&decode_block(&line?)?)?;
        writeln!(output, "{}", encode_block(&signature))?;
    }
    Ok(())
}
