//! Writes a new file: what is set, and all that could be, in comments.

use std::fmt::Write as _;

use toml::{Table as Document, Value};

use super::{
    Config,
    table::{TABLES, Table, top_name},
};
use crate::error::Result;

impl Config {
    /// A file with these settings, and with all others in comments that explain them: for a program that writes a file which people
    /// edit. Comments in the text are lost.
    ///
    /// Errors are those of [`from_toml`](Self::from_toml).
    ///
    /// ```
    /// use ssf_transmitter::config::Config;
    ///
    /// let file = Config::commented_toml("issuer = 'https://edr.example.com'")?;
    /// assert!(file.contains("\nissuer = \"https://edr.example.com\"\n") && file.contains("\n# deadline = 30\n"));
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn commented_toml(text: &str) -> Result<String> {
        Self::from_toml(text)?;
        let document: Document = text.parse().unwrap_or_default();
        let mut file = String::from("# Settings of ssf-transmitter. `ssf config check` checks this file.\n");
        for table in TABLES.iter() {
            match (table.names_below(), document.get(top_name(table))) {
                _ if table.name.is_empty() => keys(&mut file, table, Some(&document)),
                (None, Some(Value::Table(content))) => {
                    title(&mut file, table, "", &table.name);
                    keys(&mut file, table, Some(content));
                }
                (Some(around), Some(Value::Table(tables))) => {
                    for (name, content) in tables {
                        title(&mut file, table, "", &format!("{around}.{}", key(name)));
                        keys(&mut file, table, content.as_table());
                    }
                }
                _ => {
                    title(&mut file, table, "# ", &table.name);
                    keys(&mut file, table, None);
                }
            }
        }
        Ok(file)
    }
}

fn title(file: &mut String, table: &Table, before: &str, name: &str) {
    let _ = write!(file, "\n# {}\n{before}[{name}]\n", plain(&table.doc));
}

/// The keys of a table, those that are set as they are.
fn keys(file: &mut String, table: &Table, content: Option<&Document>) {
    for listed in &table.keys {
        let _ = writeln!(file, "\n# {}", plain(&listed.doc));
        let _ = match content.and_then(|content| content.get(&listed.name)) {
            Some(value) => writeln!(file, "{} = {value}", listed.name),
            None => writeln!(file, "# {} = {}", listed.name, listed.example),
        };
    }
}

/// A key as TOML writes it.
fn key(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if !name.is_empty() && name.bytes().all(bare) { name.to_owned() } else { Value::from(name).to_string() }
}

/// A text without the targets of its links.
fn plain(text: &str) -> String {
    let mut parts = text.split("](");
    let first = parts.next().unwrap_or_default().to_owned();
    let plain = parts.fold(first, |plain, part| plain + part.split_once(')').map_or(part, |(_, rest)| rest));
    plain.replace('[', "")
}
