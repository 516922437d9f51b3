//! The I/O shell: drives the engine with reqwest on tokio.

mod authorization;
mod counters;
mod deliver;
mod doctor;
mod drive;
mod emit;
mod emit_all;
mod guard;
mod handshake;
mod okta;
mod outbox;
mod pem;
mod pending;
mod proxy;
mod receiver;
mod resolver;
mod source_address;
mod tls;
mod tls_failure;
mod transmitter;
mod transport;
mod trust;
mod tunnel;

pub use counters::Counters;
pub use deliver::Deliver;
pub use doctor::{Check, Diagnosis, Doctor, Examination, Outcome};
pub use emit::Emit;
pub use emit_all::{EmitAll, Emitted, Progress, RequestLimit};
pub use okta::{LogPager, OktaProviders, OktaProvidersBuilder, Received};
pub use outbox::{MemoryOutbox, Outbox, Settlement, Waiting};
pub use pending::Pending;
pub use receiver::{Receiver, ReceiverBuilder};
pub use transmitter::{Transmitter, TransmitterBuilder};
