//! A request, read to its end.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request};
use hyper::body::Incoming;

/// The largest body that is looked at.
const BODY_LIMIT: usize = 1024 * 1024;

/// The largest body that is read to its end. An answer before that end might not reach a sender that is busy
/// writing.
const READ_LIMIT: usize = 16 * BODY_LIMIT;

/// A request, read to its end.
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The body was larger than the limit; what is here of it is not for use.
    pub(crate) too_large: bool,
}

impl Received {
    pub(crate) async fn read(request: Request<Incoming>) -> Self {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(Body::new(body), READ_LIMIT).await;
        Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers,
            too_large: body.as_ref().map_or(true, |body| body.len() > BODY_LIMIT),
            body: body.unwrap_or_default(),
        }
    }
}
