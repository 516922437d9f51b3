//! The transmitter that a file describes.

use std::time::Duration;

use super::{Config, settings::RetrySettings, source, source::invalid};
use crate::{
    catalogue::Severity,
    client::{Network, Transmitter, TransmitterBuilder},
    delivery::RetryPolicy,
    error::Result,
    key::{FetchedKeys, KeyOptions, KeySet, KeySource},
    lint::LintPolicy,
};

/// How often the source of the key is looked at.
const LOOK: Duration = Duration::from_mins(1);

impl Config {
    /// Begins the transmitter: issuer, key and all other settings but the receivers. What is set afterwards replaces what the
    /// file says.
    ///
    /// The key follows its source ([`KeySet::watch`]). It blocks while keys and files are read.
    ///
    /// Errors: `configuration_invalid` where the file lacks issuer or key, or names a file that cannot be read, and those of
    /// keys.
    ///
    /// ```no_run
    /// use ssf_transmitter::config::Config;
    ///
    /// # fn example() -> Result<(), ssf_transmitter::Error> {
    /// let config = Config::read("ssf.toml")?;
    /// let transmitter = config.transmitter()?.build()?;
    /// let receivers = config.receivers()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn transmitter(&self) -> Result<TransmitterBuilder> {
        let issuer = self.required_issuer()?;
        let fetched = self.fetch_keys()?;
        self.configure(Transmitter::builder(issuer, self.keys(fetched)?))
    }

    /// The issuer, which a transmitter needs.
    ///
    /// Errors: `configuration_invalid` if the file has none.
    pub fn required_issuer(&self) -> Result<&str> {
        let missing = || self.places.place("/issuer", invalid("issuer is missing"));
        self.issuer().ok_or_else(missing)
    }

    /// Reads the key where it is, without any cryptography: for hosts that do the two in different places. It blocks.
    pub fn fetch_keys(&self) -> Result<FetchedKeys> {
        self.placed("/key", self.key_source()?.fetch())
    }

    /// The other half: a set of keys that follows its source.
    pub fn keys(&self, fetched: FetchedKeys) -> Result<KeySet> {
        self.placed("/key", KeySet::watch_fetched(fetched, LOOK))
    }

    /// Sets what the file says on a transmitter that has its issuer and its key already.
    pub fn configure(&self, mut builder: TransmitterBuilder) -> Result<TransmitterBuilder> {
        if let Some(deadline) = self.deadline()? {
            builder = builder.deadline(deadline);
        }
        Ok(builder.retry(self.retry_policy()?).lint(self.lint_policy()?).network(self.network()?))
    }

    /// Where the key is. Nothing but its password is read yet.
    pub fn key_source(&self) -> Result<KeySource> {
        let settings = &self.settings;
        let missing = || self.places.place("/key", invalid("key is missing"));
        let source = self.placed("/key", KeySource::parse(settings.key.as_ref().ok_or_else(missing)?))?;
        let mut options = KeyOptions::new();
        if let Some(kid) = &settings.kid {
            options = options.kid(kid);
        }
        if let Some(algorithm) = &settings.algorithm {
            options = options.algorithm(self.placed("/algorithm", algorithm.parse())?);
        }
        if let Some(password) = &settings.key_password {
            let password = self.placed("/key_password", source::read(password, &self.folder))?;
            options = options.password(password);
        }
        Ok(source.below(&self.folder).options(options))
    }

    /// What happens with the findings of lint.
    pub fn lint_policy(&self) -> Result<LintPolicy> {
        let settings = &self.settings.lint;
        let mut policy = LintPolicy::new();
        if let Some(name) = &settings.refuse {
            policy = policy.refuse(severity(name));
        }
        if let Some(name) = &settings.report {
            policy = policy.report(severity(name));
        }
        settings.allow.iter().try_fold(policy, |policy, rule| self.placed("/lint/allow", policy.allow(rule)))
    }

    /// How connections leave this machine.
    pub fn network(&self) -> Result<Network> {
        let (settings, folder) = (&self.settings.network, &self.folder);
        let mut network = settings.allow_networks.iter().fold(Network::new(), Network::allow_network);
        if let Some(path) = &settings.ca_bundle {
            network = network.ca_bundle(self.placed("/network/ca_bundle", source::file(path, folder))?);
        }
        if let Some((chain, key)) = settings.client_certificate.as_ref().zip(settings.client_key.as_ref()) {
            let chain = self.placed("/network/client_certificate", source::file(chain, folder))?;
            let key = self.placed("/network/client_key", source::read(key, folder))?;
            network = network.client_certificate(chain, key.expose().as_bytes());
        }
        if let Some(url) = &settings.proxy {
            let url = self.placed("/network/proxy", source::url(url, folder))?;
            network = network.proxy(url.expose());
        }
        if let Some(address) = &settings.source_address {
            network = network.source_address(address);
        }
        Ok(if settings.http2 == Some(false) { network.http1_only() } else { network })
    }

    /// How long an operation may take, if the file says.
    pub fn deadline(&self) -> Result<Option<Duration>> {
        self.settings.deadline.map(|seconds| self.span("/deadline", seconds)).transpose()
    }

    /// How often a delivery is tried, and how long the waits are.
    pub fn retry_policy(&self) -> Result<RetryPolicy> {
        let RetrySettings { max_attempts, attempt_timeout, base, max_backoff, max_retry_after } =
            self.settings.retry;
        let span = |key: &str, seconds: Option<f64>| {
            seconds.map(|seconds| self.span(&format!("/retry/{key}"), seconds)).transpose()
        };
        let mut policy = RetryPolicy::new();
        policy.max_attempts = max_attempts;
        policy.attempt_timeout = span("attempt_timeout", attempt_timeout)?;
        policy.base = span("base", base)?;
        policy.max_backoff = span("max_backoff", max_backoff)?;
        policy.max_retry_after = span("max_retry_after", max_retry_after)?;
        Ok(policy)
    }

    fn span(&self, pointer: &str, seconds: f64) -> Result<Duration> {
        let span = Duration::try_from_secs_f64(seconds);
        self.placed(pointer, span.map_err(|_| invalid("the span of time is too long")))
    }
}

/// The severity of this name; `None` is `never`.
fn severity(name: &str) -> Option<Severity> {
    [Severity::Note, Severity::Warning, Severity::Error]
        .into_iter()
        .find(|severity| severity.as_str() == name)
}
