//! `ssf set diff`: one event in the forms of several receivers.

use console::style;
use serde_json::{Map, Value, json};
use ssf_transmitter::{Dialect, Error, catalogue::EventType};

use super::super::{
    Class, Failure, Result, addressee,
    content::Content,
    event::example,
    output::{print, say},
    table,
};

/// What stands for a claim that a receiver's SET does not have.
const ABSENT: &str = "–";

/// Show one event in the forms of several receivers, side by side
///
/// Prints one claim per line, and marks those that differ. Without members and subject, the event has made-up ones, as in
/// `ssf event show`. Nothing is signed or sent. A receiver that would not accept the SET is named on standard error, with
/// the reason.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A receiver: a dialect's id, or a TOML file; repeat it for each
    #[arg(long = "like", value_name = "ID|FILE", required = true)]
    receivers: Vec<String>,
    /// Print only the claims that differ
    #[arg(long)]
    only_differences: bool,
    #[command(flatten)]
    content: Content,
}

/// The claims for one receiver, or why it would not accept them.
struct Form {
    receiver: String,
    claims: Result<Map<String, Value>, Error>,
}

/// A claim, or a member below one, and its value for each receiver.
struct Row {
    pointer: String,
    values: Vec<Option<Value>>,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result {
    if arguments.receivers.len() < 2 {
        let message = "name two receivers at least, such as --like okta --like govuk-one-login";
        return Err(Failure::usage(message));
    }
    let dialects = arguments.receivers.iter().map(|name| addressee::dialect(name));
    let dialects = dialects.collect::<Result<Vec<_>>>()?;
    let forms = dialects.iter().map(|dialect| form(&arguments.content, dialect));
    let forms = forms.collect::<Result<Vec<_>>>()?;
    let mut rows = rows(&forms);
    if arguments.only_differences {
        rows.retain(Row::differs);
    }
    if json {
        print(&serde_json::to_string_pretty(&shown(&forms, &rows))?)?;
    } else {
        show(&forms, &rows)?;
    }
    // With none that accepts it there is nothing to compare.
    if forms.iter().all(|form| form.claims.is_err()) {
        return Err(Failure::new(Class::Validation, "none of the receivers accepts this event"));
    }
    Ok(())
}

fn form(content: &Content, dialect: &Dialect) -> Result<Form> {
    let known = content.event_name().and_then(|name| EventType::by_name(name).ok());
    let claims = match known.filter(|_| content.is_bare()) {
        Some(event) => example::claims(event, dialect),
        None => example::claims_of(content.put_into(example::template(dialect))?, content.txn.as_deref()),
    };
    Ok(Form { receiver: dialect.id().to_owned(), claims })
}

/// The claims of all forms, each once, in the order of the forms.
fn rows(forms: &[Form]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (index, form) in forms.iter().enumerate() {
        let mut next = 0;
        let mut leaves = Vec::new();
        if let Ok(claims) = &form.claims {
            flatten("", &Value::Object(claims.clone()), &mut leaves);
        }
        for (pointer, value) in leaves {
            let found = rows.iter().position(|row| row.pointer == pointer);
            let at = found.unwrap_or_else(|| {
                rows.insert(next, Row { pointer, values: vec![None; forms.len()] });
                next
            });
            rows[at].values[index] = Some(value);
            next = at + 1;
        }
    }
    // One that accepts nothing has no column.
    for row in &mut rows {
        let mut accepts = forms.iter().map(|form| form.claims.is_ok());
        row.values.retain(|_| accepts.next().unwrap_or_default());
    }
    rows
}

/// What is in a value, by pointer. Empty objects and lists stand for themselves.
fn flatten(pointer: &str, value: &Value, leaves: &mut Vec<(String, Value)>) {
    let escape = |name: &str| name.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                flatten(&format!("{pointer}/{}", escape(name)), member, leaves);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (index, item) in items.iter().enumerate() {
                flatten(&format!("{pointer}/{index}"), item, leaves);
            }
        }
        _ => leaves.push((pointer.to_owned(), value.clone())),
    }
}

impl Row {
    fn differs(&self) -> bool {
        self.values.windows(2).any(|pair| pair[0] != pair[1])
    }

    /// The path for people: an event type is named by the end of its URI.
    fn path(&self) -> String {
        let step = |step: &str| {
            let name = step.rsplit("~1").next().unwrap_or(step);
            name.replace("~1", "/").replace("~0", "~")
        };
        self.pointer.split('/').skip(1).map(step).collect::<Vec<_>>().join(".")
    }

    fn cells(&self) -> Vec<String> {
        let cell = |value: &Option<Value>| value.as_ref().map_or(ABSENT.to_owned(), Value::to_string);
        self.values.iter().map(cell).collect()
    }
}

fn shown(forms: &[Form], rows: &[Row]) -> Value {
    let receiver = |form: &Form| match &form.claims {
        Ok(claims) => json!({ "receiver": form.receiver, "claims": claims, "error": null }),
        Err(error) => {
            let error = Failure::from(error.clone()).json();
            json!({ "receiver": form.receiver, "claims": null, "error": error["error"] })
        }
    };
    let differences = rows.iter().filter(|row| row.differs()).map(|row| &row.pointer);
    json!({
        "receivers": forms.iter().map(receiver).collect::<Vec<_>>(),
        "differences": differences.collect::<Vec<_>>(),
    })
}

fn show(forms: &[Form], rows: &[Row]) -> Result {
    for form in forms {
        if let Err(error) = &form.claims {
            say(&Failure::from(error.clone()).in_place(&form.receiver).text());
        }
    }
    let accepting = forms.iter().filter(|form| form.claims.is_ok());
    let names: Vec<_> = accepting.map(|form| form.receiver.clone()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let mark = |row: &Row| if row.differs() { "≠" } else { " " }.to_owned();
    let head = [String::new(), String::new()].into_iter().chain(names.iter().cloned()).collect();
    let cells = rows.iter().map(|row| [mark(row), row.path()].into_iter().chain(row.cells()).collect());
    let aside = table::aligned(&[head].into_iter().chain(cells).collect::<Vec<_>>());
    if aside.iter().all(|line| table::fits_terminal(line)) {
        print(&aside[0])?;
        return rows.iter().zip(&aside[1..]).try_for_each(|(row, line)| line_of(row, line));
    }
    // Columns that are too wide go below each other.
    rows.iter().try_for_each(|row| {
        let each: Vec<_> =
            names.iter().cloned().zip(row.cells()).map(|(name, cell)| vec![name, cell]).collect();
        line_of(
            row,
            &format!("{} {}\n      {}", mark(row), row.path(), table::aligned(&each).join("\n      ")),
        )
    })
}

/// Prints a row, in a colour if it differs.
fn line_of(row: &Row, line: &str) -> Result {
    print(&if row.differs() { style(line).yellow().to_string() } else { line.to_owned() })
}
