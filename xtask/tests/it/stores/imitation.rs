//! A server in front of a Prometheus that behaves like another store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use test_support::fake_server::serve;

/// The differences from Prometheus.
#[derive(Clone, Copy)]
pub(super) struct Behavior {
    /// A header without which every response is 401.
    pub(super) header: Option<(&'static str, &'static str)>,
    /// The status of responses to remote write 2.0, of which nothing is stored. `None` accepts it.
    pub(super) response_to_v2: Option<u16>,
    /// Responds to every third push and every twentieth query with 429.
    pub(super) limits_requests: bool,
    /// Responds to queries at another port than to pushes.
    pub(super) has_own_query_port: bool,
}

impl Behavior {
    pub(super) const NONE: Self =
        Self { header: None, response_to_v2: None, limits_requests: false, has_own_query_port: false };
}

/// The numbers of responses in which the imitated behavior showed.
#[derive(Default)]
struct Tally {
    pushes: AtomicU64,
    older: AtomicU64,
    refused: AtomicU64,
    queries: AtomicU64,
}

#[derive(Clone)]
struct Server {
    behavior: Behavior,
    prometheus: String,
    push: &'static str,
    queries: &'static str,
    accepts: [bool; 2],
    tally: Arc<Tally>,
    http: reqwest::Client,
}

/// A running imitation.
pub(super) struct Imitation {
    pub(super) push_url: String,
    pub(super) query_url: String,
    behavior: Behavior,
    tally: Arc<Tally>,
}

impl Imitation {
    /// Starts it in front of the Prometheus at a URL. `push` and `queries` are paths.
    pub(super) fn start(behavior: Behavior, prometheus: String, push: &'static str, queries: &'static str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tally = Arc::<Tally>::default();
        let start = |accepts: [bool; 2]| {
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            let (push, _) = push.split_once('?').unwrap_or((push, ""));
            let prometheus = prometheus.clone();
            let server = Server { behavior, prometheus, push, queries, accepts, tally: Arc::clone(&tally), http };
            serve(Router::new().fallback(respond).with_state(server), Arc::default(), Arc::default())
        };
        let (push_url, query_url) = if behavior.has_own_query_port {
            (start([true, false]), start([false, true]))
        } else {
            let url = start([true; 2]);
            (url.clone(), url)
        };
        Self { push_url, query_url, behavior, tally }
    }

    /// Checks that the run met the imitated behavior.
    pub(super) fn check_that_it_behaved(&self, name: &str) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        assert!(read(&self.tally.pushes) > 2 && read(&self.tally.queries) > 10, "{name} was not used");
        assert_eq!(read(&self.tally.older) > 0, self.behavior.response_to_v2.is_some(), "{name}: remote write 2.0");
        assert_eq!(read(&self.tally.refused) > 0, self.behavior.limits_requests, "{name}: 429");
    }
}

async fn respond(State(server): State<Server>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 64 << 20).await.unwrap();
    if let Some((header, value)) = server.behavior.header
        && head.headers.get(header).is_none_or(|given| given != value)
    {
        return (StatusCode::UNAUTHORIZED, "no org id").into_response();
    }
    if head.uri.path() == server.push && server.accepts[0] {
        let is_v2 = head.headers["content-type"].to_str().unwrap().contains("v2");
        return server.accept(is_v2, body).await;
    }
    match head.uri.path().strip_prefix(server.queries) {
        Some(path) if server.accepts[1] && path.starts_with("/api/v1/") => server.respond(path, &head.uri).await,
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

impl Server {
    async fn accept(&self, is_v2: bool, body: Bytes) -> Response {
        if is_v2 && let Some(status) = self.behavior.response_to_v2 {
            self.tally.older.fetch_add(1, Ordering::Relaxed);
            let written = [("x-prometheus-remote-write-samples-written", "0")];
            return (StatusCode::from_u16(status).unwrap(), written).into_response();
        }
        let pushes = self.tally.pushes.fetch_add(1, Ordering::Relaxed) + 1;
        if self.behavior.limits_requests && pushes.is_multiple_of(3) {
            self.tally.refused.fetch_add(1, Ordering::Relaxed);
            return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]).into_response();
        }
        let version = if is_v2 { ";proto=io.prometheus.write.v2.Request" } else { "" };
        let push = self.http.post(format!("{}/api/v1/write", self.prometheus)).body(body);
        let push = push.header("content-encoding", "snappy").header("user-agent", "imitation");
        let push = push.header("x-prometheus-remote-write-version", if is_v2 { "2.0.0" } else { "0.1.0" });
        let response = push.header("content-type", format!("application/x-protobuf{version}")).send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let mut relayed = Response::builder().status(status).body(Body::from(response.bytes().await.unwrap())).unwrap();
        for (name, value) in headers.iter().filter(|(name, _)| name.as_str().ends_with("-written")) {
            relayed.headers_mut().insert(name, value.clone());
        }
        relayed
    }

    async fn respond(&self, path: &str, uri: &Uri) -> Response {
        let queries = self.tally.queries.fetch_add(1, Ordering::Relaxed) + 1;
        if self.behavior.limits_requests && queries.is_multiple_of(20) {
            return StatusCode::TOO_MANY_REQUESTS.into_response();
        }
        let url = format!("{}{path}?{}", self.prometheus, uri.query().unwrap_or_default());
        let response = self.http.get(url).send().await.unwrap();
        let (status, body) = (response.status(), response.bytes().await.unwrap());
        (status, [("content-type", "application/json")], body).into_response()
    }
}
