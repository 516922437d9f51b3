//! Whom to trust: the operating system's certificate authorities, those of the environment, and those of settings.
//!
//! The variables count in every language alike (docs/adr/0011-trust-is-set-once-for-all-languages.md).

use std::{env, ffi::OsStr, fmt, path::Path, path::PathBuf, sync::Arc};

use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::CertificateDer,
};
use rustls_platform_verifier::Verifier;

use super::pem;
use crate::error::{Error, ErrorCode, Result};

type Certificates = Vec<CertificateDer<'static>>;

/// OpenSSL's variables: a file, and a list of directories, in place of what the operating system trusts.
const REPLACING: [&str; 2] = ["SSL_CERT_FILE", CERT_DIR];
const CERT_DIR: &str = "SSL_CERT_DIR";
/// Node's variable and that of Python's requests: beside all others.
const ADDING: [&str; 2] = ["NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"];

/// What is trusted, and where that was said.
#[derive(Debug)]
pub(super) struct TrustStore {
    /// In place of the operating system's authorities.
    replacing: Option<Certificates>,
    adding: Certificates,
    sources: Vec<Source>,
}

#[derive(Debug)]
struct Source {
    certificates: usize,
    origin: String,
}

impl TrustStore {
    /// Reads the environment, and the CA bundles of the settings.
    pub(super) fn new(bundles: &[Vec<u8>]) -> Result<Self> {
        let mut sources = Vec::new();
        let mut read = |names: &[&str]| -> Result<Option<Certificates>> {
            let mut all = None;
            for name in names {
                if let Some((certificates, source)) = of_variable(name)? {
                    sources.push(source);
                    all.get_or_insert_with(Certificates::new).extend(certificates);
                }
            }
            Ok(all)
        };
        let replacing = read(&REPLACING)?;
        let mut adding = read(&ADDING)?.unwrap_or_default();
        for bundle in bundles {
            let invalid = |message: String| Error::new(ErrorCode::CaBundleInvalid, message);
            let certificates = pem::certificates(bundle, "`ca_bundle`").map_err(invalid)?;
            if usable(&certificates) == 0 {
                return Err(invalid("`ca_bundle` contains no readable certificate".to_owned()));
            }
            sources.push(Source { certificates: usable(&certificates), origin: "`ca_bundle`".to_owned() });
            adding.extend(certificates);
        }
        // The verifier of the operating system takes all or none.
        adding.retain(|certificate| RootCertStore::empty().add(certificate.clone()).is_ok());
        Ok(Self { replacing, adding, sources })
    }

    /// Judges the certificates of servers.
    pub(super) fn verifier(&self, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
        let Some(replacing) = &self.replacing else {
            return match Verifier::new_with_extra_roots(self.adding.clone(), provider) {
                Ok(verifier) => Ok(Arc::new(verifier)),
                Err(error) => Err(missing().because(error)),
            };
        };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(replacing.iter().chain(&self.adding).cloned());
        match WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build() {
            Ok(verifier) => Ok(verifier),
            Err(error) => Err(missing().because(error)),
        }
    }
}

/// How many certificates, and from where.
impl fmt::Display for TrustStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let system = self.replacing.is_none().then(|| Source {
            certificates: usable(&rustls_native_certs::load_native_certs().certs),
            origin: "the operating system".to_owned(),
        });
        for (index, source) in system.iter().chain(&self.sources).enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(formatter, "{separator}{} from {}", source.certificates, source.origin)?;
        }
        Ok(())
    }
}

/// The certificates that a variable leads to, unless it is not set.
fn of_variable(name: &str) -> Result<Option<(Certificates, Source)>> {
    let Some(value) = env::var_os(name) else { return Ok(None) };
    if value.is_empty() {
        // To Node and requests that is as good as not set; to what reads OpenSSL's variables it is a file without certificates.
        return if ADDING.contains(&name) {
            Ok(None)
        } else {
            let message = format!("the environment variable {name} is empty; unset it");
            Err(Error::new(ErrorCode::CaBundleInvalid, message))
        };
    }
    let paths: Vec<PathBuf> = match name {
        CERT_DIR => env::split_paths(&value).filter(|path| !path.as_os_str().is_empty()).collect(),
        _ => vec![PathBuf::from(&value)],
    };
    let mut certificates = Certificates::new();
    let mut problem = None;
    for path in &paths {
        let found = read(path);
        problem = problem.or(found.errors.into_iter().next());
        certificates.extend(found.certs);
    }
    let shown = shown(&value);
    match usable(&certificates) {
        0 => {
            let why = problem.map_or_else(
                || "it contains no PEM certificate".to_owned(),
                |problem| match problem.kind {
                    rustls_native_certs::ErrorKind::Io { inner, .. } => {
                        format!("it cannot be read ({inner})")
                    }
                    _ => "its PEM cannot be read".to_owned(),
                },
            );
            let message = format!("the environment variable {name} is {shown}: {why}");
            Err(Error::new(ErrorCode::CaBundleInvalid, message))
        }
        count => {
            Ok(Some((certificates, Source { certificates: count, origin: format!("{name} ({shown})") })))
        }
    }
}

fn read(path: &Path) -> rustls_native_certs::CertificateResult {
    if path.is_dir() {
        rustls_native_certs::load_certs_from_paths(None, Some(path))
    } else {
        rustls_native_certs::load_certs_from_paths(Some(path), None)
    }
}

/// How many are X.509 certificates that can be an authority.
fn usable(certificates: &[CertificateDer<'static>]) -> usize {
    RootCertStore::empty().add_parsable_certificates(certificates.iter().cloned()).0
}

/// The value of a variable for a message: a path, and nothing that was put there in place of one.
fn shown(value: &OsStr) -> String {
    let value = value.to_string_lossy();
    if value.contains("-----BEGIN") {
        return "PEM content instead of a file path".to_owned();
    }
    value.chars().take(200).map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

fn missing() -> Error {
    let message = "no trusted CA certificates: the operating system has none";
    Error::new(ErrorCode::CaCertificatesMissing, message)
}
