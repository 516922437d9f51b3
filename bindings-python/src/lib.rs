//! The native part of the Python package `ssf-transmitter`. It is private: `python/ssf_transmitter` is what users see.
//!
//! Nothing is decided here. Each file takes what Python gives, calls the core, and gives Python what came of it.

mod arguments;
mod attach;
mod batch;
mod conformance;
mod emission;
#[cfg(feature = "testing")]
mod emulator;
mod errors;
mod futures;
mod json;
mod jwks;
mod key;
mod lint;
mod logging;
mod metadata;
mod okta;
mod process;
mod receiver;
mod runtime;
mod sets;
mod transmitter;

#[pyo3::pymodule]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::arguments::{milliseconds, seconds};
    #[pymodule_export]
    use crate::batch::{Batch, RequestLimit};
    #[pymodule_export]
    use crate::conformance::{check_configuration, check_set, check_token};
    #[pymodule_export]
    use crate::emission::{Emission, check_event, check_subject};
    #[cfg(feature = "testing")]
    #[pymodule_export]
    use crate::emulator::Emulator;
    #[pymodule_export]
    use crate::futures::{Mailbox, Task};
    #[pymodule_export]
    use crate::jwks::{Jwks, PublicKey};
    #[pymodule_export]
    use crate::key::{KeySet, Signature, SigningKey};
    #[pymodule_export]
    use crate::lint::{Linter, check_lint_policy, lint_jwks};
    #[pymodule_export]
    use crate::logging::enable_logging;
    #[pymodule_export]
    use crate::metadata::{TransmitterConfiguration, legacy_well_known_url, well_known_url};
    #[pymodule_export]
    use crate::okta::OktaProviders;
    #[pymodule_export]
    use crate::receiver::{ClientCredentials, Dialect, Receiver};
    #[pymodule_export]
    use crate::runtime::settle;
    #[pymodule_export]
    use crate::sets::{DecodedSet, Receipt, SignedSet, UnsignedSet, prepare_set};
    #[pymodule_export]
    use crate::transmitter::{Counters, Transmitter};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let leave = wrap_pyfunction!(crate::attach::leave, module)?;
        module.py().import("atexit")?.call_method1("register", (leave,)).map(|_| ())
    }
}
