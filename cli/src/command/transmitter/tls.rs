//! TLS of the transmitter: versions 1.2 and 1.3 (CAEP Interoperability Profile §2.1), with a certificate that is renewed in place.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    version::{TLS12, TLS13},
};
use ssf_transmitter::{Error, ErrorCode};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use super::super::{Result, output::say, shutdown::Hangups};

/// How often the files are read: what renews certificates in a container sends no signal.
const LOOK: Duration = Duration::from_mins(1);

/// A certificate with its key, in files that may be replaced.
pub(super) struct Certificate {
    files: Files,
    current: watch::Sender<TlsAcceptor>,
    hangups: Hangups,
}

impl Certificate {
    pub(super) fn open(chain: &Path, key: &Path) -> Result<Self> {
        let mut files = Files { chain: chain.to_owned(), key: key.to_owned(), used: None, told: None };
        let read = files.read()?;
        let (current, _) = watch::channel(files.acceptor(&read)?);
        files.used = Some(read);
        Ok(Self { files, current, hangups: Hangups::listen()? })
    }

    /// What accepts connections, with the pair that was last found good.
    pub(super) fn current(&self) -> watch::Receiver<TlsAcceptor> {
        self.current.subscribe()
    }

    /// Follows the files: looks at them now and then, and at once after a SIGHUP.
    pub(super) async fn follow(mut self) {
        let mut times = interval(LOOK);
        times.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = times.tick() => {}
                // Who asks is answered, even with what was said before.
                () = self.hangups.next() => self.files.told = None,
            }
            if let Some(acceptor) = self.files.look() {
                self.current.send_replace(acceptor);
            }
        }
    }
}

/// The files, with what was last read of them.
struct Files {
    chain: PathBuf,
    key: PathBuf,
    /// What they said when they were good.
    used: Option<Contents>,
    /// What is wrong with them, as it was said.
    told: Option<String>,
}

#[derive(Eq, PartialEq)]
struct Contents {
    chain: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Files {
    /// What accepts connections with a pair that is new and good. A pair that is not is said once.
    fn look(&mut self) -> Option<TlsAcceptor> {
        let new = self.read().and_then(|read| match &self.used {
            Some(used) if *used == read => Ok(None),
            _ => Ok(Some((self.acceptor(&read)?, read))),
        });
        match new {
            Ok(new) => {
                self.told = None;
                let (acceptor, read) = new?;
                self.used = Some(read);
                say("the certificate is renewed");
                Some(acceptor)
            }
            Err(error) => {
                let wrong = format!("the certificate in use stays: {error}");
                if self.told.as_ref() != Some(&wrong) {
                    say(&wrong);
                    self.told = Some(wrong);
                }
                None
            }
        }
    }

    fn read(&self) -> Result<Contents, Error> {
        let read = |path: &Path| fs::read(path).map_err(|error| refused(path, &error));
        Ok(Contents { chain: read(&self.chain)?, key: Zeroizing::new(read(&self.key)?) })
    }

    fn acceptor(&self, read: &Contents) -> Result<TlsAcceptor, Error> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&read.chain)
            .collect::<Result<_, _>>()
            .map_err(|error| refused(&self.chain, &error))?;
        let key = PrivateKeyDer::from_pem_slice(&read.key).map_err(|error| refused(&self.key, &error))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        // That the key is the one of the certificate is checked here, too.
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| refused(&self.chain, &error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn refused(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorCode::ConfigurationInvalid, format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(chain: &Path, key: &Path) {
        let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(chain, issued.cert.pem()).unwrap();
        fs::write(key, issued.signing_key.serialize_pem()).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn files_are_looked_at_without_a_signal() {
        let folder = tempfile::tempdir().unwrap();
        let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
        write(&chain, &key);
        let certificate = Certificate::open(&chain, &key).unwrap();
        let mut current = certificate.current();
        let following = tokio::spawn(certificate.follow());
        write(&chain, &key);
        current.changed().await.unwrap();
        following.abort();
    }
}
