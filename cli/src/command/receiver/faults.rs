//! What goes wrong from the start, as the command line says.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use ssf_emulator::{Fault, Rule, Script, Status, TlsFault};

/// What is to go wrong. The script decides first.
#[derive(clap::Args)]
#[command(next_help_heading = "Faults")]
pub(super) struct Faults {
    /// Faults to simulate: a JSON file with a list of rules
    ///
    /// Each rule says where (`on`: `push`, the default, `token`, `api`, `log` or `connection`), when (one of `nth`, `from`,
    /// `first`, `every`, `percent`; without any, always) and what (`fault`). The first rule that matches decides.
    ///
    /// `[{"nth": 1, "fault": {"status": {"status": 429, "retry_after": 1}}}, {"every": 5, "fault": "lost_answer"}]`
    ///
    /// Faults: `status`, `slow_headers`, `slow_body`, `half_close`, `reset`, `close`, `lost_answer`, `never`,
    /// `huge_body`, `invalid_token`, `drop`, `jwks_stale`, `tls`, `one_of`.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// The percentage of pushes that fail with transient faults
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    fault_percent: Option<f64>,
    /// The random seed, instead of the one in the script
    #[arg(long)]
    seed: Option<u64>,
    /// Answer every token request with this status
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(200..=599))]
    token_fault: Option<u16>,
    /// Break every TLS connection in this way
    #[arg(long, value_enum, requires = "tls")]
    tls_fault: Option<BadTls>,
}

/// What is wrong with TLS.
#[derive(Clone, Copy, ValueEnum)]
enum BadTls {
    /// The receiver ends the handshake with an alert.
    Handshake,
    /// The certificate is for another host.
    WrongHost,
    /// The certificate has expired.
    Expired,
    /// The certificate is by an authority nobody knows.
    Untrusted,
}

impl From<BadTls> for TlsFault {
    fn from(bad: BadTls) -> Self {
        match bad {
            BadTls::Handshake => Self::Handshake,
            BadTls::WrongHost => Self::WrongHost,
            BadTls::Expired => Self::Expired,
            BadTls::Untrusted => Self::Untrusted,
        }
    }
}

impl Faults {
    pub(super) fn script(self) -> Result<Script, Box<dyn Error>> {
        let mut script = match self.script {
            Some(file) => read(&file).map_err(|error| format!("{}: {error}", file.display()))?,
            None => Script::new(),
        };
        if let Some(status) = self.token_fault {
            script = script.rule(Rule::token(Status::new(status)));
        }
        if let Some(fault) = self.tls_fault {
            script = script.rule(Rule::connection(Fault::Tls(fault.into())));
        }
        if let Some(percent) = self.fault_percent {
            script = script.mix(percent);
        }
        Ok(match self.seed {
            Some(seed) => script.seed(seed),
            None => script,
        })
    }
}

fn percent(text: &str) -> Result<f64, String> {
    let percent = text.parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
    percent.ok_or_else(|| "must be 0 to 100".to_owned())
}

fn read(file: &Path) -> Result<Script, Box<dyn Error>> {
    Ok(Script::from_json(&fs::read_to_string(file)?)?)
}
