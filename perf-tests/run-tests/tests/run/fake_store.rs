//! A store for tests, on its own thread and a free port. It supports either version of remote write
//! and fails on demand.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use perf_tests::remote_write::wire_v1::{Histogram, WriteRequest};
use perf_tests::remote_write::wire_v2;
use prost::Message as _;
use test_support::fake_server::serve;

use queries::{query, series, values};

mod queries;

/// Samples of a series: value and time.
type Samples = Vec<(f64, i64)>;
/// Value of an expression at a time in seconds since 1970.
type ScrapedValue = Box<dyn Fn(f64) -> f64 + Send>;

#[derive(Default)]
struct StoreState {
    series: Mutex<BTreeMap<String, Samples>>,
    status: AtomicU64,
    failing_pushes: AtomicU64,
    lost_responses: AtomicU64,
    has_every_testid: Mutex<bool>,
    falsified: Mutex<Option<&'static str>>,
    scraped: Mutex<BTreeMap<String, ScrapedValue>>,
    required_header: Mutex<Option<(&'static str, &'static str)>>,
    support: Mutex<ProtocolSupport>,
    requests: Mutex<Vec<PushRecord>>,
    rejected: Mutex<Vec<&'static str>>,
    rejections_left: AtomicU64,
    recovers_below: AtomicU64,
    delay: Mutex<Duration>,
    retry_after: AtomicU64,
    natives: Mutex<BTreeMap<String, Histogram>>,
    lateness: Mutex<Duration>,
    needs_no_cache: Mutex<bool>,
}

/// A store's response to version 2.0 of the protocol.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ProtocolSupport {
    #[default]
    V2,
    /// It checks the content type and rejects it: 415.
    V1UnsupportedMediaType,
    /// It reads the body as 1.0, finds no known field, and reports success: 204.
    V1NoContent,
    /// It reports success and that it has written nothing: 200.
    WritesNothing,
    /// It reads the body first and cannot parse it: 400.
    V1BadRequest,
    /// It reads the body first and reports an error of its own: 500.
    V1ServerError,
}

/// A push request.
#[derive(Clone, Debug)]
pub(crate) struct PushRecord {
    pub(crate) version: String,
    pub(crate) series: usize,
    pub(crate) attempt: String,
    pub(crate) at: std::time::Instant,
}

/// A store that accepts remote write and responds to queries for sums of the stored values.
pub(crate) struct Store {
    pub(crate) url: String,
    state: Arc<StoreState>,
}

impl Store {
    pub(crate) fn start() -> Self {
        let state = Arc::new(StoreState::default());
        let router = Router::new()
            .route("/api/v1/write", post(write))
            .route("/api/v1/query", get(query))
            .route("/api/v1/series", get(series))
            .layer(middleware::from_fn_with_state(state.clone(), check_header))
            .with_state(state.clone());
        Self { url: serve(router, Arc::default(), Arc::default()), state }
    }

    pub(crate) fn respond_with(&self, status: u16) {
        self.state.status.store(status.into(), Ordering::Relaxed);
    }

    /// Responds to the next pushes with 503.
    pub(crate) fn fail_pushes(&self, pushes: u64) {
        self.state.failing_pushes.store(pushes, Ordering::Relaxed);
    }

    /// Stores this many pushes after the first, and responds with 503.
    pub(crate) fn lose_responses(&self, pushes: u64) {
        self.state.lost_responses.store(pushes, Ordering::Relaxed);
    }

    /// Responds with 401 to requests without this header.
    pub(crate) fn require_header(&self, header: &'static str, value: &'static str) {
        *self.state.required_header.lock().unwrap() = Some((header, value));
    }

    pub(crate) fn set_support(&self, support: ProtocolSupport) {
        *self.state.support.lock().unwrap() = support;
    }

    /// Rejects every series whose labels contain this text.
    pub(crate) fn reject_series(&self, text: &'static str) {
        self.state.rejected.lock().unwrap().push(text);
    }

    /// At this number of rejections of a single series, becomes unavailable once, and then accepts
    /// everything.
    pub(crate) fn recover_after(&self, refusals: u64) {
        self.state.rejections_left.store(refusals, Ordering::Relaxed);
    }

    /// Accepts everything after the first rejected request with fewer series than this.
    pub(crate) fn recover_below(&self, series: u64) {
        self.state.recovers_below.store(series, Ordering::Relaxed);
    }

    /// Waits this long before it responds to a push.
    pub(crate) fn delay_responses(&self, time: Duration) {
        *self.state.delay.lock().unwrap() = time;
    }

    /// Sends this `Retry-After`, in seconds, while it is unavailable.
    pub(crate) fn send_retry_after(&self, seconds: u64) {
        self.state.retry_after.store(seconds, Ordering::Relaxed);
    }

    /// Responds to queries as of this long ago, like a store that shows samples late.
    pub(crate) fn respond_late(&self, by: Duration) {
        *self.state.lateness.lock().unwrap() = by;
    }

    /// Responds to queries as of an hour ago, unless they have nocache=1. VictoriaMetrics does so,
    /// as of 30 s ago.
    pub(crate) fn need_no_cache(&self) {
        *self.state.needs_no_cache.lock().unwrap() = true;
    }

    /// All requests that were received.
    pub(crate) fn requests(&self) -> Vec<PushRecord> {
        self.state.requests.lock().unwrap().clone()
    }

    /// The last native histogram of each series.
    pub(crate) fn natives(&self) -> BTreeMap<String, Histogram> {
        self.state.natives.lock().unwrap().clone()
    }

    pub(crate) fn report_every_testid(&self) {
        *self.state.has_every_testid.lock().unwrap() = true;
    }

    pub(crate) fn falsify(&self, name: &'static str) {
        *self.state.falsified.lock().unwrap() = Some(name);
    }

    /// Returns this value for queries that contain this expression, as if it had scraped it.
    pub(crate) fn scraped(&self, expr: &str, value: f64) {
        self.scraped_at_times(expr, move |_| value);
    }

    /// Returns a value by the query's time for queries that contain this expression.
    pub(crate) fn scraped_at_times(&self, expr: &str, value: impl Fn(f64) -> f64 + Send + 'static) {
        self.state.scraped.lock().unwrap().insert(expr.to_owned(), Box::new(value));
    }

    /// All series, by their labels in one text.
    pub(crate) fn series(&self) -> BTreeMap<String, Samples> {
        self.state.series.lock().unwrap().clone()
    }

    /// The sum of the last values of all series with this name.
    pub(crate) fn last_sum(&self, name: &str) -> f64 {
        values(&self.state.series.lock().unwrap(), name, i64::MAX, &[]).iter().sum()
    }
}

async fn check_header(State(state): State<Arc<StoreState>>, request: Request, next: Next) -> Response {
    let required = *state.required_header.lock().unwrap();
    match required {
        Some((header, value)) if request.headers().get(header).is_none_or(|given| given != value) => {
            StatusCode::UNAUTHORIZED.into_response()
        }
        _ => next.run(request).await,
    }
}

/// A series of a request of either version.
struct ReceivedSeries {
    labels: String,
    samples: Vec<(f64, i64)>,
    histograms: Vec<Histogram>,
}

fn decode_v1(bytes: &[u8]) -> Vec<ReceivedSeries> {
    let request = WriteRequest::decode(bytes).unwrap();
    let received = request.timeseries.into_iter().map(|series| ReceivedSeries {
        labels: series.labels.iter().map(|label| format!("{}={},", label.name, label.value)).collect(),
        samples: series.samples.iter().map(|sample| (sample.value, sample.timestamp)).collect(),
        histograms: series.histograms,
    });
    received.collect()
}

fn decode_v2(bytes: &[u8]) -> Vec<ReceivedSeries> {
    let request = wire_v2::Request::decode(bytes).unwrap();
    assert_eq!(request.symbols[0], "");
    let text = |number: u32| &request.symbols[number as usize];
    let received = request.timeseries.iter().map(|series| ReceivedSeries {
        labels: series.labels_refs.chunks(2).map(|pair| format!("{}={},", text(pair[0]), text(pair[1]))).collect(),
        samples: series.samples.iter().map(|sample| (sample.value, sample.timestamp)).collect(),
        histograms: series.histograms.clone(),
    });
    received.collect()
}

async fn write(State(state): State<Arc<StoreState>>, headers: HeaderMap, body: Bytes) -> Response {
    assert_eq!(headers["content-encoding"], "snappy");
    let header = |name: &str| headers.get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned());
    let version = header("x-prometheus-remote-write-version");
    let is_v2 = match header("content-type").as_str() {
        "application/x-protobuf" => false,
        "application/x-protobuf;proto=io.prometheus.write.v2.Request" => true,
        other => panic!("{other}"),
    };
    assert_eq!(version, if is_v2 { "2.0.0" } else { "0.1.0" });
    let bytes = snap::raw::Decoder::new().decompress_vec(&body).unwrap();
    let received = if is_v2 { decode_v2(&bytes) } else { decode_v1(&bytes) };
    if received.is_empty() {
        // The check before a run. The record and the counters are for pushes.
        return match state.status.load(Ordering::Relaxed) {
            0 => StatusCode::NO_CONTENT.into_response(),
            status => StatusCode::from_u16(status.try_into().unwrap()).unwrap().into_response(),
        };
    }
    #[expect(clippy::disallowed_methods, reason = "a test's own clock")]
    let (at, attempt) = (std::time::Instant::now(), header("retry-attempt"));
    state.requests.lock().unwrap().push(PushRecord { version, series: received.len(), attempt, at });
    let delay = *state.delay.lock().unwrap();
    tokio::time::sleep(delay).await;
    let support = *state.support.lock().unwrap();
    if is_v2 && support != ProtocolSupport::V2 {
        return support.response_to_v2();
    }
    store_series(&state, received, is_v2)
}

impl ProtocolSupport {
    /// The response to a request of version 2.0.
    fn response_to_v2(self) -> Response {
        match self {
            Self::V1UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response(),
            Self::V2 | Self::V1NoContent => StatusCode::NO_CONTENT.into_response(),
            Self::WritesNothing => [("x-prometheus-remote-write-samples-written", "0")].into_response(),
            Self::V1BadRequest => (StatusCode::BAD_REQUEST, "no such field").into_response(),
            Self::V1ServerError => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

fn store_series(state: &StoreState, received: Vec<ReceivedSeries>, is_v2: bool) -> Response {
    let status = state.status.load(Ordering::Relaxed);
    let one_less = |left: u64| left.checked_sub(1);
    if state.failing_pushes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
        let seconds = state.retry_after.load(Ordering::Relaxed).to_string();
        return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", seconds)], "unavailable").into_response();
    }
    if status != 0 {
        return (StatusCode::from_u16(status.try_into().unwrap()).unwrap(), "no\n\u{1b}[31m").into_response();
    }
    let matches = |text: &&str| received.iter().any(|series| series.labels.contains(*text));
    let is_rejected = state.rejected.lock().unwrap().iter().any(matches);
    if is_rejected && received.len() == 1 && state.rejections_left.load(Ordering::Relaxed) > 0 {
        state.rejections_left.fetch_sub(1, Ordering::Relaxed);
        if state.rejections_left.load(Ordering::Relaxed) == 0 {
            state.rejected.lock().unwrap().clear();
            return (StatusCode::SERVICE_UNAVAILABLE, "unavailable").into_response();
        }
    }
    if is_rejected && (received.len() as u64) < state.recovers_below.load(Ordering::Relaxed) {
        state.rejected.lock().unwrap().clear();
    } else if is_rejected {
        return (StatusCode::BAD_REQUEST, "bad series in request").into_response();
    }
    let mut stored = state.series.lock().unwrap();
    let mut after = stored.clone();
    let (mut samples, mut histograms) = (0, 0);
    for series in received {
        samples += series.samples.len();
        histograms += series.histograms.len();
        if let Some(last) = series.histograms.last() {
            state.natives.lock().unwrap().insert(series.labels, last.clone());
            continue;
        }
        let known = after.entry(series.labels).or_default();
        for (value, timestamp) in series.samples {
            // Like Prometheus: an identical sample is accepted, and any other sample that is not
            // newer rejects the whole request.
            match known.last() {
                Some(&(other, time)) if time == timestamp && value.to_bits() == other.to_bits() => {}
                Some(&(_, time)) if time >= timestamp => {
                    return (StatusCode::BAD_REQUEST, "out of order sample").into_response();
                }
                _ => known.push((value, timestamp)),
            }
        }
    }
    let first = stored.is_empty();
    *stored = after;
    if !first && state.lost_responses.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
        let seconds = state.retry_after.load(Ordering::Relaxed).to_string();
        return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", seconds)], "lost").into_response();
    }
    if !is_v2 {
        return StatusCode::NO_CONTENT.into_response();
    }
    let written = [
        ("x-prometheus-remote-write-samples-written", samples.to_string()),
        ("x-prometheus-remote-write-histograms-written", histograms.to_string()),
    ];
    (StatusCode::NO_CONTENT, written).into_response()
}
