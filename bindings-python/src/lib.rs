//! The native part of the Python package `ssf-transmitter`. It is private: `python/ssf_transmitter` is what users see.
//!
//! Nothing is decided here. Each file converts arguments, calls the core, and converts the result.

mod arguments;
mod attach;
mod batch;
mod config;
mod conformance;
mod emission;
mod errors;
mod fork;
mod futures;
mod host;
mod imports;
mod json;
mod jwks;
mod key;
mod key_set;
mod lint;
mod logging;
mod metadata;
mod okta;
mod okta_log;
mod outbox;
mod outbox_records;
mod password;
mod pending;
mod policy;
mod process;
mod receiver;
mod runtime;
mod sets;
mod signer;
mod stream_arguments;
mod stream_calls;
mod streams;
mod transmitter;
mod worker;

use pyo3::{exceptions::PyImportError, prelude::*};

/// Adds everything to the module, in the main interpreter only: classes and cached objects exist once per process.
#[pyo3::pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    if host::interpreter(py) != host::MAIN_INTERPRETER {
        // The words of CPython, for interpreters that it refuses itself. `_load.py` adds the remedy.
        return Err(PyImportError::new_err(
            "module ssf_transmitter._native does not support loading in subinterpreters",
        ));
    }
    module.add_class::<batch::Batch>()?;
    module.add_class::<batch::RequestLimit>()?;
    module.add_class::<config::Config>()?;
    module.add_class::<emission::Emission>()?;
    module.add_class::<futures::Mailbox>()?;
    module.add_class::<futures::Task>()?;
    module.add_class::<jwks::Jwks>()?;
    module.add_class::<jwks::PublicKey>()?;
    module.add_class::<key_set::KeySet>()?;
    module.add_class::<key::Signature>()?;
    module.add_class::<key::SigningKey>()?;
    module.add_class::<lint::Linter>()?;
    module.add_class::<metadata::TransmitterConfiguration>()?;
    module.add_class::<okta::OktaProviders>()?;
    module.add_class::<okta_log::LogPager>()?;
    module.add_class::<outbox_records::Attempt>()?;
    module.add_class::<outbox_records::Delivery>()?;
    module.add_class::<outbox::Entry>()?;
    module.add_class::<outbox_records::Failure>()?;
    module.add_class::<outbox::Operation>()?;
    module.add_class::<outbox::Outbox>()?;
    module.add_class::<outbox_records::OutboxCounts>()?;
    module.add_class::<outbox_records::OutboxHealth>()?;
    module.add_class::<outbox_records::OutboxReceiver>()?;
    module.add_class::<outbox_records::Refused>()?;
    module.add_class::<outbox::Seal>()?;
    module.add_class::<password::PasswordQuestion>()?;
    module.add_class::<pending::Examination>()?;
    module.add_class::<pending::Pending>()?;
    module.add_class::<receiver::ClientCredentials>()?;
    module.add_class::<receiver::Dialect>()?;
    module.add_class::<receiver::Receiver>()?;
    module.add_class::<sets::DecodedSet>()?;
    module.add_class::<sets::Receipt>()?;
    module.add_class::<sets::SignedSet>()?;
    module.add_class::<sets::UnsignedSet>()?;
    module.add_class::<signer::Signer>()?;
    module.add_class::<streams::StreamApi>()?;
    module.add_class::<stream_calls::StreamCall>()?;
    module.add_class::<stream_calls::StreamSigning>()?;
    module.add_class::<transmitter::Counters>()?;
    module.add_class::<transmitter::Transmitter>()?;
    module.add_class::<worker::Question>()?;
    module.add_class::<worker::Running>()?;
    module.add_class::<worker::WorkerOptions>()?;
    module.add_function(wrap_pyfunction!(arguments::milliseconds, module)?)?;
    module.add_function(wrap_pyfunction!(arguments::nearest, module)?)?;
    module.add_function(wrap_pyfunction!(arguments::seconds, module)?)?;
    module.add_function(wrap_pyfunction!(conformance::check_configuration, module)?)?;
    module.add_function(wrap_pyfunction!(conformance::check_set, module)?)?;
    module.add_function(wrap_pyfunction!(conformance::check_token, module)?)?;
    module.add_function(wrap_pyfunction!(emission::check_event, module)?)?;
    module.add_function(wrap_pyfunction!(emission::check_subject, module)?)?;
    module.add_function(wrap_pyfunction!(lint::check_lint_policy, module)?)?;
    module.add_function(wrap_pyfunction!(lint::lint_jwks, module)?)?;
    module.add_function(wrap_pyfunction!(logging::enable_logging, module)?)?;
    module.add_function(wrap_pyfunction!(metadata::legacy_well_known_url, module)?)?;
    module.add_function(wrap_pyfunction!(metadata::well_known_url, module)?)?;
    module.add_function(wrap_pyfunction!(runtime::settle, module)?)?;
    module.add_function(wrap_pyfunction!(sets::prepare_set, module)?)?;
    module.add_function(wrap_pyfunction!(stream_arguments::generate_token, module)?)?;

    imports::fill(py)?;
    #[cfg(unix)]
    fork::watch()?;
    let leave = wrap_pyfunction!(attach::leave, module)?;
    py.import("atexit")?.call_method1("register", (leave,)).map(|_| ())
}
