//! Values that belong to one process: after `fork()` the child makes its own.
//!
//! A runtime, its threads and an HTTP pool do not outlive a fork, and a lock may be held for good there by a thread that
//! is gone. So the child never touches what its parent made: not to use it, and not to drop it.

use std::{mem, process, sync::OnceLock};

/// A value for each process, made where it is first asked for.
pub(crate) struct PerProcess<T>(OnceLock<Box<Node<T>>>);

/// The value of one process, and after it that of its child.
struct Node<T> {
    pid: u32,
    value: OnceLock<T>,
    next: OnceLock<Box<Node<T>>>,
}

impl<T> PerProcess<T> {
    /// No value yet.
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The value of this process; `make` makes it. Threads that come at once may each make one, of which one stays: a fork
    /// must not find a lock held for as long as that takes.
    pub(crate) fn get<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        let value = &self.node().value;
        if let Some(value) = value.get() {
            return Ok(value);
        }
        let new = make()?;
        Ok(value.get_or_init(|| new))
    }

    /// The value of this process, if there is one.
    pub(crate) fn here(&self) -> Option<&T> {
        self.node().value.get()
    }

    fn node(&self) -> &Node<T> {
        let pid = process::id();
        let mut slot = &self.0;
        loop {
            let node =
                slot.get_or_init(|| Box::new(Node { pid, value: OnceLock::new(), next: OnceLock::new() }));
            if node.pid == pid {
                return node;
            }
            slot = &node.next;
        }
    }
}

impl<T> Drop for Node<T> {
    fn drop(&mut self) {
        if self.pid != process::id() {
            mem::forget(self.value.take());
        }
    }
}
