//! What is to be sent, by whom, to whom: the arguments that commands which emit share.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use ssf_transmitter::{
    CustomEvent, Dialect, Receiver, SigningKey, Subject, Timestamp, Transmitter,
    catalogue::{EventType, Shape},
    client::ReceiverBuilder,
    dialect::TimeUnit,
    json,
    token::{Authorization, ClientAuthentication, ClientCredentials},
};

use super::{Result, explained, input, network::Network, secret::Place};

/// The variable that holds the client secret: a command line is visible to others.
const CLIENT_SECRET: &str = "SSF_CLIENT_SECRET";

#[derive(clap::Args)]
pub(super) struct Signal {
    /// The issuer: the exact `issuer` of your transmitter configuration
    #[arg(long, value_name = "URL")]
    pub(super) issuer: String,
    #[command(flatten)]
    key: input::Key,
    #[command(flatten)]
    to: To,
    /// The event: an id such as `caep.session-revoked`, or an event type URI
    #[arg(long, value_name = "ID|URI")]
    event: String,
    /// The event's members, a JSON object; `@FILE` or `-` read it
    #[arg(long, value_name = "JSON", default_value = "{}")]
    claims: String,
    /// Set the event's `event_timestamp` to the present
    #[arg(long)]
    now: bool,
    #[command(flatten)]
    about: About,
}

#[derive(clap::Args)]
struct To {
    /// An Okta org, by the URL that its users sign in at
    #[arg(long, value_name = "URL", conflicts_with = "endpoint")]
    okta: Option<String>,
    /// The push endpoint of another receiver
    #[arg(long, value_name = "URL", requires = "audience", required_unless_present = "okta")]
    endpoint: Option<String>,
    /// The audience, exactly as the receiver documents it
    #[arg(long, value_name = "AUD")]
    audience: Option<String>,
    /// The receiver's dialect: a built-in id, or a TOML file
    #[arg(long, value_name = "ID|FILE")]
    dialect: Option<String>,
    /// The unit of times, where the receiver reads another than its dialect says: `s` or `ms`
    #[arg(long, value_name = "s|ms")]
    time_unit: Option<TimeUnit>,
    /// The form of the subject in the event, where the receiver reads another: `modern`, `bare-complex` or `legacy`
    #[arg(long, value_name = "SHAPE")]
    subject_shape: Option<Shape>,
    /// Get an access token here, with --client-id and the variable `SSF_CLIENT_SECRET`
    #[arg(long, value_name = "URL", requires = "client_id")]
    token_url: Option<String>,
    /// The client id at the token endpoint
    #[arg(long, value_name = "ID", requires = "token_url")]
    client_id: Option<String>,
    /// The scope to ask for
    #[arg(long, requires = "token_url")]
    scope: Option<String>,
    /// How the client sends its secret to the token endpoint
    #[arg(long, value_enum, default_value_t = TokenAuth::Basic, requires = "token_url")]
    token_auth: TokenAuth,
    /// Send this header `Authorization`, such as `Bearer …`, which is in a variable or a file
    #[arg(long, value_name = "env:NAME|file:PATH", conflicts_with = "token_url")]
    authorization: Option<Place>,
    /// Show the receiver this client certificate (PEM) in TLS
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_certificate: Option<PathBuf>,
    /// The private key of the client certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    client_key: Option<PathBuf>,
    #[command(flatten)]
    network: Network,
}

/// How a client sends its secret (RFC 6749 §2.3.1).
#[derive(Clone, Copy, clap::ValueEnum)]
enum TokenAuth {
    /// In the header, by HTTP Basic: `client_secret_basic`
    Basic,
    /// In the body: `client_secret_post`
    Post,
}

impl From<TokenAuth> for ClientAuthentication {
    fn from(auth: TokenAuth) -> Self {
        match auth {
            TokenAuth::Basic => Self::Basic,
            TokenAuth::Post => Self::Body,
        }
    }
}

#[derive(clap::Args)]
#[group(multiple = false)]
struct About {
    /// The subject: a user by e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The subject: any identifier, a JSON object; `@FILE` or `-` read it
    #[arg(long, value_name = "JSON")]
    subject: Option<String>,
    /// The subject: an identifier of a private format that the receiver agreed on, a JSON object; `@FILE` or `-` read it
    #[arg(long, value_name = "JSON")]
    custom_subject: Option<String>,
}

impl Signal {
    pub(super) fn key(&self) -> Result<SigningKey> {
        self.key.read()
    }

    pub(super) fn receiver(&self) -> Result<Receiver> {
        Ok(self.to.receiver()?.build()?)
    }

    pub(super) fn transmitter(&self) -> Result<Transmitter> {
        let mut builder = Transmitter::builder(self.issuer.as_str(), self.key()?);
        if let Some((chain, key)) = self.to.client_certificate.as_ref().zip(self.to.client_key.as_ref()) {
            let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
            builder = builder.client_certificate(read(chain)?, read(key)?);
        }
        Ok(self.to.network.reach(builder)?.build()?)
    }

    /// The subject; without one, the event has it inside.
    pub(super) fn subject(&self) -> Result<Option<Subject>> {
        self.about.read()
    }

    pub(super) fn event(&self) -> Result<CustomEvent> {
        let mut members =
            json::parse_object(&input::text(&self.claims)?, "--claims").map_err(|error| explained(&error))?;
        if self.now {
            members.insert("event_timestamp".to_owned(), Timestamp::now().into());
        }
        // A URI may be one of the sender's own: lint says if it is nearly a known one.
        let uri = if self.event.contains(':') { &self.event } else { EventType::by_name(&self.event)?.uri };
        Ok(CustomEvent::new(uri, members))
    }
}

impl About {
    fn read(&self) -> Result<Option<Subject>> {
        Ok(match (&self.email, &self.subject, &self.custom_subject) {
            (Some(email), ..) => Some(Subject::email(email)),
            (None, Some(json), _) => Some(Subject::from_json(&input::text(json)?)?),
            (None, None, Some(json)) => Some(Subject::custom_from_json(&input::text(json)?)?),
            (None, None, None) => None,
        })
    }
}

impl To {
    fn receiver(&self) -> Result<ReceiverBuilder> {
        let mut builder = match (&self.okta, &self.endpoint) {
            (Some(org), _) => Receiver::okta(org),
            (None, Some(endpoint)) => Receiver::builder(endpoint, self.audience.clone().unwrap_or_default()),
            (None, None) => return Err("either --okta or --endpoint is needed".into()),
        };
        if let Some(audience) = &self.audience {
            builder = builder.audience(audience.as_str());
        }
        if let Some(name) = &self.dialect {
            builder = builder.dialect(&dialect(name)?);
        }
        if let Some(unit) = self.time_unit {
            builder = builder.time_unit(unit);
        }
        if let Some(shape) = self.subject_shape {
            builder = builder.subject_shape(shape);
        }
        if let Some((url, id)) = self.token_url.as_ref().zip(self.client_id.as_ref()) {
            let secret = env::var(CLIENT_SECRET).map_err(|_| format!("{CLIENT_SECRET} is not set"))?;
            let mut credentials =
                ClientCredentials::new(url, id, secret).authentication(self.token_auth.into());
            if let Some(scope) = &self.scope {
                credentials = credentials.scope(scope);
            }
            builder = builder.client_credentials(credentials);
        }
        if let Some(place) = &self.authorization {
            let header = place.read()?.as_str().to_owned();
            builder = builder.authorization(Authorization::Header(header.into()));
        }
        if self.network.allow_loopback {
            builder = builder.allow_loopback();
        }
        Ok(builder)
    }
}

pub(super) fn dialect(name: &str) -> Result<Dialect> {
    if std::path::Path::new(name).extension().is_some_and(|extension| extension == "toml") {
        let text = fs::read_to_string(name).map_err(|error| format!("{name}: {error}"))?;
        return Ok(Dialect::from_toml(&text)?);
    }
    Ok(Dialect::built_in(name)?)
}
