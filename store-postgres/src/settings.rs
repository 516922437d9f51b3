//! The URL of a database, and what it says of TLS.

use percent_encoding::percent_decode_str;
use ssf_transmitter::{Error, ErrorCode, Network, Result};
use tokio_postgres::{Config, config::Host, config::SslMode};

/// How long a connection may take to be made if the URL does not say it.
const CONNECT: std::time::Duration = std::time::Duration::from_secs(10);

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::ConfigurationInvalid, message)
}

/// What a URL says.
pub(crate) struct Settings {
    pub(crate) config: Config,
    pub(crate) network: Network,
    /// Whether statements are prepared.
    pub(crate) prepares: Option<bool>,
}

/// Reads a URL, and adds what it says of TLS to the settings of the network.
pub(crate) fn read(url: &str, mut network: Network) -> Result<Settings> {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let mut prepares = None;
    let (mut rest, mut mode, mut certificate, mut key) = (Vec::new(), None, None, None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_decode_str(value)
            .decode_utf8()
            .map_err(|_| invalid("the URL of the database is invalid"))?;
        match name {
            "prepared_statements" => {
                let value =
                    value.parse().map_err(|_| invalid("`prepared_statements` is `true` or `false`"))?;
                prepares = Some(value);
            }
            "sslmode" => mode = Some(value.into_owned()),
            "sslrootcert" if value == "system" => {}
            "sslrootcert" => network = network.ca_bundle(file(name, &value)?),
            "sslcert" => certificate = Some(file(name, &value)?),
            "sslkey" => key = Some(file(name, &value)?),
            _ => rest.push(pair),
        }
    }
    match (certificate, key) {
        (Some(certificate), Some(key)) => network = network.client_certificate(certificate, key),
        (None, None) => {}
        _ => return Err(invalid("`sslcert` needs `sslkey`, and the other way round")),
    }
    let address = if rest.is_empty() { address.to_owned() } else { format!("{address}?{}", rest.join("&")) };
    // The text of this error may contain a part of the URL.
    let mut config: Config = address.parse().map_err(|_| invalid("the URL of the database is invalid"))?;
    config.ssl_mode(ssl_mode(mode.as_deref(), config.get_hosts())?);
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    if config.get_application_name().is_none() {
        config.application_name("ssf-outbox");
    }
    Ok(Settings { config, network, prepares })
}

/// TLS always judges the certificate of the server. Without it, a connection stays on this machine unless the URL says otherwise.
fn ssl_mode(mode: Option<&str>, hosts: &[Host]) -> Result<SslMode> {
    match mode {
        Some("disable") => Ok(SslMode::Disable),
        None if hosts.iter().all(is_here) => Ok(SslMode::Disable),
        None | Some("require" | "verify-ca" | "verify-full") => Ok(SslMode::Require),
        Some(_) => Err(invalid("`sslmode` is `disable` or `verify-full`: the others protect from nobody")),
    }
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn file(setting: &str, path: &str) -> Result<Vec<u8>> {
    std::fs::read(path)
        .map_err(|error| invalid(format!("the file of `{setting}` cannot be read ({})", error.kind())))
}
