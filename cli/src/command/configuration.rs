//! `ssf configuration`: the transmitter configuration document.

use serde_json::Value;
use ssf_transmitter::{TransmitterConfiguration, metadata::DefaultSubjects};

use super::{Result, output};

/// Print the transmitter configuration, and where to publish it
///
/// Prints the document; its URL goes to standard error. Serve it with the content type `application/json`. `ssf publish` writes
/// it as a file at its path.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where your JWKS is published
    #[arg(long, value_name = "URL")]
    jwks_uri: String,
    #[command(flatten)]
    document: Document,
}

/// The members of the document, except `jwks_uri`.
#[derive(clap::Args)]
pub(super) struct Document {
    /// The issuer: an https URL, the exact `iss` of your SETs
    #[arg(long, value_name = "URL")]
    pub(super) issuer: String,
    /// A delivery method, by URN; repeatable. Without any, push: `urn:ietf:rfc:8935`
    #[arg(long = "delivery-method", value_name = "URN")]
    delivery_methods: Vec<String>,
    /// Where receivers create and change streams
    #[arg(long, value_name = "URL")]
    configuration_endpoint: Option<String>,
    /// Where receivers read and set the status of a stream
    #[arg(long, value_name = "URL")]
    status_endpoint: Option<String>,
    /// Where receivers add subjects
    #[arg(long, value_name = "URL")]
    add_subject_endpoint: Option<String>,
    /// Where receivers remove subjects
    #[arg(long, value_name = "URL")]
    remove_subject_endpoint: Option<String>,
    /// Where receivers request a verification event
    #[arg(long, value_name = "URL")]
    verification_endpoint: Option<String>,
    /// A member of complex subjects that receivers must understand; repeatable
    #[arg(long = "critical-subject-member", value_name = "NAME")]
    critical_subject_members: Vec<String>,
    /// A way to authorize at these endpoints, by URN, such as `urn:ietf:rfc:6749` for OAuth 2.0; repeatable
    #[arg(long = "authorization-scheme", value_name = "URN")]
    authorization_schemes: Vec<String>,
    /// Whose events a new stream delivers
    #[arg(long, value_enum, ignore_case = true)]
    default_subjects: Option<Subjects>,
    /// The version of the specification
    #[arg(long, value_name = "VERSION", default_value = "1_0")]
    spec_version: String,
    /// A custom member, as JSON: `name=value`; repeatable
    #[arg(long = "member", value_name = "NAME=JSON", value_parser = member)]
    members: Vec<(String, Value)>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Subjects {
    /// Of all subjects
    All,
    /// Of those that the receiver adds
    None,
}

pub(crate) fn run(arguments: Arguments) -> Result {
    let configuration = arguments.document.with(arguments.jwks_uri);
    let document = output::pretty(&configuration.to_json()?)?;
    output::say(&format!("Publish it at {}", configuration.url()?));
    output::print(&document)
}

impl Document {
    /// The document of a transmitter whose JWKS is there.
    pub(super) fn with(self, jwks_uri: String) -> TransmitterConfiguration {
        type Set = fn(TransmitterConfiguration, String) -> TransmitterConfiguration;
        let texts: [(Option<String>, Set); 7] = [
            (Some(jwks_uri), TransmitterConfiguration::jwks_uri),
            (Some(self.spec_version), TransmitterConfiguration::spec_version),
            (self.configuration_endpoint, TransmitterConfiguration::configuration_endpoint),
            (self.status_endpoint, TransmitterConfiguration::status_endpoint),
            (self.add_subject_endpoint, TransmitterConfiguration::add_subject_endpoint),
            (self.remove_subject_endpoint, TransmitterConfiguration::remove_subject_endpoint),
            (self.verification_endpoint, TransmitterConfiguration::verification_endpoint),
        ];
        let mut configuration = TransmitterConfiguration::new(self.issuer)
            .critical_subject_members(self.critical_subject_members);
        for (text, set) in texts {
            if let Some(text) = text {
                configuration = set(configuration, text);
            }
        }
        if !self.delivery_methods.is_empty() {
            configuration = configuration.delivery_methods(self.delivery_methods);
        }
        for urn in self.authorization_schemes {
            configuration = configuration.authorization_scheme(urn);
        }
        if let Some(subjects) = self.default_subjects {
            configuration = configuration.default_subjects(match subjects {
                Subjects::All => DefaultSubjects::All,
                Subjects::None => DefaultSubjects::None,
            });
        }
        self.members.into_iter().fold(configuration, |document, (name, value)| document.member(name, value))
    }
}

/// A custom member.
fn member(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=JSON, such as tenant='\"acme\"'")?;
    let value = serde_json::from_str(value).map_err(|error| format!("the value is not JSON: {error}"))?;
    Ok((name.to_owned(), value))
}
