//! The stream API as a service.

use std::{
    convert::Infallible,
    fmt,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, request::Parts};
use http_body::Body;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use ssf_transmitter::stream::{Answer, Authentication, Begun, Call, Head, StreamApi};
use tower_service::Service;

/// How long a caller may take to send a body.
const BODY_TIME: Duration = Duration::from_secs(10);
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Finds out who calls, from the headers of a request.
pub type AuthenticateFn = Arc<dyn Fn(HeaderMap) -> BoxFuture<Authentication> + Send + Sync>;
/// Finds the address of the caller in a request.
type RemoteFn = Arc<dyn Fn(&Parts) -> Option<IpAddr> + Send + Sync>;

/// The stream API as a [`tower::Service`](Service). Cheap to clone.
///
/// A body is read only where the API needs it and the caller is permitted, up to the length that the API wants, and for ten seconds
/// at most.
#[derive(Clone)]
pub struct StreamService {
    api: StreamApi,
    /// Without it, the API does so itself.
    authenticate: Option<AuthenticateFn>,
    remote: Option<RemoteFn>,
}

impl StreamService {
    /// Serves this API to the callers that its [authenticator](ssf_transmitter::stream::StreamApiBuilder::authenticator) finds.
    pub fn of(api: StreamApi) -> Self {
        Self { api, authenticate: None, remote: None }
    }

    /// Serves this API to callers that `authenticate` finds.
    pub fn new<F, A>(api: StreamApi, authenticate: F) -> Self
    where
        F: Fn(HeaderMap) -> A + Send + Sync + 'static,
        A: Future<Output = Authentication> + Send + 'static,
    {
        let authenticate: AuthenticateFn = Arc::new(move |headers| Box::pin(authenticate(headers)));
        Self { api, authenticate: Some(authenticate), remote: None }
    }

    /// Sets where the address of the caller is in a request, so that the authenticator limits how many invalid tokens come from it. axum
    /// has it in the extension `ConnectInfo<SocketAddr>`. Behind a proxy, do not set it: all callers would have one address.
    #[must_use]
    pub fn with_remote(mut self, remote: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static) -> Self {
        self.remote = Some(Arc::new(remote));
        self
    }

    async fn admit(&self, head: Head, headers: HeaderMap) -> Begun {
        match &self.authenticate {
            Some(authenticate) => self.api.begin(&head, authenticate(headers).await),
            None => self.api.admit(&head).await,
        }
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
            for name in Head::READ {
                // What is not text is no valid value of any of them.
                for value in parts.headers.get_all(*name) {
                    head = head.header(*name, String::from_utf8_lossy(value.as_bytes()));
                }
            }
            if let Some(address) = service.remote.as_ref().and_then(|remote| remote(&parts)) {
                head = head.with_remote(address);
            }
            let answer = match service.admit(head, parts.headers).await {
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
