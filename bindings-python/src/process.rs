//! Values that belong to one process: after `fork()` the child makes its own.
//!
//! A runtime, its threads and an HTTP pool do not survive a fork. So the child neither uses nor drops what its parent made:
//! dropping a TLS connection would tell the receiver that the parent closes it.

use std::{mem, sync::OnceLock};

use crate::fork;

/// A value that only the process that made it uses and drops.
pub(crate) struct Own<T> {
    /// The number of forks that led to that process. A value reaches only its descendants, and each has a number of its own among
    /// its ancestors. A process ID is reused, and costs a system call.
    home: u32,
    value: Option<T>,
}

impl<T> Own<T> {
    /// Takes a value of this process.
    pub(crate) fn new(value: T) -> Self {
        Self { home: fork::count(), value: Some(value) }
    }

    /// The value; `None` in another process.
    pub(crate) fn get(&self) -> Option<&T> {
        if self.is_here() { self.value.as_ref() } else { None }
    }

    /// The value for changes; `None` in another process.
    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        if self.is_here() { self.value.as_mut() } else { None }
    }

    /// Whether this process made it.
    pub(crate) fn is_here(&self) -> bool {
        self.home == fork::count()
    }

    /// Takes the value out; `None` in another process.
    pub(crate) fn into_inner(mut self) -> Option<T> {
        if self.is_here() { self.value.take() } else { None }
    }

    /// Drops the value, or forgets it in another process.
    pub(crate) fn discard(&mut self) {
        let value = self.value.take();
        if !self.is_here() {
            mem::forget(value);
        }
    }
}

impl<T> Drop for Own<T> {
    fn drop(&mut self) {
        self.discard();
    }
}

/// A value for each process, made where it is first asked for.
pub(crate) struct PerProcess<T>(OnceLock<Box<Node<T>>>);

/// The value of one process, and after it that of its child.
struct Node<T> {
    value: Own<OnceLock<T>>,
    next: OnceLock<Box<Node<T>>>,
}

impl<T> PerProcess<T> {
    /// No value yet.
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The value of this process. `make` makes it, and must not call Python; threads that come at the same time may each make
    /// one, of which one is kept.
    pub(crate) fn get<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        let value = self.node();
        if let Some(value) = value.get() {
            return Ok(value);
        }
        fork::inside(|| {
            let new = make()?;
            Ok(value.get_or_init(|| new))
        })
    }

    /// The value of this process, if there is one.
    pub(crate) fn here(&self) -> Option<&T> {
        self.node().get()
    }

    fn node(&self) -> &OnceLock<T> {
        let mut slot = &self.0;
        loop {
            let node = match slot.get() {
                Some(node) => node,
                None => fork::inside(|| slot.get_or_init(|| Box::new(Node::new()))),
            };
            if let Some(value) = node.value.get() {
                return value;
            }
            slot = &node.next;
        }
    }
}

impl<T> Node<T> {
    fn new() -> Self {
        Self { value: Own::new(OnceLock::new()), next: OnceLock::new() }
    }
}
