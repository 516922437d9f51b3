//! What a file says, once it is checked against the list of keys.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::audience::Audience;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) issuer: Option<String>,
    pub(super) key: Option<String>,
    pub(super) kid: Option<String>,
    pub(super) algorithm: Option<String>,
    pub(super) key_password: Option<String>,
    pub(super) deadline: Option<f64>,
    pub(super) receivers: BTreeMap<String, ReceiverSettings>,
    pub(super) lint: LintSettings,
    pub(super) retry: RetrySettings,
    pub(super) network: NetworkSettings,
    pub(super) outbox: Option<OutboxSettings>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ReceiverSettings {
    pub(super) okta: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) audience: Option<Audience>,
    pub(super) dialect: Option<String>,
    pub(super) time_unit: Option<String>,
    pub(super) subject_shape: Option<String>,
    pub(super) bearer: Option<String>,
    pub(super) authorization: Option<String>,
    pub(super) token_url: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<String>,
    pub(super) token_auth: Option<String>,
    pub(super) token_key: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) token_parameters: BTreeMap<String, String>,
    pub(super) allow_loopback: bool,
    pub(super) concurrency: Option<usize>,
    pub(super) rate_limit: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LintSettings {
    pub(super) refuse: Option<String>,
    pub(super) report: Option<String>,
    pub(super) allow: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RetrySettings {
    pub(super) max_attempts: Option<u32>,
    pub(super) attempt_timeout: Option<f64>,
    pub(super) base: Option<f64>,
    pub(super) max_backoff: Option<f64>,
    pub(super) max_retry_after: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NetworkSettings {
    pub(super) ca_bundle: Option<String>,
    pub(super) client_certificate: Option<String>,
    pub(super) client_key: Option<String>,
    pub(super) proxy: Option<String>,
    pub(super) source_address: Option<String>,
    pub(super) allow_networks: Vec<String>,
    pub(super) http2: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct OutboxSettings {
    pub(super) file: Option<String>,
    pub(super) database: Option<String>,
    pub(super) schema: Option<String>,
}
