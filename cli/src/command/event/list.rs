//! `ssf event list`: the events, and who takes them.

use serde_json::{Value, json};
use ssf_transmitter::{
    Dialect,
    catalogue::{EVENTS, EventType, Status},
};

use super::super::{Failure, Result, addressee, output, table};

/// List the event types
///
/// Prints the id, the title and the receivers known to accept the event.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Only events that this receiver accepts: a dialect id, or a TOML file
    #[arg(long, value_name = "ID|FILE")]
    receiver: Option<String>,
    /// Only those of this family, such as `caep`
    #[arg(long)]
    family: Option<String>,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result {
    let receiver = arguments.receiver.as_deref().map(addressee::dialect).transpose()?;
    if let Some(family) = &arguments.family {
        known_family(family)?;
    }
    let events: Vec<_> = EVENTS
        .iter()
        .filter(|event| receiver.as_ref().is_none_or(|dialect| dialect.takes(event)))
        .filter(|event| arguments.family.as_ref().is_none_or(|family| event.family == family))
        .collect();
    if json {
        let shown: Vec<Value> = events.iter().map(|event| shown(event)).collect();
        return output::print(&serde_json::to_string_pretty(&shown)?);
    }
    let row =
        |event: &&EventType| Ok(vec![event.id.to_owned(), event.title.to_owned(), takers(event)?.join(", ")]);
    let rows = events.iter().map(row).collect::<Result<Vec<_>>>()?;
    table::lines(&rows).iter().try_for_each(|line| output::print(line))
}

fn known_family(family: &str) -> Result {
    let mut families: Vec<_> = EVENTS.iter().map(|event| event.family).collect();
    families.dedup();
    if families.contains(&family) {
        return Ok(());
    }
    Err(Failure::usage(format!("there is no family {family}; the families are {}", families.join(", "))))
}

/// The receivers that take certain events only, this one among them.
pub(super) fn takers(event: &EventType) -> Result<Vec<&'static str>> {
    let mut takers = Vec::new();
    for id in Dialect::ids() {
        let dialect = Dialect::built_in(id)?;
        if !dialect.takes_any_event() && dialect.takes(event) {
            takers.push(id);
        }
    }
    Ok(takers)
}

fn shown(event: &EventType) -> Value {
    json!({
        "id": event.id,
        "uri": event.uri,
        "family": event.family,
        "title": event.title,
        "source": event.section,
        "deprecated": event.status == Status::Deprecated,
        "receivers": takers(event).unwrap_or_default(),
    })
}
