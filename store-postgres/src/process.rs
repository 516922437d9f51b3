//! Which process of the server a connection was made with.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    Client,
    tls::{ChannelBinding, TlsConnect, TlsStream},
};

/// The process that whoever accepted the connection has named (`BackendKeyData`): the server, or a pooler, which makes a number up.
///
/// tokio-postgres keeps it for requests to cancel. So one is written down here, and not sent.
pub(crate) async fn named(client: &Client) -> Option<i32> {
    let request = Note::default();
    let written = Arc::clone(&request.0);
    client.cancel_token().cancel_query_raw(request, Plain).await.ok()?;
    let written = written.lock().unwrap_or_else(PoisonError::into_inner);
    // It ends with the process and its key.
    let (process, _) = written.last_chunk::<8>()?.split_first_chunk::<4>()?;
    Some(i32::from_be_bytes(*process))
}

/// Keeps what is written to it.
#[derive(Default)]
struct Note(Arc<Mutex<Vec<u8>>>);

impl AsyncRead for Note {
    /// Whoever asks for TLS may have it.
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        buffer.put_slice(b"S");
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Note {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl TlsStream for Note {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

/// Encrypts nothing.
struct Plain;

impl TlsConnect<Note> for Plain {
    type Stream = Note;
    type Error = Infallible;
    type Future = Ready<Result<Note, Infallible>>;

    fn connect(self, note: Note) -> Self::Future {
        ready(Ok(note))
    }
}
