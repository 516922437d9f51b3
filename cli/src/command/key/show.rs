//! `ssf key show`: shows a key in another form.

use std::{
    ffi::OsString,
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
};

use serde_json::{Value, json};
use ssf_transmitter::{SigningKey, secret::Secret};

use super::{Readers, form::Form, write};
use crate::command::{Failure, Result, input, output};

/// Show a key in another format
///
/// Prints the public key, unless --private is given. A private key is written to a file or a pipe, and to a terminal only with --yes.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The private key: a file, `env:NAME`, `cmd:PROGRAM ARG…` (its output), or `-` (standard input), in any form that `ssf` reads
    #[arg(value_name = "SOURCE")]
    source: OsString,
    /// The `kid`: selects a key from a JWKS, and sets the `kid` of any other key
    #[arg(long)]
    kid: Option<String>,
    /// Show the public key; this is the default
    #[arg(long, conflicts_with = "private")]
    public: bool,
    /// Show the private key
    #[arg(long)]
    private: bool,
    /// The form
    #[arg(long, value_enum, default_value_t = Form::Pem)]
    format: Form,
    /// Write to this new file; a private key is readable by you alone
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print a private key to a terminal too
    #[arg(long, requires = "private")]
    yes: bool,
}

pub(super) fn run(arguments: &Arguments, as_json: bool) -> Result {
    let key = input::key(&arguments.source, arguments.kid.as_deref())?;
    let form = match arguments.format {
        // JSON has no bytes.
        Form::Der if as_json && arguments.out.is_none() => Form::Base64,
        form => form,
    };
    let (bytes, readers) = if arguments.private {
        (form.private(&key)?, Readers::Owner)
    } else {
        (Secret::new(form.public(&key)?), Readers::All)
    };
    if let Some(path) = &arguments.out {
        write(path, bytes.expose(), readers)?;
        return if as_json { arguments.print_json(&key, form, &Value::Null) } else { Ok(()) };
    }
    if arguments.private && io::stdout().is_terminal() && !arguments.yes {
        return Err(Failure::usage("this prints the private key to the terminal: add --yes, or --out FILE"));
    }
    if !as_json {
        return Ok(io::stdout().write_all(bytes.expose())?);
    }
    let text = String::from_utf8_lossy(bytes.expose());
    let shown = if form.is_json() { serde_json::from_str(&text)? } else { Value::from(text.trim_end()) };
    arguments.print_json(&key, form, &shown)
}

impl Arguments {
    /// Prints the key with what it is. One that went to a file is `null`.
    fn print_json(&self, key: &SigningKey, form: Form, shown: &Value) -> Result {
        let shown = json!({
            "kid": key.kid(),
            "algorithm": key.algorithm().as_str(),
            "private": self.private,
            "format": form.name(),
            "key": shown,
            "file": self.out.as_ref().map(|path| path.display().to_string()),
        });
        output::print(&serde_json::to_string_pretty(&shown)?)
    }
}
