//! Bodies no honest receiver sends.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::Frame;
use tokio::time::Sleep;

/// The size of the pieces in which a large body is sent.
const PIECE: usize = 16 * 1024;

/// So many bytes of a body that is cut are announced, and do not come.
pub(crate) const MISSING: usize = 100;

/// The first half of it at once, the rest later. The headers do not wait.
pub(crate) fn in_two(mut body: Bytes, delay: Duration) -> Body {
    let first = body.split_to(body.len() / 2);
    Body::new(InTwo { first, rest: Some(body), delay: Box::pin(tokio::time::sleep(delay)) })
}

/// So many bytes that mean nothing. The length is not announced, so that a sender has to count.
pub(crate) fn huge(bytes: u64) -> Body {
    Body::new(Huge { left: bytes, piece: Bytes::from(vec![b'a'; PIECE]) })
}

/// All of it, and then an error where the rest is expected.
pub(crate) fn cut(body: Bytes) -> Body {
    Body::new(Part { body: Some(body), then: Then::Flush })
}

/// All of it, and no end.
pub(crate) fn open(body: Bytes) -> Body {
    Body::new(Part { body: Some(body), then: Then::Wait })
}

struct Part {
    body: Option<Bytes>,
    then: Then,
}

/// What comes after the body.
#[derive(Clone, Copy)]
enum Then {
    /// An error, once what was said before is on the wire.
    Flush,
    Fail,
    Wait,
}

impl hyper::body::Body for Part {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match (self.body.take(), self.then) {
            (Some(body), _) => Poll::Ready(Some(Ok(Frame::data(body)))),
            (None, Then::Flush) => {
                self.then = Then::Fail;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            (None, Then::Fail) => Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into()))),
            // Nobody is woken for more: the other side gives up.
            (None, Then::Wait) => Poll::Pending,
        }
    }
}

struct InTwo {
    first: Bytes,
    /// What is left, even if that is nothing.
    rest: Option<Bytes>,
    delay: Pin<Box<Sleep>>,
}

impl hyper::body::Body for InTwo {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.first)))));
        }
        if self.rest.is_some() {
            ready!(self.delay.as_mut().poll(context));
        }
        let rest = self.rest.take().filter(|rest| !rest.is_empty());
        Poll::Ready(rest.map(|rest| Ok(Frame::data(rest))))
    }
}

struct Huge {
    left: u64,
    piece: Bytes,
}

impl hyper::body::Body for Huge {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let length = usize::try_from(self.left).map_or(PIECE, |left| left.min(PIECE));
        if length == 0 {
            return Poll::Ready(None);
        }
        self.left -= length as u64;
        let piece = self.piece.slice(..length);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}
