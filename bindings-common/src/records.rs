//! What crosses to a language by value, defined once. Each binding expands a macro with the attributes by which its
//! generator knows a record, and with its own types for text and counts.

/// Defines `ErrorParts`: an error that the host language has, on its way back to the core.
#[macro_export]
macro_rules! error_parts {
    ($(#[$attribute:meta])* $visibility:vis) => {
        /// An error of the host language, on its way back to the core.
        $(#[$attribute])*
        $visibility struct ErrorParts {
            $visibility code: String,
            $visibility message: String,
            $visibility pointer: Option<String>,
            $visibility status: Option<u16>,
            $visibility receiver_error: Option<String>,
            $visibility receiver_description: Option<String>,
        }

        impl From<ErrorParts> for $crate::sdk::Error {
            fn from(parts: ErrorParts) -> Self {
                let code = $crate::sdk::ErrorCode::by_name(&parts.code);
                let error = Self::new(code.unwrap_or($crate::sdk::ErrorCode::Internal), parts.message);
                let error = $crate::set(error, parts.pointer, Self::at);
                let error = $crate::set(error, parts.status, Self::with_status);
                error.with_receiver_error(parts.receiver_error, parts.receiver_description)
            }
        }
    };
}

/// Defines the records that the core gives to a language: `Finding`, `Cause`, `Explanation`, `Check`, `Condition`, `Provider`,
/// `Located` and `Counters`, each with a conversion. `Text` is the type for text that the library contains, `Count` that
/// for counts; both are names in scope. `Unit` is the unit of spans of time. Checks name settings as `Language` does.
#[macro_export]
macro_rules! output_records {
    ($(#[$attribute:meta])* text = $text:ident, count = $count:ident, unit = $unit:ident, language = $language:ident) => {
        /// Something that is wrong with a SET.
        $(#[$attribute])*
        pub struct Finding {
            pub rule: $text,
            pub severity: $text,
            pub effect: $text,
            pub code: $text,
            pub pointer: String,
            pub message: String,
            pub remedy: $text,
            pub doc: $text,
            pub source: $text,
        }

        impl From<&$crate::sdk::lint::Finding> for Finding {
            fn from(finding: &$crate::sdk::lint::Finding) -> Self {
                let rule = finding.rule();
                Self {
                    rule: rule.id.into(),
                    severity: finding.severity().as_str().into(),
                    effect: rule.effect.as_str().into(),
                    code: rule.code.as_str().into(),
                    pointer: finding.pointer().to_owned(),
                    message: finding.message().to_owned(),
                    remedy: rule.remedy.into(),
                    doc: rule.doc.into(),
                    source: rule.source.into(),
                }
            }
        }

        /// Findings as the language gets them.
        pub(crate) fn findings(findings: &[$crate::sdk::lint::Finding]) -> Vec<Finding> {
            findings.iter().map(Finding::from).collect()
        }

        /// A possible cause, and how to fix it.
        $(#[$attribute])*
        pub struct Cause {
            pub cause: String,
            pub remedy: String,
        }

        /// An explanation of a receiver's answer.
        $(#[$attribute])*
        pub struct Explanation {
            pub is_delivered: bool,
            pub reason: String,
            pub cause: String,
            pub remedy: String,
            pub possible: Vec<Cause>,
            pub findings: Vec<Finding>,
            pub said: Option<String>,
        }

        impl From<$crate::sdk::explain::Explanation> for Explanation {
            fn from(explanation: $crate::sdk::explain::Explanation) -> Self {
                let possible = explanation.possible().iter();
                Self {
                    is_delivered: explanation.is_delivered(),
                    reason: explanation.reason().to_owned(),
                    cause: explanation.cause().to_owned(),
                    remedy: explanation.remedy().to_owned(),
                    possible: possible
                        .map(|cause| Cause { cause: cause.cause.clone(), remedy: cause.remedy.clone() })
                        .collect(),
                    findings: findings(explanation.findings()),
                    said: explanation.said().map(str::to_owned),
                }
            }
        }

        /// One check of a doctor.
        $(#[$attribute])*
        pub struct Check {
            pub id: $text,
            pub outcome: $text,
            pub message: String,
            pub remedy: String,
            pub duration: f64,
        }

        /// The checks of a doctor.
        pub(crate) fn checks(diagnosis: &$crate::sdk::client::Diagnosis) -> Vec<Check> {
            let diagnosis = diagnosis.clone().in_language($crate::sdk::catalogue::Language::$language);
            let checks = diagnosis.checks().iter();
            checks
                .map(|check| Check {
                    id: check.id.into(),
                    outcome: check.outcome.as_str().into(),
                    message: check.message.clone(),
                    remedy: check.remedy.clone(),
                    duration: $crate::policy::Unit::$unit.of(check.duration),
                })
                .collect()
        }

        /// One demand of the conformance suite, and whether it holds.
        $(#[$attribute])*
        pub struct Condition {
            pub id: $text,
            pub demand: $text,
            pub holds: bool,
        }

        /// The demands, checked.
        pub(crate) fn conditions(conditions: Vec<$crate::sdk::conformance::Condition>) -> Vec<Condition> {
            let conditions = conditions.into_iter();
            conditions
                .map(|one| Condition { id: one.id.into(), demand: one.demand.into(), holds: one.holds })
                .collect()
        }

        /// A provider as Okta shows it.
        $(#[$attribute])*
        pub struct Provider {
            pub id: String,
            pub name: String,
            pub kind: String,
            pub status: String,
            pub well_known_url: Option<String>,
            pub issuer: Option<String>,
            pub jwks_url: Option<String>,
        }

        impl From<&$crate::sdk::okta::SecurityEventsProvider> for Provider {
            fn from(provider: &$crate::sdk::okta::SecurityEventsProvider) -> Self {
                Self {
                    id: provider.id().to_owned(),
                    name: provider.name().to_owned(),
                    kind: provider.kind().to_owned(),
                    status: provider.status().as_str().to_owned(),
                    well_known_url: provider.well_known_url().map(str::to_owned),
                    issuer: provider.issuer().map(str::to_owned),
                    jwks_url: provider.jwks_url().map(str::to_owned),
                }
            }
        }

        /// A transmitter configuration: the document, and where it belongs.
        $(#[$attribute])*
        pub struct Located {
            pub document: String,
            pub url: String,
        }

        impl TryFrom<$crate::sdk::TransmitterConfiguration> for Located {
            type Error = $crate::sdk::Error;

            fn try_from(
                configuration: $crate::sdk::TransmitterConfiguration,
            ) -> ::std::result::Result<Self, $crate::sdk::Error> {
                Ok(Self { document: configuration.to_json()?, url: configuration.url()? })
            }
        }

        /// Counts of one transmitter, taken at one moment.
        $(#[$attribute])*
        pub struct Counters {
            pub enqueued: $count,
            pub delivered: $count,
            pub failed: $count,
            pub in_flight: $count,
            pub attempts: $count,
            pub failures: ::std::collections::HashMap<String, $count>,
        }

        impl From<$crate::sdk::client::Counters> for Counters {
            #[allow(clippy::cast_precision_loss, trivial_numeric_casts, reason = "nobody counts to 2^53")]
            fn from(counters: $crate::sdk::client::Counters) -> Self {
                let failures = counters.failures.iter();
                Self {
                    enqueued: counters.enqueued as $count,
                    delivered: counters.delivered as $count,
                    failed: counters.failed as $count,
                    in_flight: counters.in_flight as $count,
                    attempts: counters.attempts as $count,
                    failures: failures.map(|(code, count)| ((*code).to_owned(), *count as $count)).collect(),
                }
            }
        }
    };
}

/// Defines the settings that a language gives by value and that have no handles in them: `ConfigurationSettings`,
/// `SourceOptions`, `Source` and `Stream`.
#[macro_export]
macro_rules! input_records {
    ($(#[$attribute:meta])*) => {
        /// The members of a transmitter configuration.
        $(#[$attribute])*
        pub struct ConfigurationSettings {
            pub issuer: String,
            pub jwks_uri: Option<String>,
            pub spec_version: Option<String>,
            pub delivery_methods: Option<Vec<String>>,
            pub configuration_endpoint: Option<String>,
            pub status_endpoint: Option<String>,
            pub add_subject_endpoint: Option<String>,
            pub remove_subject_endpoint: Option<String>,
            pub verification_endpoint: Option<String>,
            pub critical_subject_members: Option<Vec<String>>,
            pub authorization_schemes: Option<Vec<String>>,
            /// `ALL` or `NONE`.
            pub default_subjects: Option<String>,
            /// Further members, as JSON.
            pub members: Option<String>,
            pub allow_loopback: bool,
        }

        impl ConfigurationSettings {
            pub(crate) fn configuration(
                self,
            ) -> $crate::sdk::Result<$crate::sdk::TransmitterConfiguration> {
                let subjects = self.default_subjects.as_deref();
                let members = self.members.as_deref();
                Ok($crate::metadata::ConfigurationMembers {
                    default_subjects: subjects.map($crate::metadata::default_subjects).transpose()?,
                    members: members.map($crate::metadata::members).transpose()?.unwrap_or_default(),
                    issuer: self.issuer,
                    jwks_uri: self.jwks_uri,
                    spec_version: self.spec_version,
                    delivery_methods: self.delivery_methods,
                    configuration_endpoint: self.configuration_endpoint,
                    status_endpoint: self.status_endpoint,
                    add_subject_endpoint: self.add_subject_endpoint,
                    remove_subject_endpoint: self.remove_subject_endpoint,
                    verification_endpoint: self.verification_endpoint,
                    critical_subject_members: self.critical_subject_members,
                    authorization_schemes: self.authorization_schemes.unwrap_or_default(),
                    allow_loopback: self.allow_loopback,
                }
                .configuration())
            }
        }

        /// How to read a key. The time limit is in the language's unit of time.
        $(#[$attribute])*
        pub struct SourceOptions {
            pub kid: Option<String>,
            pub algorithm: Option<String>,
            pub password: Option<String>,
            pub time_limit: Option<f64>,
        }

        impl SourceOptions {
            pub(crate) fn options(self) -> $crate::sdk::Result<$crate::sdk::key::KeyOptions> {
                $crate::key::options(self.kid, self.algorithm, self.password)
            }
        }

        /// A source of keys: the text of one, or the path of a file.
        $(#[$attribute])*
        pub struct Source {
            pub text: Option<String>,
            pub path: Option<String>,
            pub options: SourceOptions,
        }

        impl Source {
            pub(crate) fn source(self, unit: $crate::policy::Unit) -> $crate::sdk::Result<$crate::sdk::KeySource> {
                let limit = self.options.time_limit.map(|limit| unit.span(limit)).transpose()?;
                $crate::key::source(self.text.as_deref(), self.path, self.options.options()?, limit)
            }
        }

        /// The stream that SETs are checked against.
        $(#[$attribute])*
        pub struct Stream {
            pub issuer: String,
            pub audience: String,
            pub id: Option<String>,
            pub state: Option<String>,
        }

        impl From<Stream> for $crate::sdk::conformance::Stream {
            fn from(stream: Stream) -> Self {
                let core = Self::new(stream.issuer, stream.audience);
                $crate::set($crate::set(core, stream.id, Self::id), stream.state, Self::state)
            }
        }
    };
}
