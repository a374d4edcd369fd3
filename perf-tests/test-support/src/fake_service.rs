//! A service for tests, on its own thread and a free port, that fails on demand.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::fake_server::serve;

#[derive(Default)]
struct ServiceState {
    requests: AtomicU64,
    fail_every: AtomicU64,
    failed: AtomicU64,
    die_after: AtomicU64,
    hang_after: AtomicU64,
    resumed: tokio::sync::Notify,
    fail_first: AtomicU64,
    connections: Arc<AtomicU64>,
    agents: Mutex<Vec<String>>,
    reliable_path: Mutex<Option<&'static str>>,
    bodies: Mutex<Vec<Vec<u8>>>,
    tokens: Mutex<Vec<String>>,
    stop: Arc<tokio::sync::Notify>,
}

/// A service that responds to `/ping` and echoes `/echo/{word}`.
pub struct Service {
    /// Its URL.
    pub url: String,
    state: Arc<ServiceState>,
}

impl Service {
    /// Starts it on a free port.
    pub fn start() -> Self {
        let state = Arc::new(ServiceState::default());
        let router = Router::new()
            .route("/ping", get(|| async { "pong" }))
            .route("/status/{status}", any(status))
            .route("/room", get(|| async { "room" }))
            .route("/setup", get(|| async { "ready" }))
            .route("/echo/{word}", post(echo))
            .layer(middleware::from_fn_with_state(state.clone(), count_and_fail))
            .with_state(state.clone());
        Self { url: serve(router.fallback(any(|| async { "" })), state.stop.clone(), state.connections.clone()), state }
    }

    /// Number of requests to its routes.
    pub fn requests(&self) -> u64 {
        self.state.requests.load(Ordering::Relaxed)
    }

    /// Responds with 500 to every nth request.
    pub fn fail_every(&self, nth: u64) {
        self.state.fail_every.store(nth, Ordering::Relaxed);
    }

    /// Number of requests that failed because of `fail_every`.
    pub fn failed(&self) -> u64 {
        self.state.failed.load(Ordering::Relaxed)
    }

    /// Closes its port and its connections at this number of requests.
    pub fn die_after(&self, requests: u64) {
        self.state.die_after.store(requests, Ordering::Relaxed);
    }

    /// Accepts later requests and does not respond until [`Self::resume`].
    pub fn hang_after(&self, requests: u64) {
        self.state.hang_after.store(requests, Ordering::Relaxed);
    }

    /// Responds to all requests again.
    pub fn resume(&self) {
        self.state.hang_after.store(0, Ordering::Relaxed);
        self.state.resumed.notify_waiters();
    }

    /// Responds with 500 to this number of requests.
    pub fn fail_first(&self, requests: u64) {
        self.state.fail_first.store(requests, Ordering::Relaxed);
    }

    /// Number of connections made to it.
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Each value of the header `user-agent` sent to its routes, once.
    pub fn agents(&self) -> Vec<String> {
        self.state.agents.lock().unwrap().clone()
    }

    /// A path whose requests do not fail.
    pub fn never_fail(&self, path: &'static str) {
        *self.state.reliable_path.lock().unwrap() = Some(path);
    }

    /// The bodies sent to `/echo/{word}`.
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.state.bodies.lock().unwrap().clone()
    }

    /// Each value of the header `authorization` that was sent, once.
    pub fn tokens(&self) -> Vec<String> {
        self.state.tokens.lock().unwrap().clone()
    }
}

async fn count_and_fail(State(state): State<Arc<ServiceState>>, request: Request, next: Next) -> Response {
    let number = state.requests.fetch_add(1, Ordering::Relaxed) + 1;
    if let Some(token) = request.headers().get("authorization") {
        let mut tokens = state.tokens.lock().unwrap();
        let token = token.to_str().unwrap().to_owned();
        if !tokens.contains(&token) {
            tokens.push(token);
        }
    }
    if let Some(agent) = request.headers().get("user-agent") {
        let (mut agents, agent) = (state.agents.lock().unwrap(), agent.to_str().unwrap().to_owned());
        if !agents.contains(&agent) {
            agents.push(agent);
        }
    }
    if number <= state.fail_first.load(Ordering::Relaxed) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let (every, last) = (state.fail_every.load(Ordering::Relaxed), state.die_after.load(Ordering::Relaxed));
    if last > 0 && number >= last {
        state.stop.notify_one();
    }
    // Created before the look at the limit, so that it misses no resumption.
    let resumed = state.resumed.notified();
    let hangs_after = state.hang_after.load(Ordering::Relaxed);
    if hangs_after > 0 && number > hangs_after {
        resumed.await;
    }
    let is_reliable = *state.reliable_path.lock().unwrap() == Some(request.uri().path());
    if every > 0 && number.is_multiple_of(every) && !is_reliable {
        state.failed.fetch_add(1, Ordering::Relaxed);
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    next.run(request).await
}

async fn echo(State(state): State<Arc<ServiceState>>, Path(path): Path<String>, body: Bytes) -> Response {
    state.bodies.lock().unwrap().push(body.to_vec());
    if path == "moved" {
        return Redirect::to("/ping").into_response();
    }
    let body: Value = serde_json::from_slice(&body).unwrap();
    Json(json!({ "path": path, "word": body["word"] })).into_response()
}

/// A response with the status of its path. A 304 has no body.
async fn status(Path(status): Path<u16>) -> Response {
    (StatusCode::from_u16(status).unwrap(), [("x-status", status.to_string())], format!("it is {status}"))
        .into_response()
}
