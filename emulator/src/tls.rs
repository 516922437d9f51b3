//! TLS with its own certificates: a good one, and one for each way a certificate can be wrong.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use super::script::TlsFault;
use super::{Error, Result, clock};

const DAY: Duration = Duration::from_hours(24);

/// A host that is never this one (RFC 2606 §3).
const OTHER_HOST: &str = "elsewhere.example.org";

/// The certificates of one emulator.
pub(crate) struct Tls {
    ca_pem: String,
    good: TlsAcceptor,
    wrong_host: TlsAcceptor,
    expired: TlsAcceptor,
    untrusted: TlsAcceptor,
}

type Authority = CertifiedIssuer<'static, KeyPair>;

impl Tls {
    /// Makes an authority, and certificates for `localhost` and these addresses.
    pub(crate) fn new(address: IpAddr) -> Result<Self> {
        let ca = authority("ssf receiver")?;
        let stranger = authority("Nobody")?;
        let here: Vec<_> =
            ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned(), address.to_string()].into();
        let elsewhere = vec![OTHER_HOST.to_owned()];
        let mut expired = certificate(&here)?;
        expired.not_before = date_time_ymd(2000, 1, 1);
        expired.not_after = date_time_ymd(2000, 2, 1);
        Ok(Self {
            ca_pem: ca.pem(),
            good: acceptor(&ca, &certificate(&here)?)?,
            wrong_host: acceptor(&ca, &certificate(&elsewhere)?)?,
            expired: acceptor(&ca, &expired)?,
            untrusted: acceptor(&stranger, &certificate(&here)?)?,
        })
    }

    /// The certificate of the authority a sender has to trust.
    pub(crate) fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    pub(crate) fn acceptor(&self, wrong: Option<TlsFault>) -> &TlsAcceptor {
        match wrong {
            // A handshake that is to fail does not get as far as a certificate.
            None | Some(TlsFault::Handshake) => &self.good,
            Some(TlsFault::WrongHost) => &self.wrong_host,
            Some(TlsFault::Expired) => &self.expired,
            Some(TlsFault::Untrusted) => &self.untrusted,
        }
    }
}

fn authority(name: &str) -> Result<Authority> {
    let mut parameters = certificate(&[])?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.extended_key_usages = Vec::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().map_err(Error::tls)?;
    Authority::self_signed(parameters, key).map_err(Error::tls)
}

/// A certificate for a server, good for some days: verifiers of some platforms refuse those that are good for long.
fn certificate(names: &[String]) -> Result<CertificateParams> {
    let mut parameters = CertificateParams::new(names).map_err(Error::tls)?;
    let now = date_time_ymd(1970, 1, 1) + clock::now();
    parameters.not_before = now - DAY;
    parameters.not_after = now + 30 * DAY;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.use_authority_key_identifier_extension = true;
    if let Some(name) = names.first() {
        parameters.distinguished_name.push(DnType::CommonName, name);
    }
    Ok(parameters)
}

fn acceptor(authority: &Authority, parameters: &CertificateParams) -> Result<TlsAcceptor> {
    let key = KeyPair::generate().map_err(Error::tls)?;
    let certificate = parameters.signed_by(&key, authority).map_err(Error::tls)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key)
        })
        .map_err(Error::tls)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
