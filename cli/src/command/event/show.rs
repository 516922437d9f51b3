//! `ssf event show`: what one event holds.

use serde_json::{Map, Value, json};
use ssf_transmitter::{
    Dialect,
    catalogue::{EventType, Field, FieldType, Status},
};

use super::super::{Failure, Result, addressee, output};
use super::{example, list::takers};

/// Show the members of an event, their types and values, and an example
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The event: an id such as `caep.session-revoked`, or an event type URI
    event: String,
    /// The receiver of the example: a dialect's id, or a TOML file; without it, each receiver has one
    #[arg(long, value_name = "ID|FILE")]
    receiver: Option<String>,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result {
    let event = EventType::by_name(&arguments.event)?;
    let receivers = match &arguments.receiver {
        Some(name) => vec![addressee::dialect(name)?],
        // A companion travels beside another event, which only its receiver takes.
        None => (!event.companion)
            .then(|| Dialect::default().id().to_owned())
            .into_iter()
            .chain(takers(event)?.into_iter().map(str::to_owned))
            .map(|id| Ok(Dialect::built_in(&id)?))
            .collect::<Result<_>>()?,
    };
    let examples = receivers.iter().map(|dialect| Ok((dialect.id(), claims(event, dialect)?)));
    let examples = examples.collect::<Result<Vec<_>>>()?;
    if json {
        let examples: Map<String, Value> =
            examples.into_iter().map(|(id, claims)| (id.to_owned(), claims.into())).collect();
        let shown = json!({
            "id": event.id,
            "uri": event.uri,
            "title": event.title,
            "doc": event.doc,
            "source": event.section,
            "members": event.fields.iter().map(member).collect::<Vec<_>>(),
            "examples": examples,
        });
        return output::print(&serde_json::to_string_pretty(&shown)?);
    }
    output::print(&format!(
        "{}  {}\n{}\n\n{}\nSource: {}",
        event.id, event.title, event.uri, event.doc, event.section
    ))?;
    if event.status == Status::Deprecated {
        output::print(&format!("Deprecated: use {}.", event.replaced_by.unwrap_or("another event")))?;
    }
    output::print(if event.fields.is_empty() { "\nIt has no members." } else { "\nMembers" })?;
    for field in event.fields {
        output::print(&format!("  {}  {}", field.name, traits(field)))?;
        output::print(&format!("      {}", field.doc))?;
    }
    for (id, claims) in examples {
        output::print(&format!("\nExample for {id}\n{}", serde_json::to_string_pretty(&claims)?))?;
    }
    output::print(&format!("\nTo send it: ssf emit --event {} --help", event.id))
}

fn claims(event: &'static EventType, dialect: &Dialect) -> Result<Map<String, Value>> {
    if !dialect.takes(event) {
        return Err(Failure::usage(format!("{} does not accept {}", dialect.title(), event.id)));
    }
    Ok(example::claims(event, dialect)?)
}

/// Type, values, and whether it must be there.
fn traits(field: &Field) -> String {
    let mut traits = vec![kind(field.kind).to_owned()];
    if let FieldType::Enum { values, open } = field.kind {
        traits.push(format!("{}: {}", if open { "known values" } else { "one of" }, values.join(", ")));
    }
    if field.required {
        traits.push("required".to_owned());
    }
    if let Some(receiver) = field.only_for {
        traits.push(format!("only for {receiver}"));
    }
    traits.join("; ")
}

fn kind(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Boolean => "true or false",
        FieldType::Integer => "whole number",
        FieldType::Timestamp => "seconds since 1970",
        FieldType::Milliseconds => "milliseconds since 1970",
        FieldType::Localized => "strings by language",
        FieldType::List => "list of strings",
        FieldType::Subject => "subject",
        FieldType::Object => "object",
        _ => "string",
    }
}

fn member(field: &Field) -> Value {
    let values = match field.kind {
        FieldType::Enum { values, .. } => values,
        _ => &[],
    };
    json!({
        "name": field.name,
        "type": kind(field.kind),
        "values": values,
        "open": !matches!(field.kind, FieldType::Enum { open: false, .. }),
        "required": field.required,
        "only_for": field.only_for,
        "doc": field.doc,
    })
}
