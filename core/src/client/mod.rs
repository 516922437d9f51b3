//! The I/O shell: drives the engine with reqwest on tokio.

mod receiver;
mod tls;
mod transmitter;
mod transport;

pub use receiver::{Receiver, ReceiverBuilder};
pub use transmitter::{Emit, Transmitter, TransmitterBuilder};
