//! What HTTP is spoken over: a socket that can be closed or reset within an answer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::line::{Cut, Line};

/// A socket, or something around one.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    fn tcp(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Socket for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// What HTTP is spoken over.
pub(super) struct Wire<S: Socket> {
    socket: S,
    line: Arc<Line>,
    /// This side was closed.
    ended: bool,
}

impl<S: Socket> Wire<S> {
    pub(super) fn new(socket: S, line: Arc<Line>) -> Self {
        Self { socket, line, ended: false }
    }

    /// How much of so many bytes may be written. At the end this side is closed, and what is left goes nowhere.
    fn poll_allowed(&mut self, context: &mut Context<'_>, length: usize) -> Poll<io::Result<usize>> {
        let left = self.line.left.load(Ordering::Relaxed);
        if left == 0 && !self.ended {
            ready!(Pin::new(&mut self.socket).poll_shutdown(context))?;
            self.ended = true;
        }
        Poll::Ready(Ok(usize::try_from(left).map_or(length, |left| left.min(length))))
    }
}

impl<S: Socket> Drop for Wire<S> {
    fn drop(&mut self) {
        if self.line.cut.get() == Some(&Cut::Reset) {
            // Without it there is only a close, which no sender will mistake for an answer either.
            let _ = self.socket.tcp().set_zero_linger();
        }
    }
}

impl<S: Socket> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
            if !self.ended || buffer.filled().len() == before {
                return Poll::Ready(Ok(()));
            }
            // Requests that could not be answered are not taken.
            buffer.set_filled(before);
        }
    }
}

impl<S: Socket> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !self.line.is_limited() {
            return Pin::new(&mut self.socket).poll_write(context, buffer);
        }
        let allowed = ready!(self.poll_allowed(context, buffer.len()))?;
        if allowed == 0 {
            return Poll::Ready(Ok(buffer.len()));
        }
        let written = ready!(Pin::new(&mut self.socket).poll_write(context, &buffer[..allowed]))?;
        self.line.left.fetch_sub(written as u64, Ordering::Relaxed);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if !self.line.is_limited() {
            return Pin::new(&mut self.socket).poll_write_vectored(context, buffers);
        }
        let first = buffers.iter().find(|buffer| !buffer.is_empty()).map_or(&[][..], |buffer| buffer);
        self.poll_write(context, first)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.socket).poll_flush(context))?;
        if self.line.is_limited() {
            ready!(self.poll_allowed(context, 0))?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ended {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
