//! `cargo xtask codegen`: one catalogue, many outputs.
//!
//! The [`model`] is read and checked once; each output is one template and one line in [`OUTPUTS`] or, where there is a
//! file per family of events, in [`PER_FAMILY`]. A further language is a folder of templates and its lines here.

mod address;
mod config;
mod model;
mod names;
mod records;
mod render;
mod settings;
mod values;

use std::{fs, path::Path};

use crate::{Result, imports};
pub(crate) use address::Address;
use model::Catalogue;

/// Template, and the file that it writes.
const OUTPUTS: &[(&str, &str)] = &[
    ("rust/catalogue_events.rs.j2", "core/src/catalogue/events.rs"),
    ("rust/catalogue_subjects.rs.j2", "core/src/catalogue/subjects.rs"),
    ("rust/delivery_classes.rs.j2", "core/src/delivery/classes.rs"),
    ("rust/delivery_notes.rs.j2", "core/src/delivery/notes.rs"),
    ("rust/error_codes.rs.j2", "core/src/catalogue/codes.rs"),
    ("rust/event_values.rs.j2", "core/src/event/values.rs"),
    ("rust/lint_answers.rs.j2", "core/src/explain/answers.rs"),
    ("rust/lint_rules.rs.j2", "core/src/catalogue/rules.rs"),
    ("rust/okta_causes.rs.j2", "core/src/okta/log/causes.rs"),
    ("rust/settings.rs.j2", "core/src/catalogue/settings.rs"),
    ("rust/subject_formats.rs.j2", "core/src/subject/formats.rs"),
    ("python/causes.py.j2", "bindings-python/python/ssf_transmitter/_causes.py"),
    ("python/codes.py.j2", "bindings-python/python/ssf_transmitter/_codes.py"),
    ("python/notes.py.j2", "bindings-python/python/ssf_transmitter/_notes.py"),
    ("python/rules.py.j2", "bindings-python/python/ssf_transmitter/_rules.py"),
    ("python/subjects.py.j2", "bindings-python/python/ssf_transmitter/subjects.py"),
    ("python/values.py.j2", "bindings-python/python/ssf_transmitter/values.py"),
    ("node/causes.ts.j2", "bindings-node/ts/causes.ts"),
    ("node/codes.ts.j2", "bindings-node/ts/codes.ts"),
    ("node/event_table.ts.j2", "bindings-node/ts/events/table.ts"),
    ("node/event_union.ts.j2", "bindings-node/ts/events/union.ts"),
    ("node/notes.ts.j2", "bindings-node/ts/notes.ts"),
    ("node/rules.ts.j2", "bindings-node/ts/rules.ts"),
    ("node/subjects.ts.j2", "bindings-node/ts/subjects.ts"),
    ("node/values.ts.j2", "bindings-node/ts/values.ts"),
    ("swift/Causes.swift.j2", "bindings-swift/Sources/SSFTransmitter/Generated/Causes.swift"),
    ("swift/ErrorCodes.swift.j2", "bindings-swift/Sources/SSFTransmitter/Generated/ErrorCodes.swift"),
    ("swift/EventList.swift.j2", "bindings-swift/Tests/SSFTransmitterTests/EventList.swift"),
    ("swift/LintRules.swift.j2", "bindings-swift/Sources/SSFTransmitter/Generated/LintRules.swift"),
    ("swift/ReceiptNotes.swift.j2", "bindings-swift/Sources/SSFTransmitter/Generated/ReceiptNotes.swift"),
    ("swift/SubjectFormats.swift.j2", "bindings-swift/Sources/SSFTransmitter/Generated/SubjectFormats.swift"),
    ("swift/Values.swift.j2", "bindings-swift/Sources/SSFTransmitter/Generated/Values.swift"),
    ("docs/errors.md.j2", "docs/errors.md"),
    ("docs/events.md.j2", "docs/events.md"),
    ("docs/rules.md.j2", "docs/rules.md"),
    ("docs/values.md.j2", "docs/values.md"),
    ("vectors/settings.json.j2", "tests/vectors/settings.json"),
];

/// Template, and the folder and extension of the file that it writes for each family of events.
const PER_FAMILY: &[(&str, &str, &str)] = &[
    ("rust/event_family.rs.j2", "core/src/event", "rs"),
    ("python/event_family.py.j2", "bindings-python/python/ssf_transmitter/events", "py"),
    ("node/event_family.ts.j2", "bindings-node/ts/events", "ts"),
    ("swift/EventFamily.swift.j2", "bindings-swift/Sources/SSFTransmitter/Generated", "swift"),
];

/// Writes every generated file, or with `check` compares them with what is there.
pub(crate) fn run(root: &Path, check: bool) -> Result {
    let catalogue = Catalogue::read(root)?;
    let renderer = render::Renderer::new(root)?;

    let mut files = vec![imports::page(root)?];
    files.extend(records::outputs(root)?);
    files.extend(config::outputs(root)?);
    files.extend(Address::read(root)?.files(root)?);
    for (template, file) in OUTPUTS {
        files.push(((*file).to_owned(), renderer.render(template, &catalogue, None)?));
    }
    for (template, folder, extension) in PER_FAMILY {
        for family in &catalogue.families {
            let name = match *extension {
                "swift" => names::swift_family(&family.family.id),
                _ => names::snake(&family.family.id),
            };
            let text = renderer.render(template, &catalogue, Some(family))?;
            files.push((format!("{folder}/{name}.{extension}"), text));
        }
    }

    let mut drifted = Vec::new();
    for (file, text) in files {
        let path = root.join(&file);
        if fs::read_to_string(&path).ok().as_deref() == Some(&*text) {
            continue;
        }
        if check {
            drifted.push(file);
        } else {
            fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
            println!("wrote {file}");
        }
    }
    if drifted.is_empty() {
        return Ok(());
    }
    Err(format!(
        "these files differ from their sources; run `cargo xtask codegen`:\n  {}",
        drifted.join("\n  ")
    )
    .into())
}
