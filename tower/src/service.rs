//! The stream API as a service.

use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use http_body::Body;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use ssf_transmitter::stream::{Answer, Authentication, Begun, Call, Head, StreamApi};
use tower_service::Service;

/// How long a caller may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(10);
/// What the API reads of the headers.
const READ: [header::HeaderName; 3] = [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::IF_NONE_MATCH];

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Finds out who calls, from the headers of a request.
pub type AuthenticateFn = Arc<dyn Fn(HeaderMap) -> BoxFuture<Authentication> + Send + Sync>;

/// The stream API as a [`tower::Service`](Service). Cheap to clone.
///
/// A body is read only where the API needs it and the caller is permitted, up to the length that the API wants, and for ten seconds
/// at most.
#[derive(Clone)]
pub struct StreamService {
    api: StreamApi,
    authenticate: AuthenticateFn,
}

impl StreamService {
    /// Serves this API to callers that `authenticate` finds.
    pub fn new<F, A>(api: StreamApi, authenticate: F) -> Self
    where
        F: Fn(HeaderMap) -> A + Send + Sync + 'static,
        A: Future<Output = Authentication> + Send + 'static,
    {
        Self { api, authenticate: Arc::new(move |headers| Box::pin(authenticate(headers))) }
    }
}

impl<B> Service<Request<B>> for StreamService
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
            let mut head = Head::new(parts.method.as_str(), target);
            for name in READ {
                if let Some(value) = parts.headers.get(&name).and_then(|value| value.to_str().ok()) {
                    head = head.header(name.as_str(), value);
                }
            }
            let authentication = (service.authenticate)(parts.headers).await;
            let answer = match service.api.begin(&head, authentication) {
                Begun::Body(call) => respond(call, body).await,
                Begun::Answered(answer) => answer,
            };
            Ok(response(answer))
        })
    }
}

/// Reads the body, as far as the call wants it.
async fn respond<B>(call: Call, body: B) -> Answer
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if call.limit() == 0 {
        return call.respond(&[]).await;
    }
    let read = Limited::new(body, call.limit()).collect();
    match tokio::time::timeout(BODY_TIME, read).await {
        Ok(Ok(body)) => call.respond(&body.to_bytes()).await,
        Ok(Err(error)) if error.is::<LengthLimitError>() => call.too_long(),
        Ok(Err(_)) | Err(_) => call.too_slow(),
    }
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut builder = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        builder = builder.header(name, value);
    }
    let body = Full::new(Bytes::from(answer.into_body()));
    builder.body(body).unwrap_or_else(|_| {
        let mut broken = Response::new(Full::default());
        *broken.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        broken
    })
}

impl fmt::Debug for StreamService {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("StreamService").field("api", &self.api).finish_non_exhaustive()
    }
}
