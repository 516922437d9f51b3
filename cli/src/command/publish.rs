//! `ssf publish`: writes the documents of a transmitter as files, at the paths at which a web server serves them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use reqwest::Url;
use serde_json::json;
use ssf_transmitter::Jwks;

use super::{Failure, Result, configuration::Document, input, output};

/// Write JWKS and transmitter configuration as files for your web server
///
/// The files are at the paths of their URLs, below the directory: copy it to the root of the issuer's host. Prints URLs and files
/// as JSON; what a web server needs to serve them as `application/json` goes to standard error.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The directory to write to; it is made if it is missing
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    keys: input::Keys,
    /// Where the JWKS is published; `/jwks.json` at the issuer's host without it
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    #[command(flatten)]
    document: Document,
}

pub(crate) fn run(arguments: Arguments) -> Result {
    let Arguments { out, keys, jwks_uri, document } = arguments;
    let keys = keys.read()?;
    if keys.is_empty() {
        return Err(Failure::usage("--key is needed"));
    }
    let jwks = Jwks::new(keys.iter().map(|key| key.public_key().clone()))?;
    let jwks_uri = match jwks_uri {
        Some(url) => url,
        None => url(&document.issuer)?.join("/jwks.json").map_err(|error| error.to_string())?.into(),
    };
    let configuration = document.with(jwks_uri.clone());
    let configuration_url = configuration.url()?;
    let documents = [
        (configuration_url, output::pretty(&configuration.to_json()?)?),
        (jwks_uri, output::pretty(&jwks.to_json())?),
    ];
    let mut written = Vec::new();
    for (address, text) in &documents {
        let path = url(address)?.path().trim_start_matches('/').to_owned();
        write(&out.join(&path), text)?;
        written.push((address, path));
    }
    let [(configuration, configuration_file), (jwks_uri, jwks_file)] = &written[..] else { return Ok(()) };
    output::say(&serving(configuration_file, jwks_file));
    let shown = json!({
        "configuration": { "url": configuration, "file": out.join(configuration_file) },
        "jwks": { "url": jwks_uri, "file": out.join(jwks_file) },
    });
    output::print(&serde_json::to_string_pretty(&shown)?)
}

fn url(text: &str) -> Result<Url> {
    Url::parse(text).map_err(|error| Failure::usage(format!("{text} is not a URL: {error}")))
}

/// Replaces the file as a whole: a web server may read it meanwhile.
pub(super) fn write(path: &Path, text: &str) -> Result {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    let partial = path.with_extension("partial");
    fs::write(&partial, format!("{text}\n"))
        .and_then(|()| fs::rename(&partial, path))
        .map_err(|error| Failure::file(path, &error))
}

/// What web servers have to be told: the name of the configuration has no ending that says what it is.
fn serving(configuration: &str, jwks: &str) -> String {
    format!(
        "\
Serve both files by https as application/json, without a login and without redirects. To see that it works: ssf doctor.

nginx    location ~ ^/({configuration}|{jwks})$ {{ types {{}} default_type application/json; add_header Cache-Control max-age=3600; }}
Apache   <LocationMatch \"^/({configuration}|{jwks})$\">
           ForceType application/json
           Header set Cache-Control max-age=3600
         </LocationMatch>
Caddy    @ssf path /{configuration} /{jwks}
         header @ssf Content-Type application/json
         header @ssf Cache-Control max-age=3600
S3       aws s3 cp {configuration} s3://BUCKET/{configuration} --content-type application/json --cache-control max-age=3600
         aws s3 cp {jwks} s3://BUCKET/{jwks} --content-type application/json --cache-control max-age=3600"
    )
}
