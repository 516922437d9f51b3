//! What a confirmation asks for, and what it is told.

use super::{LogPage, Reception};
use crate::{
    error::{Error, Result},
    okta::{Call, Page},
    time::Timestamp,
};

/// What to do next.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfirmAction {
    /// Make the call once, and come back with [`ConfirmInput::Listed`].
    List(Call<Page>),
    /// Make the call once, and come back with [`ConfirmInput::Read`].
    Read(Call<LogPage>),
    /// Come back with [`ConfirmInput::Woken`] at this time.
    Wait {
        /// When.
        until: Timestamp,
    },
    /// Nothing: this became of the SET.
    Done(Reception),
    /// Nothing: the log could not be read.
    Fail(Error),
}

/// The result.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfirmInput {
    /// Nothing yet: the first step.
    Started,
    /// The wait is over.
    Woken,
    /// A page of the providers, or why there is none.
    Listed(Result<Page>),
    /// A page of the log, or why there is none.
    Read(Result<LogPage>),
}
