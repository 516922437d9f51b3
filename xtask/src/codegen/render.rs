//! Templates to text. Rust goes through rustfmt, so that templates need not care about line breaks.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use minijinja::{
    Environment, ErrorKind, UndefinedBehavior, Value, context, path_loader, syntax::SyntaxConfig,
    value::Serde,
};

use super::{
    model::{Catalogue, FamilyFile},
    names,
    settings::{self, Settings},
};
use crate::Result;

pub(crate) struct Renderer {
    environment: Environment<'static>,
    settings: Arc<Settings>,
}

impl Renderer {
    pub(crate) fn new(root: &Path) -> Result<Self> {
        let settings = Arc::new(Settings::read(root)?);
        let names = Arc::clone(&settings);
        let mut environment = Environment::new();
        environment.set_loader(path_loader(root.join("xtask/templates")));
        environment.add_filter("settings_in", |text: &str| settings::named_in(text));
        environment.add_filter("settings", move |text: &str, language: &str| {
            names
                .named(text, language)
                .map_err(|message| minijinja::Error::new(ErrorKind::InvalidOperation, message))
        });
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(
            SyntaxConfig::builder()
                .trim_blocks(true)
                .lstrip_blocks(true)
                .keep_trailing_newline(true)
                .build()?,
        );
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.add_filter("snake", |wire: &str| names::snake(wire));
        environment.add_filter("pascal", |wire: &str| names::pascal(wire));
        environment.add_filter("camel", |wire: &str| names::camel(wire));
        environment.add_filter("swift", |wire: &str| names::swift(wire));
        environment.add_filter("swift_family", |id: &str| names::swift_family(id));
        environment.add_filter("comment", |text: &str, indent: usize| comment(text, indent));
        environment.add_filter("property", |wire: &str| names::property(wire));
        environment.add_filter("quoted", |text: &str| names::quoted(text));
        environment.add_filter("screaming", |id: &str| id.replace(['-', '.'], "_").to_uppercase());
        environment.add_filter("literal", |value: Value| serde_json::to_string(&value).unwrap_or_default());
        environment.add_filter("wrap", |text: &str, indent: usize| wrap(text, indent));
        environment.add_filter("lower_first", |text: &str| names::lower_first(text));
        environment
            .add_filter("local", |id: &str| id.split_once('.').map_or(id, |(_, name)| name).to_owned());
        Ok(Self { environment, settings })
    }

    /// The text of `template` for the whole catalogue, or for one family of it.
    pub(crate) fn render(
        &self,
        template: &str,
        catalogue: &Catalogue,
        family: Option<&FamilyFile>,
    ) -> Result<String> {
        let text = self
            .environment
            .get_template(template)?
            .render(context! { catalogue => Serde(catalogue), family => Serde(family), settings => Serde(&*self.settings) })
            .map_err(|error| format!("{template}: {error}"))?;
        if template.ends_with(".rs.j2") { rustfmt(template, &text) } else { Ok(text) }
    }
}

/// The text as a documentation comment, in lines of at most 110 characters. Further lines of a list item are indented.
fn comment(text: &str, indent: usize) -> String {
    let start = format!("{}///", " ".repeat(indent));
    let hanging = if text.trim_start().starts_with("- ") { "    " } else { "" };
    let mut lines = vec![start.clone()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is a line");
        if line.chars().count() + 1 + word.chars().count() <= 110 || *line == start {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(format!("{start} {hanging}{word}"));
        }
    }
    lines.join("\n")
}

/// The text in lines of at most 100 characters, all but the first indented: for docstrings, which no formatter wraps.
fn wrap(text: &str, indent: usize) -> String {
    let mut wrapped = String::new();
    let mut column = indent;
    for word in text.split(' ') {
        let length = word.chars().count();
        if !wrapped.is_empty() {
            let fits = column + 1 + length <= 100;
            column = if fits { column + 1 } else { indent };
            if fits {
                wrapped.push(' ');
            } else {
                wrapped.push('\n');
                wrapped.push_str(&" ".repeat(indent));
            }
        }
        column += length;
        wrapped.push_str(word);
    }
    wrapped
}

fn rustfmt(template: &str, text: &str) -> Result<String> {
    let mut child = Command::new("rustfmt")
        .args([
            "--edition",
            "2024",
            "--config",
            "max_width=110,use_field_init_shorthand=true,use_small_heuristics=Max",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| {
            format!("rustfmt does not start ({error}); install it with `rustup component add rustfmt`")
        })?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("{template}: rustfmt refuses the result").into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
