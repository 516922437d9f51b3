//! The faults that a person switches.

use serde_json::{Value, json};
use ssf_emulator::{Emulator, Faults, Result, Script};
use tokio::sync::watch;

/// Stands for the script of the command line.
const STARTED: &str = "";

/// What is there to choose: a script each.
const CHOICES: &[(&str, &str)] = &[
    ("As started", STARTED),
    ("None", "[]"),
    ("429, retry after 2 seconds", r#"[{"fault": {"status": {"status": 429, "retry_after": 2}}}]"#),
    ("503", r#"[{"fault": {"status": {"status": 503}}}]"#),
    ("503 for every third push", r#"[{"every": 3, "fault": {"status": {"status": 503}}}]"#),
    (
        "Reject with invalid_key",
        r#"[{"fault": {"status": {"status": 400, "err": "invalid_key", "description": "The key is unknown"}}}]"#,
    ),
    ("Accept and drop", r#"[{"fault": {"drop": {}}}]"#),
    ("Answer after 5 seconds", r#"[{"fault": {"slow_headers": {"ms": 5000}}}]"#),
    ("Close the connection", r#"[{"fault": "close"}]"#),
    ("Accept and lose the answer", r#"[{"fault": "lost_answer"}]"#),
    ("Never answer", r#"[{"fault": "never"}]"#),
];

/// Where a script needs a token endpoint.
const TOKEN_CHOICE: (&str, &str) = ("Invalidate the token once", r#"[{"nth": 1, "fault": "invalid_token"}]"#);

/// Which faults are on.
pub(super) struct Switch {
    faults: Faults,
    started: Script,
    choices: Vec<(&'static str, &'static str)>,
    current: watch::Sender<String>,
}

impl Switch {
    pub(super) fn new(emulator: &Emulator, started: Script) -> Self {
        let token = emulator.token_url().map(|_| TOKEN_CHOICE);
        Self {
            faults: emulator.faults(),
            started,
            choices: CHOICES.iter().copied().chain(token).collect(),
            current: watch::Sender::new(STARTED.to_owned()),
        }
    }

    /// Switches to a script, in JSON.
    pub(super) fn to(&self, text: &str) -> Result<()> {
        let script = if text == STARTED { self.started.clone() } else { Script::from_json(text)? };
        self.faults.switch(script)?;
        self.current.send_replace(text.to_owned());
        Ok(())
    }

    pub(super) fn changes(&self) -> watch::Receiver<String> {
        self.current.subscribe()
    }

    /// What is on, and what there is to choose.
    pub(super) fn shown(&self) -> Value {
        let choice = |(label, script): &(_, _)| json!({ "label": label, "script": script });
        let choices: Vec<_> = self.choices.iter().map(choice).collect();
        json!({ "current": *self.current.borrow(), "choices": choices })
    }
}
