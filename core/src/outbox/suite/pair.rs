//! The store under test beside the store in memory: after the same operation, both tell the same.

use std::fmt::Debug;

use super::{
    ManualClock,
    tester::{Check, equal},
};
use crate::{error::Result, outbox::MemoryStore};

/// The store under test, and the one that it is compared with.
pub(super) struct Pair<'a, S: ?Sized> {
    pub(super) store: &'a S,
    pub(super) memory: MemoryStore,
    /// Which operation it is, for messages.
    pub(super) step: u64,
}

impl<'a, S: ?Sized> Pair<'a, S> {
    pub(super) fn new(store: &'a S, clock: ManualClock) -> Self {
        Self { store, memory: MemoryStore::new().clock(clock), step: 0 }
    }

    /// What both tell, or the code of the error that both return.
    pub(super) fn same<T>(&self, what: &str, told: Result<T>, wanted: Result<T>) -> Check<Option<T>>
    where
        T: Debug + PartialEq,
    {
        let code = |result: Result<T>| result.map_err(|error| error.code());
        let (told, wanted) = (code(told), code(wanted));
        equal(&format!("step {}: {what}", self.step), &told, &wanted)?;
        Ok(told.ok())
    }
}

/// The same operation on both: returns what both tell.
macro_rules! both {
    ($pair:expr, $what:literal, $store:ident => $call:expr) => {{
        let $store = &$pair.memory;
        let wanted = $call.await;
        let $store = $pair.store;
        let told = $call.await;
        $pair.same($what, told, wanted)?
    }};
}

pub(super) use both;
