//! The questions of `ssf init`. The library judges each answer as it is typed.

use std::path::{Path, PathBuf};

use ssf_transmitter::{
    Dialect, Error, ErrorCode, KeySource, Receiver, config::Config, metadata::well_known_url,
};
use toml::{Table, Value};

use super::KEY;
use crate::command::{
    Result,
    ask::{line, said, select},
};

/// What was answered.
pub(super) struct Answers {
    pub(super) settings: Table,
    /// The key that is to be made.
    pub(super) new_key: Option<PathBuf>,
}

/// Asks for issuer, key and one receiver, for a file at this path.
pub(super) fn ask(out: &Path) -> Result<Answers> {
    let help = "The URL that your SETs name; receivers find your keys from it";
    let issuer = line("Issuer", help, "", |text| setting("issuer", text).and(judged(well_known_url(text))))?;
    let (key, new_key) = key(out)?;
    let mut settings = Table::from_iter([pair("issuer", issuer), pair("key", key)]);
    if let Some((name, receiver)) = receiver()? {
        let receivers = Table::from_iter([(name, Value::Table(receiver))]);
        settings.insert("receivers".to_owned(), Value::Table(receivers));
    }
    Ok(Answers { settings, new_key })
}

/// Where the key is, and its file if it is to be made.
fn key(out: &Path) -> Result<(String, Option<PathBuf>)> {
    let file = out.with_file_name(KEY);
    let usual = if file.exists() {
        format!("The file {}, which is there", file.display())
    } else {
        format!("A new key, in the file {}", file.display())
    };
    let elsewhere = "Another one: in a file, a variable, a folder, or from a command";
    let chosen = select("Key", "The private key that signs", vec![usual.clone(), elsewhere.to_owned()])?;
    if chosen == usual {
        let new = (!file.exists()).then_some(file);
        return Ok((format!("file:{KEY}"), new));
    }
    let folder = out.parent().unwrap_or(Path::new("")).to_owned();
    let help = "A file, env:NAME, dir:PATH or cmd:PROGRAM ARG…";
    let place = line("Key source", help, "", move |text| {
        setting("key", text).and_then(|()| readable(text, &folder))
    })?;
    Ok((place, None))
}

/// Whether there is a key, if it is in a file. Others are not read for each letter.
fn readable(text: &str, folder: &Path) -> Result<(), String> {
    let source = KeySource::parse(text).map_err(|error| said(&error))?;
    let Some(path) = source.file_path().map(|path| folder.join(path)) else { return Ok(()) };
    match source.with_file(path).read() {
        Err(error) if error.code() != ErrorCode::KeyPasswordMissing => Err(said(&error)),
        _ => Ok(()),
    }
}

/// The first receiver with its name, if there is to be one.
fn receiver() -> Result<Option<(String, Table)>> {
    const OKTA: &str = "An Okta org";
    const GOVUK: &str = "GOV.UK One Login";
    const OTHER: &str = "Another receiver, by its push endpoint";
    const NONE: &str = "None for now";
    let choices = [OKTA, GOVUK, OTHER, NONE].map(str::to_owned).to_vec();
    let (name, receiver) = match select("Receiver", "Who gets your events", choices)?.as_str() {
        OKTA => ("okta", okta()?),
        GOVUK => ("govuk", govuk()?),
        OTHER => ("receiver", other()?),
        _ => return Ok(None),
    };
    let judge = |text: &str| {
        let receiver = Table::from_iter([pair("okta", "https://acme.okta.com")]);
        let receivers = Table::from_iter([(text.to_owned(), Value::Table(receiver))]);
        let empty = if text.trim().is_empty() { Err("the name is empty".to_owned()) } else { Ok(()) };
        empty.and(checked(&Table::from_iter([("receivers".to_owned(), Value::Table(receivers))]), None))
    };
    let name = line("Name", "What you call this receiver: ssf emit --to NAME", name, judge)?;
    Ok(Some((name, receiver)))
}

fn okta() -> Result<Table> {
    let mut okta = Table::new();
    let help = "The URL where its users sign in, such as https://acme.okta.com";
    add(&mut okta, "okta", "Okta org", help, "", |url| judged(Receiver::okta(url).build()))?;
    Ok(okta)
}

fn govuk() -> Result<Table> {
    let help = "As its team told you";
    let mut govuk = Table::from_iter([pair("dialect", "govuk-one-login")]);
    add(&mut govuk, "endpoint", "Inbound URL", help, "", endpoint)?;
    add(&mut govuk, "audience", "Audience", help, "", any)?;
    add(&mut govuk, "token_url", "Token URL", "The full URL of /authorize, as its team told you", "", any)?;
    add(&mut govuk, "client_id", "Client id", help, "", any)?;
    let help = "Where the secret is: env:NAME, file:PATH or cmd:PROGRAM ARG…";
    add(&mut govuk, "client_secret", "Client secret", help, "env:SSF_CLIENT_SECRET", any)?;
    Ok(govuk)
}

fn other() -> Result<Table> {
    let mut other = Table::new();
    add(&mut other, "endpoint", "Endpoint", "The URL that SETs are pushed to", "", endpoint)?;
    add(&mut other, "audience", "Audience", "Exactly as the receiver documents it", "", any)?;
    let dialects =
        Dialect::ids().filter_map(|id| Some(format!("{id}  {}", Dialect::built_in(id).ok()?.title())));
    let dialect =
        select("Dialect", "Which receiver it is like; ssf-1.0 is the specification", dialects.collect())?;
    other.extend([pair("dialect", dialect.split_whitespace().next().unwrap_or_default())]);
    Ok(other)
}

/// Asks for a setting of a receiver, which has to fit those that it has.
fn add(
    receiver: &mut Table,
    key: &'static str,
    name: &str,
    help: &str,
    there: &str,
    judge: impl Fn(&str) -> Result<(), String> + 'static,
) -> Result {
    let given = receiver.clone();
    let text = line(name, help, there, move |text| {
        let receiver = given.clone().into_iter().chain([pair(key, text)]).collect();
        let receivers = Table::from_iter([("new".to_owned(), Value::Table(receiver))]);
        let settings = Table::from_iter([("receivers".to_owned(), Value::Table(receivers))]);
        checked(&settings, Some(&format!("/receivers/new/{key}"))).and_then(|()| judge(text))
    })?;
    receiver.extend([pair(key, text)]);
    Ok(())
}

/// A URL that SETs can be pushed to. The audience is not known yet.
fn endpoint(url: &str) -> Result<(), String> {
    judged(Receiver::builder(url, "https://receiver.example.net").build())
}

#[allow(clippy::unnecessary_wraps, reason = "it judges like the others")]
fn any(_: &str) -> Result<(), String> {
    Ok(())
}

/// What the library says of a setting.
fn setting(key: &str, text: &str) -> Result<(), String> {
    checked(&Table::from_iter([pair(key, text)]), Some(&format!("/{key}")))
}

/// What is wrong with settings, or with the one at this place: others are not answered yet.
fn checked(settings: &Table, place: Option<&str>) -> Result<(), String> {
    let errors = Config::check_toml(&settings.to_string());
    let mut wrong = errors.iter().filter(|error| place.is_none() || error.pointer() == place);
    let Some(error) = wrong.next() else { return Ok(()) };
    // There is no file yet that would have lines.
    let message = said(error);
    let rest = message.split_once(": ").filter(|(start, _)| start.starts_with("line "));
    Err(rest.map_or(message.clone(), |(_, rest)| rest.to_owned()))
}

fn judged<T>(result: Result<T, Error>) -> Result<(), String> {
    result.map(drop).map_err(|error| said(&error))
}

fn pair(key: &str, value: impl Into<Value>) -> (String, Value) {
    (key.to_owned(), value.into())
}
