//! What is at which path of the page.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse as _, Response},
    routing::{get, post},
};
use ssf_emulator::Arrivals;
use tokio::{net::TcpListener, sync::watch};

use super::{
    events,
    gate::{self, Gate},
    switch::Switch,
    view::View,
};

/// A script of faults is at most that long.
const SCRIPT_LIMIT: usize = 64 * 1024;

/// What all requests share.
pub(super) struct Shared {
    pub(super) gate: Gate,
    pub(super) view: View,
    pub(super) arrivals: Arrivals,
    pub(super) switch: Switch,
    pub(super) stopped: watch::Receiver<bool>,
}

/// Serves the page until it is stopped.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut stopped = shared.stopped.clone();
    let router = Router::new()
        .route("/", get(|| async { Html(include_str!("page.html")) }))
        .route("/page.css", get(async || file("text/css; charset=utf-8", include_str!("page.css"))))
        .route("/page.js", get(async || file("text/javascript; charset=utf-8", include_str!("page.js"))))
        .route("/detail.js", get(async || file("text/javascript; charset=utf-8", include_str!("detail.js"))))
        .route("/events", get(follow))
        .route("/faults", post(switch))
        .layer(DefaultBodyLimit::max(SCRIPT_LIMIT))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guarded))
        .with_state(shared);
    let stopped = async move {
        // The sender lives as long as the page.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    // It fails only where the listener does, and then nobody is left to tell.
    let _ = axum::serve(listener, router).with_graceful_shutdown(stopped).await;
}

async fn guarded(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let mut answer = match shared.gate.admit(&request) {
        None => next.run(request).await,
        Some(answer) => answer,
    };
    gate::protect(answer.headers_mut());
    answer
}

fn file(media_type: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, media_type)], text).into_response()
}

/// What arrives from now on, after what the reader has already.
async fn follow(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let body = Body::new(events::feed(shared, last.unwrap_or_default()));
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// Switches to the script in the body.
async fn switch(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let script = String::from_utf8_lossy(&body);
    match shared.switch.to(&script) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}
