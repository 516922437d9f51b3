//! Secrets: a file says where one is, never what it is.

use std::{fs, path::Path};

use url::Url;

use crate::{
    error::{Error, ErrorCode, Result},
    key::KeySource,
    pem,
    secret::Secret,
};

/// Where a secret may be.
const KINDS: [&str; 3] = ["env:", "file:", "cmd:"];

/// Where the secret is. The text may be the secret itself, by mistake: no error quotes it.
pub(super) fn secret(text: &str) -> Result<KeySource> {
    if KINDS.iter().any(|kind| text.starts_with(kind)) {
        return KeySource::parse(text).map_err(|error| invalid(error.message()));
    }
    Err(invalid("the value must be where the secret is: env:NAME, file:PATH or cmd:PROGRAM ARG…"))
}

/// A URL without a user name and a password, which are secrets.
pub(super) fn check_url(text: &str) -> Result<()> {
    let url = Url::parse(text.trim()).map_err(|_| invalid("the value must be a URL"))?;
    if url.username().is_empty() && url.password().is_none() {
        return Ok(());
    }
    Err(invalid("the URL must not contain a user name or a password"))
}

/// A URL, or where it is.
pub(super) fn check_url_or_secret(text: &str) -> Result<()> {
    if KINDS.iter().any(|kind| text.starts_with(kind)) {
        return secret(text).map(drop);
    }
    let url = Url::parse(text.trim()).map_err(|_| {
        invalid("the value must be a URL, or where one is: env:NAME, file:PATH or cmd:PROGRAM ARG…")
    })?;
    // The parameters of a database may contain one, too.
    if url.password().is_some() || url.query().is_some_and(|query| query.contains("password")) {
        return Err(invalid(
            "the URL contains a password: write where the URL is, as env:NAME, file:PATH or cmd:PROGRAM ARG…",
        ));
    }
    Ok(())
}

/// Reads a secret, without the newline and the byte order mark that editors add.
pub(super) fn read(text: &str, folder: &Path) -> Result<Secret<String>> {
    let source = secret(text)?.below(folder);
    let bytes = source.fetch().map_err(|error| invalid(error.message()))?.into_bytes();
    let secret =
        std::str::from_utf8(&bytes).map_err(|_| invalid(&format!("{source}: the secret is not UTF-8")))?;
    let secret = secret.trim_start_matches(pem::BOM).trim();
    if secret.is_empty() {
        return Err(invalid(&format!("{source}: the secret is empty")));
    }
    Ok(Secret::from(secret))
}

/// A URL, or the one that is kept where the text says.
pub(super) fn url(text: &str, folder: &Path) -> Result<Secret<String>> {
    if KINDS.iter().any(|kind| text.starts_with(kind)) { read(text, folder) } else { Ok(text.trim().into()) }
}

/// The bytes of a file.
pub(super) fn file(path: &str, folder: &Path) -> Result<Vec<u8>> {
    let path = folder.join(path);
    fs::read(&path).map_err(|error| invalid(&format!("{}: {error}", path.display())))
}

pub(super) fn invalid(message: &str) -> Error {
    Error::new(ErrorCode::ConfigurationInvalid, message)
}
