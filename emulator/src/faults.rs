//! Faults that are switched while a receiver runs.

use std::fmt;
use std::sync::Arc;

use super::Result;
use super::script::Script;
use super::service::Service;

/// Switches what goes wrong. It can be shared.
#[derive(Clone)]
pub struct Faults {
    service: Arc<Service>,
}

impl Faults {
    pub(crate) fn new(service: Arc<Service>) -> Self {
        Self { service }
    }

    /// From the next request on, this script decides; its rules count from one. An empty script ends all faults.
    ///
    /// # Errors
    /// [`Error::is_configuration`](crate::Error::is_configuration), if a rule is about something that the receiver does
    /// not have. The script before it goes on then.
    pub fn switch(&self, script: Script) -> Result<()> {
        self.service.switch(script)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").finish_non_exhaustive()
    }
}
