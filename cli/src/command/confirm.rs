//! `--confirm`: looks in Okta's System Log for a SET that was sent.

use std::{path::PathBuf, time::Duration};

use serde_json::{Value, json};
use ssf_transmitter::{OktaProviders, Receipt, config::Config, okta::ReceptionOutcome};

use super::{Class, Failure, Result, addressee::Addressee, emit, network::Network, okta, output};

/// A heading of its own, set on each argument: one for the whole struct would go on for those that follow it.
const HEADING: &str = "Confirmation";

#[derive(clap::Args)]
pub(super) struct Confirmation {
    /// Search Okta's System Log for the SET. The API token is in the variable `OKTA_API_TOKEN`, or in a file
    #[arg(long = "confirm", id = "confirm", help_heading = HEADING)]
    enabled: bool,
    /// How long to search for it
    #[arg(long = "confirm-within", value_name = "SECONDS", default_value_t = 60, requires = "confirm", help_heading = HEADING, hide_short_help = true)]
    within: u64,
    /// Read the API token from this file
    #[arg(long, value_name = "FILE", requires = "confirm", help_heading = HEADING, hide_short_help = true)]
    api_token_file: Option<PathBuf>,
    /// The API token is an OAuth 2.0 access token with the scope `okta.logs.read`
    #[arg(long, requires = "confirm", help_heading = HEADING, hide_short_help = true)]
    api_oauth: bool,
}

impl Confirmation {
    pub(super) fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Okta's API, if it is to be asked.
    pub(super) fn providers(
        &self,
        to: &Addressee,
        network: &Network,
        config: Option<&Config>,
    ) -> Result<Option<OktaProviders>> {
        if !self.enabled {
            return Ok(None);
        }
        let missing =
            || Failure::usage("--confirm is for an Okta org: --okta, or a receiver with okta in ssf.toml");
        let org = to.org(config).ok_or_else(missing)?;
        okta::connect(org, self.api_token_file.as_deref(), self.api_oauth, network).map(Some)
    }

    /// Prints the receipt, with what the log says of the SET; an error if it did not arrive.
    pub(super) async fn report(&self, receipt: &Receipt, providers: Option<&OktaProviders>) -> Result {
        let mut shown = emit::shown(receipt);
        let Some(providers) = providers else { return output::print(&shown.to_string()) };
        let reception = providers.received(receipt).deadline(Duration::from_secs(self.within)).await;
        // What was delivered stays so, whatever is said of the log.
        shown["reception"] = reception.as_ref().map_or(Value::Null, |reception| json!(reception));
        output::print(&shown.to_string())?;
        let reception = reception?;
        if matches!(reception.outcome(), ReceptionOutcome::Judged | ReceptionOutcome::Arrived) {
            return Ok(());
        }
        let causes = reception.causes().iter().map(|cause| cause.kind());
        let causes =
            causes.map(|kind| format!("\n  {}: {} {}", kind.as_str(), kind.meaning(), kind.remedy()));
        let message = format!("the SET is not in Okta's System Log ({})", reception.outcome().as_str());
        Err(Failure::new(Class::Findings, causes.fold(message, |message, cause| message + &cause)))
    }
}
