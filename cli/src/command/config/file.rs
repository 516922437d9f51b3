//! Which file of settings a command reads.

use std::{env, path::PathBuf};

use ssf_transmitter::config::Config;

use super::super::{Class, Failure, Result};

#[derive(clap::Args)]
pub(in super::super) struct ConfigFile {
    /// The file of settings; without it, the nearest `ssf.toml`, in the current folder or in one around it
    #[arg(long = "config", value_name = "FILE")]
    path: Option<PathBuf>,
}

impl ConfigFile {
    /// The settings, if there is such a file. One that is named has to exist.
    pub(in super::super) fn read(&self) -> Result<Option<Config>> {
        Ok(self.find()?.map(Config::read).transpose()?)
    }

    /// The file itself.
    pub(super) fn needed(&self) -> Result<PathBuf> {
        let missing = || {
            let message =
                "there is no ssf.toml, neither here nor in a folder around it: name the file with --config";
            Failure::new(Class::Configuration, message)
        };
        self.find()?.ok_or_else(missing)
    }

    /// The file to read, if there is one.
    pub(in super::super) fn find(&self) -> Result<Option<PathBuf>> {
        if self.path.is_some() {
            return Ok(self.path.clone());
        }
        let folder = env::current_dir()?;
        // Named as a person would, from where they are.
        Ok(Config::find(&folder).map(|path| path.strip_prefix(&folder).map(Into::into).unwrap_or(path)))
    }
}
