//! Systems without locks of an open file description.

use std::path::Path;

use ssf_transmitter::Result;

pub(crate) struct Guard(());

impl Guard {
    #[allow(clippy::unnecessary_wraps, reason = "elsewhere, it fails if another program uses the file")]
    pub(crate) fn lock(_: &Path) -> Result<Self> {
        Ok(Self(()))
    }

    #[allow(clippy::unused_self, clippy::needless_pass_by_ref_mut, reason = "elsewhere, it has locks")]
    pub(crate) fn unlock(&mut self) {}
}
