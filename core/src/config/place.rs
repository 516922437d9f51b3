//! Where in a file a setting is: errors name the file, the line and the key.

use std::{collections::HashMap, path::PathBuf};

use crate::error::Error;

/// The lines of the keys of a file.
#[derive(Default)]
pub(super) struct Places {
    /// The file, if the text is from one.
    pub(super) file: Option<PathBuf>,
    /// By the pointer of the key.
    pub(super) lines: HashMap<String, usize>,
}

impl Places {
    /// The same error, about the key at `pointer`. What it said of another document, such as a key, is in its message.
    pub(super) fn place(&self, pointer: &str, error: Error) -> Error {
        self.at_line(self.line(pointer), error.at(pointer))
    }

    /// The same error, with the file and the line before the message.
    pub(super) fn at_line(&self, line: Option<usize>, error: Error) -> Error {
        let file = self.file.as_ref().map(|file| file.display().to_string());
        let line = line.map(|line| format!("line {line}"));
        match (file, line) {
            (None, None) => error,
            (Some(file), Some(line)) => error.prefixed(&format!("{file}, {line}")),
            (Some(place), None) | (None, Some(place)) => error.prefixed(&place),
        }
    }

    /// The line of a key, or of the table that lacks it.
    pub(super) fn line(&self, pointer: &str) -> Option<usize> {
        let line = self.lines.get(pointer).copied();
        line.or_else(|| self.line(pointer.rsplit_once('/')?.0))
    }
}

/// The line, counted from one, with the byte at `offset`.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or_default().matches('\n').count() + 1
}
