//! A small service in the test's process that counts its requests, with metrics that the test
//! writes from the counts.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, Response, StatusCode, header};
use axum::middleware::{self, Next};
use axum::routing::{MethodFilter, get, on};
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use tokio::sync::Notify;

use crate::fake_server;

/// Number of requests by method, route and status.
pub type Counts = BTreeMap<(String, String, u16), u64>;

/// The response to a request for metrics.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Status of the response.
    pub status: u16,
    /// Header `content-type`.
    pub content_type: &'static str,
    /// Header `content-encoding`.
    pub content_encoding: Option<&'static str>,
    /// Body, which may be compressed.
    pub body: Vec<u8>,
}

impl Metrics {
    /// Text in Prometheus' format.
    pub fn text(body: impl Into<String>) -> Self {
        let content_type = "text/plain; version=0.0.4";
        Self { status: 200, content_type, content_encoding: None, body: body.into().into_bytes() }
    }
}

/// Body of every response. It has the fields that the sample's scenarios read.
const BODY: &str = r#"{"code":"ABC","id":"p1","players":1}"#;

/// Serves the endpoints of a catalogue, and metrics at `/metrics`. The endpoint `missing` responds
/// with 404. Returns the URL.
pub fn serve(catalogue: &Catalogue, missing: Option<Endpoint>, metrics: fn(&Counts) -> Metrics) -> String {
    let counts: Arc<Mutex<Counts>> = Arc::default();
    let counted = Arc::clone(&counts);
    let exposed = move || async move {
        let Metrics { status, content_type, content_encoding, body } = metrics(&counted.lock().unwrap());
        let response = Response::builder().status(status).header(header::CONTENT_TYPE, content_type);
        let response = content_encoding
            .into_iter()
            .fold(response, |response, encoding| response.header(header::CONTENT_ENCODING, encoding));
        response.body(Body::from(body)).unwrap()
    };
    let router = catalogue.endpoints.iter().fold(Router::new(), |router, endpoint| {
        let status = if missing == Some(*endpoint) { StatusCode::NOT_FOUND } else { StatusCode::OK };
        let method = MethodFilter::try_from(Method::from_bytes(endpoint.method.as_str().as_bytes()).unwrap()).unwrap();
        router.route(endpoint.path, on(method, move || async move { (status, BODY) }))
    });
    let router = router.route_layer(middleware::from_fn_with_state(counts, count)).route("/metrics", get(exposed));
    fake_server::serve(router, Arc::new(Notify::new()), Arc::default())
}

async fn count(State(counts): State<Arc<Mutex<Counts>>>, request: Request, next: Next) -> axum::response::Response {
    let method = request.method().to_string();
    let route = request.extensions().get::<MatchedPath>().unwrap().as_str().to_owned();
    let response = next.run(request).await;
    *counts.lock().unwrap().entry((method, route, response.status().as_u16())).or_default() += 1;
    response
}
