//! The members of an event as options: one for each member of the event that `--event` names.

use std::env;

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches, builder::ValueParser, error::ErrorKind};
use serde_json::{Map, Value};
use ssf_transmitter::{
    catalogue::{EventType, Field, FieldType},
    json,
};

use super::{Failure, moment};

/// The members that options give.
#[derive(Clone, Debug, Default)]
pub(super) struct Members(pub(super) Map<String, Value>);

/// The event type on the command line. The options of a command depend on it, so it is looked up before they are parsed.
fn named() -> Option<&'static EventType> {
    EventType::by_name(&name()?).ok()
}

/// Why the event on the command line has no options, if it has none: its name is not known.
pub(crate) fn unknown_event() -> Option<Failure> {
    name().and_then(|name| EventType::by_name(&name).err()).map(Failure::from)
}

/// What `--event` says.
fn name() -> Option<String> {
    let mut arguments = env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    while let Some(argument) = arguments.next() {
        if argument == "--event" {
            return arguments.next();
        }
        if let Some(name) = argument.strip_prefix("--event=") {
            return Some(name.to_owned());
        }
    }
    None
}

impl clap::Args for Members {
    fn augment_args(command: Command) -> Command {
        let Some(event) = named() else { return command };
        event.fields.iter().fold(command, |command, field| {
            let option = option(field);
            let is_taken =
                |other: &Arg| other.get_id() == field.name || other.get_long() == option.get_long();
            // What another option says already can still be given in --claims.
            let taken = command.get_arguments().any(is_taken);
            if taken { command } else { command.arg(option.help_heading(format!("Members of {}", event.id))) }
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Members {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut members = Map::new();
        for field in named().map_or(&[][..], |event| event.fields) {
            let Ok(Some(values)) = matches.try_get_many::<Value>(field.name) else { continue };
            let values: Vec<Value> = values.cloned().collect();
            members.insert(field.name.to_owned(), joined(field, values)?);
        }
        Ok(Self(members))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The option of a member.
fn option(field: &'static Field) -> Arg {
    let kind = field.kind;
    let parser: ValueParser = match kind {
        FieldType::Enum { open: false, values } => {
            let parser = clap::builder::PossibleValuesParser::new(values);
            clap::builder::TypedValueParser::map(parser, Value::from).into()
        }
        _ => ValueParser::from(move |text: &str| read(kind, text)),
    };
    Arg::new(field.name)
        .long(field.name.replace('_', "-"))
        .value_name(written_as(kind))
        .value_parser(parser)
        .action(if is_repeatable(field) { ArgAction::Append } else { ArgAction::Set })
        .help(help(field))
}

/// Whether a member has several values, each given by itself.
pub(super) fn is_repeatable(field: &Field) -> bool {
    matches!(field.kind, FieldType::List | FieldType::Localized)
}

/// How people write a value of this type.
pub(super) fn written_as(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Enum { open: false, .. } => "VALUE",
        FieldType::Boolean => "true|false",
        FieldType::Integer => "NUMBER",
        FieldType::Timestamp | FieldType::Milliseconds => "TIME",
        FieldType::Localized => "LANGUAGE=TEXT",
        FieldType::Subject | FieldType::Object => "JSON",
        _ => "TEXT",
    }
}

/// Reads a value as people write it, or says how to write it.
pub(super) fn read(kind: FieldType, text: &str) -> Result<Value, String> {
    match kind {
        FieldType::Boolean => match text {
            "true" => Ok(true.into()),
            "false" => Ok(false.into()),
            _ => Err("write true or false".to_owned()),
        },
        FieldType::Integer => {
            text.parse::<i64>().map(Value::from).map_err(|_| "write a whole number".to_owned())
        }
        FieldType::Timestamp => Ok(moment::parse(text)?.into()),
        FieldType::Milliseconds => Ok(moment::parse(text)?.as_unix_millis().into()),
        FieldType::Localized => localized(text),
        FieldType::Subject | FieldType::Object => object(text),
        _ => Ok(text.into()),
    }
}

/// What a member says, and whether it must be there.
pub(super) fn help(field: &Field) -> String {
    let mut help = field.doc.trim_end_matches('.').to_owned();
    if let FieldType::Enum { open: true, values } = field.kind {
        help = format!("{help} [known: {}]", values.join(", "));
    }
    match (field.required, field.only_for) {
        (_, Some(receiver)) => format!("{help} [only for {receiver}]"),
        (true, None) => format!("{help} [required]"),
        (false, None) => help,
    }
}

/// A text in one language, such as `en="Laptop lost"`.
fn localized(text: &str) -> Result<Value, String> {
    let (language, words) = text.split_once('=').ok_or("write LANGUAGE=TEXT, such as en=\"Laptop lost\"")?;
    Ok(Value::Object(Map::from_iter([(language.to_owned(), words.into())])))
}

fn object(text: &str) -> Result<Value, String> {
    json::parse_object(text, "the value").map(Value::Object).map_err(|error| error.to_string())
}

/// The value of a member whose option may be repeated.
pub(super) fn joined(field: &Field, values: Vec<Value>) -> Result<Value, clap::Error> {
    match field.kind {
        FieldType::List => Ok(Value::Array(values)),
        FieldType::Localized => {
            let mut texts = Map::new();
            for (language, text) in values.into_iter().filter_map(into_object).flatten() {
                if texts.insert(language.clone(), text).is_some() {
                    let message = format!("--{} has {language} twice\n", field.name.replace('_', "-"));
                    return Err(clap::Error::raw(ErrorKind::ArgumentConflict, message));
                }
            }
            Ok(Value::Object(texts))
        }
        _ => Ok(values.into_iter().next_back().unwrap_or_default()),
    }
}

fn into_object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(members) => Some(members),
        _ => None,
    }
}
