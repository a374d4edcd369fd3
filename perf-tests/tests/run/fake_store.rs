//! A store for tests, on a thread and a free port of its own, that speaks either version of remote write and fails on demand.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use perf_tests::remote_write::wire_v1::{Histogram, WriteRequest};
use perf_tests::remote_write::wire_v2;
use prost::Message as _;
use serde_json::{Value, json};
use test_support::fake_server::serve;

/// A series' samples: value and time.
type Samples = Vec<(f64, i64)>;

#[derive(Default)]
struct StoreState {
    series: Mutex<BTreeMap<String, Samples>>,
    status: AtomicU64,
    away: AtomicU64,
    lost_answers: AtomicU64,
    has_all: Mutex<bool>,
    lies_about: Mutex<Option<&'static str>>,
    scraped: Mutex<BTreeMap<String, f64>>,
    wants: Mutex<Option<(&'static str, &'static str)>>,
    speaks: Mutex<Speaks>,
    requests: Mutex<Vec<Pushed>>,
    spoiled: Mutex<Vec<&'static str>>,
    patience: AtomicU64,
    recovers_below: AtomicU64,
    slowness: Mutex<Duration>,
    retry_after: AtomicU64,
    natives: Mutex<BTreeMap<String, Histogram>>,
}

/// What a store makes of version 2.0 of the protocol.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Speaks {
    #[default]
    Two,
    /// It looks at the content type, and refuses.
    OneAndSaysSo,
    /// It reads the body as 1.0, finds nothing in it that it knows, and thanks for it.
    OneUnawares,
    /// It looks at the body first.
    OneAndIsConfused,
    /// And takes what it reads there for a fault of its own.
    OneAndFails,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Pushed {
    pub(crate) version: String,
    pub(crate) series: usize,
    pub(crate) attempt: String,
    pub(crate) at: std::time::Instant,
}

/// A store that takes remote write and answers sums of what it took.
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
            .layer(middleware::from_fn_with_state(state.clone(), guarded))
            .with_state(state.clone());
        Self { url: serve(router, Arc::default(), Arc::default()), state }
    }

    pub(crate) fn answer(&self, status: u16) {
        self.state.status.store(status.into(), Ordering::Relaxed);
    }

    /// Answers the next pushes with 503.
    pub(crate) fn away_for(&self, pushes: u64) {
        self.state.away.store(pushes, Ordering::Relaxed);
    }

    /// Takes the pushes after the first, so many of them, and answers as if it had not.
    pub(crate) fn lose_answers(&self, pushes: u64) {
        self.state.lost_answers.store(pushes, Ordering::Relaxed);
    }

    /// Answers 401 to whatever comes without that header.
    pub(crate) fn wants(&self, header: &'static str, value: &'static str) {
        *self.state.wants.lock().unwrap() = Some((header, value));
    }

    pub(crate) fn speaks(&self, speaks: Speaks) {
        *self.state.speaks.lock().unwrap() = speaks;
    }

    /// Refuses every series whose labels hold that text.
    pub(crate) fn spoil(&self, text: &'static str) {
        self.state.spoiled.lock().unwrap().push(text);
    }

    /// With so many refusals of a series by itself it goes away instead, once, and takes everything then.
    pub(crate) fn recover_after(&self, refusals: u64) {
        self.state.patience.store(refusals, Ordering::Relaxed);
    }

    /// Takes everything from the first request on in which it would refuse something and that has fewer series than so many.
    pub(crate) fn recover_below(&self, series: u64) {
        self.state.recovers_below.store(series, Ordering::Relaxed);
    }

    /// Thinks for so long before it answers a push.
    pub(crate) fn takes_for_an_answer(&self, time: Duration) {
        *self.state.slowness.lock().unwrap() = time;
    }

    /// Asks to be left alone for so many seconds when it is away.
    pub(crate) fn ask_for(&self, seconds: u64) {
        self.state.retry_after.store(seconds, Ordering::Relaxed);
    }

    /// All requests that came.
    pub(crate) fn requests(&self) -> Vec<Pushed> {
        self.state.requests.lock().unwrap().clone()
    }

    /// The last native histogram of each series.
    pub(crate) fn natives(&self) -> BTreeMap<String, Histogram> {
        self.state.natives.lock().unwrap().clone()
    }

    pub(crate) fn has_every_testid(&self) {
        *self.state.has_all.lock().unwrap() = true;
    }

    pub(crate) fn lie_about(&self, name: &'static str) {
        *self.state.lies_about.lock().unwrap() = Some(name);
    }

    /// Answers that expression with that value, as if it had scraped it.
    pub(crate) fn scraped(&self, expr: &str, value: f64) {
        self.state.scraped.lock().unwrap().insert(expr.to_owned(), value);
    }

    /// All series, by their labels in one text.
    pub(crate) fn series(&self) -> BTreeMap<String, Samples> {
        self.state.series.lock().unwrap().clone()
    }

    /// The sum over all series of that name of their last value.
    pub(crate) fn last_sum(&self, name: &str) -> f64 {
        sum(&self.state.series.lock().unwrap(), name, &[])
    }
}

async fn guarded(State(state): State<Arc<StoreState>>, request: Request, next: Next) -> Response {
    let wants = *state.wants.lock().unwrap();
    match wants {
        Some((header, value)) if request.headers().get(header).is_none_or(|given| given != value) => {
            StatusCode::UNAUTHORIZED.into_response()
        }
        _ => next.run(request).await,
    }
}

fn sum(series: &BTreeMap<String, Samples>, name: &str, matchers: &[(String, bool)]) -> f64 {
    let named = |labels: &str| {
        let labels = format!(",{labels}");
        labels.contains(&format!(",__name__={name},"))
            && matchers.iter().all(|(label, wanted)| labels.contains(&format!(",{label},")) == *wanted)
    };
    let last = |samples: &Samples| samples.iter().rev().map(|sample| sample.0).find(|value| !value.is_nan());
    series.iter().filter(|(labels, _)| named(labels)).filter_map(|(_, samples)| last(samples)).sum()
}

/// A series of a request, whatever version it came in.
struct Received {
    labels: String,
    samples: Vec<(f64, i64)>,
    histograms: Vec<Histogram>,
}

fn of_one(bytes: &[u8]) -> Vec<Received> {
    let request = WriteRequest::decode(bytes).unwrap();
    let received = request.timeseries.into_iter().map(|series| Received {
        labels: series.labels.iter().map(|label| format!("{}={},", label.name, label.value)).collect(),
        samples: series.samples.iter().map(|sample| (sample.value, sample.timestamp)).collect(),
        histograms: series.histograms,
    });
    received.collect()
}

fn of_two(bytes: &[u8]) -> Vec<Received> {
    let request = wire_v2::Request::decode(bytes).unwrap();
    assert_eq!(request.symbols[0], "");
    let text = |number: u32| &request.symbols[number as usize];
    let received = request.timeseries.iter().map(|series| Received {
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
    let is_two = match header("content-type").as_str() {
        "application/x-protobuf" => false,
        "application/x-protobuf;proto=io.prometheus.write.v2.Request" => true,
        other => panic!("{other}"),
    };
    assert_eq!(version, if is_two { "2.0.0" } else { "0.1.0" });
    let bytes = snap::raw::Decoder::new().decompress_vec(&body).unwrap();
    let received = if is_two { of_two(&bytes) } else { of_one(&bytes) };
    #[expect(clippy::disallowed_methods, reason = "a test's own clock")]
    let (at, attempt) = (std::time::Instant::now(), header("retry-attempt"));
    state.requests.lock().unwrap().push(Pushed { version, series: received.len(), attempt, at });
    let slowness = *state.slowness.lock().unwrap();
    tokio::time::sleep(slowness).await;
    let speaks = *state.speaks.lock().unwrap();
    if is_two && speaks != Speaks::Two {
        return speaks.not();
    }
    take(&state, received, is_two)
}

impl Speaks {
    /// What a store of that kind makes of a request that it does not understand.
    fn not(self) -> Response {
        match self {
            Self::OneAndSaysSo => StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response(),
            Self::Two | Self::OneUnawares => StatusCode::NO_CONTENT.into_response(),
            Self::OneAndIsConfused => (StatusCode::BAD_REQUEST, "no such field").into_response(),
            Self::OneAndFails => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

fn take(state: &StoreState, received: Vec<Received>, is_two: bool) -> Response {
    let status = state.status.load(Ordering::Relaxed);
    let one_less = |left: u64| left.checked_sub(1);
    if state.away.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
        let seconds = state.retry_after.load(Ordering::Relaxed).to_string();
        return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", seconds)], "away").into_response();
    }
    if status != 0 {
        return (StatusCode::from_u16(status.try_into().unwrap()).unwrap(), "no\n\u{1b}[31m").into_response();
    }
    let is_about = |text: &&str| received.iter().any(|series| series.labels.contains(*text));
    let is_spoiled = state.spoiled.lock().unwrap().iter().any(is_about);
    if is_spoiled && received.len() == 1 && state.patience.load(Ordering::Relaxed) > 0 {
        state.patience.fetch_sub(1, Ordering::Relaxed);
        if state.patience.load(Ordering::Relaxed) == 0 {
            state.spoiled.lock().unwrap().clear();
            return (StatusCode::SERVICE_UNAVAILABLE, "away").into_response();
        }
    }
    if is_spoiled && (received.len() as u64) < state.recovers_below.load(Ordering::Relaxed) {
        state.spoiled.lock().unwrap().clear();
    } else if is_spoiled {
        return (StatusCode::BAD_REQUEST, "there is something in it").into_response();
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
            // As Prometheus does it: the same again is fine, anything else that is not newer spoils the whole request.
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
    if !first && state.lost_answers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
        return (StatusCode::SERVICE_UNAVAILABLE, "lost").into_response();
    }
    if !is_two {
        return StatusCode::NO_CONTENT.into_response();
    }
    let written = [
        ("x-prometheus-remote-write-samples-written", samples.to_string()),
        ("x-prometheus-remote-write-histograms-written", histograms.to_string()),
    ];
    (StatusCode::NO_CONTENT, written).into_response()
}

async fn series(State(state): State<Arc<StoreState>>) -> Json<Value> {
    let any: Vec<Value> = if *state.has_all.lock().unwrap() { vec![json!({ "testid": "x" })] } else { Vec::new() };
    Json(json!({ "status": "success", "data": any }))
}

/// A label and its value, `a=b`, and whether series are to have it, from `a="b` or `a!="b`.
fn matcher(text: &str) -> (String, bool) {
    let text = text.trim_end_matches('"');
    match text.split_once("!=\"") {
        Some((label, value)) => (format!("{label}={value}"), false),
        None => (text.replacen("=\"", "=", 1), true),
    }
}

/// Answers `sum(name{…})` and the difference of two such sums, which is all that a read-back asks; and what was scraped.
async fn query(State(state): State<Arc<StoreState>>, Query(asked): Query<BTreeMap<String, String>>) -> Json<Value> {
    let answer = |value: &[f64]| {
        let points: Vec<_> =
            value.iter().map(|value| json!({ "metric": {}, "value": [0.0, value.to_string()] })).collect();
        Json(json!({ "status": "success", "data": { "result": points } }))
    };
    if asked["query"].contains("_over_time(") || asked["query"].contains("up{") {
        let scraped = state.scraped.lock().unwrap();
        let value: Vec<_> =
            scraped.iter().filter(|(expr, _)| asked["query"].contains(*expr)).map(|(_, value)| *value).collect();
        return answer(&value);
    }
    let series = state.series.lock().unwrap();
    let lies_about = *state.lies_about.lock().unwrap();
    let one = |text: &str| {
        let name = text.trim_start_matches("sum(").split('{').next().unwrap();
        let inside = text.split(['{', '}']).nth(1).unwrap_or_default();
        let matchers: Vec<_> = inside.split("\",").map(str::trim).map(matcher).collect();
        sum(&series, name, &matchers) + if lies_about == Some(name) { 1.0 } else { 0.0 }
    };
    let value = match asked["query"].split_once(" - ") {
        Some((left, right)) => one(left) - one(right),
        None => one(&asked["query"]),
    };
    answer(&[value])
}
