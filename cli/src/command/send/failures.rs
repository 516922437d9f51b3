//! The file of failures: lines that were not accepted, each with its reason. `ssf send` takes it again.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use serde_json::Map;
use ssf_transmitter::{Error, json as exact};

use super::{
    super::{Failure, Result, event_line::UNREADABLE},
    lines::Line,
};

pub(super) struct Failures {
    path: PathBuf,
    /// None as long as nothing failed.
    file: Option<BufWriter<File>>,
    bytes: u64,
}

impl Failures {
    /// Goes on after this many bytes of an earlier run. A file of something else is only overwritten if `force`
    /// says so.
    pub(super) fn open(path: PathBuf, earlier: Option<u64>, force: bool) -> Result<Self> {
        let mut failures = Self { path, file: None, bytes: 0 };
        match earlier {
            None if !force && failures.path.exists() => {
                let message =
                    "is there already, and may have failures of an earlier run: move it away, or set --force";
                return Err(Failure::usage(format!("{} {message}", failures.path.display())));
            }
            Some(bytes @ 1..) => {
                let file = failures.in_place(options().open(&failures.path))?;
                failures.in_place(file.set_len(bytes))?;
                failures.file = Some(failures.in_place(at_end(file))?);
                failures.bytes = bytes;
            }
            // They belong to lines that are sent again.
            _ => match fs::remove_file(&failures.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => failures.in_place(Err(error))?,
                _ => {}
            },
        }
        Ok(failures)
    }

    /// Adds a line with the reason. Its `jti` goes with it, so that another attempt is a repeat.
    pub(super) fn add(&mut self, line: &Line, jti: &str, error: &Error) -> Result {
        // What cannot be read exactly is kept as it is: written anew, it would be another event.
        let mut failed = exact::parse_object(&line.text, "the line")
            .unwrap_or_else(|_| Map::from_iter([(UNREADABLE.to_owned(), line.text.as_str().into())]));
        failed.entry("jti").or_insert_with(|| jti.into());
        let mut failure = Failure::from(error.clone()).json()["error"].clone();
        failure["line"] = line.number.into();
        failed.insert("failure".to_owned(), failure);
        let text = serde_json::to_string(&failed)? + "\n";
        if self.file.is_none() {
            let file = options().create_new(true).open(&self.path);
            self.file = Some(BufWriter::new(self.in_place(file)?));
        }
        let written = self.file.as_mut().map_or(Ok(()), |file| file.write_all(text.as_bytes()));
        self.in_place(written)?;
        self.bytes += u64::try_from(text.len()).unwrap_or_default();
        Ok(())
    }

    /// Writes what is buffered. Returns the length of the file.
    pub(super) fn flush(&mut self) -> Result<u64> {
        let flushed = self.file.as_mut().map_or(Ok(()), io::Write::flush);
        self.in_place(flushed)?;
        Ok(self.bytes)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there are any.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    fn in_place<T>(&self, result: io::Result<T>) -> Result<T> {
        result.map_err(|error| Failure::file(&self.path, &error))
    }
}

fn at_end(mut file: File) -> io::Result<BufWriter<File>> {
    file.seek(SeekFrom::End(0))?;
    Ok(BufWriter::new(file))
}

/// It has subjects in it: nobody else reads it.
fn options() -> OpenOptions {
    let mut options = File::options();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
