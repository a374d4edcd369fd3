//! Remote write against a real Prometheus. Its decoders of both versions share no code with the
//! encoders here, and must return the same series.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use monitoring::metric::{MetricDescription, MetricKind};
use monitoring::prometheus::config::{NATIVE_HISTOGRAMS_FLAG, RECEIVER_FLAG};
use perf_tests::measure::{Latency, bounds};
use perf_tests::remote_write::wire_v1::Label;
use perf_tests::remote_write::{Entry, NativeHistogram, SampleValue, Version, encode};
use serde_json::Value as Json;
use test_support::programs::Prometheus;

struct Store(Prometheus);

impl Store {
    fn start(name: &str, flags: &[&str]) -> Self {
        // Fails only if a provider is installed already, which is fine too.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        Self(Prometheus::start(folder, flags))
    }

    async fn write(&self, entries: &[Entry], version: Version) -> reqwest::Response {
        let body = encode(entries, version, *STARTED).unwrap();
        reqwest::Client::new()
            .post(format!("{}/api/v1/write", self.0.url))
            .headers(version.headers())
            .body(body)
            .send()
            .await
            .unwrap()
    }

    /// All samples of a run, by series without its testid.
    async fn series(&self, testid: &str) -> BTreeMap<String, Json> {
        let query = format!("{{testid={testid:?}}}[1h]");
        let url = reqwest::Url::parse_with_params(&format!("{}/api/v1/query", self.0.url), [("query", query)]).unwrap();
        let response: Json = serde_json::from_str(&reqwest::get(url).await.unwrap().text().await.unwrap()).unwrap();
        let result = response["data"]["result"].as_array().unwrap_or_else(|| panic!("{response}"));
        let one = |series: &Json| {
            let mut labels = series["metric"].as_object().unwrap().clone();
            labels.remove("testid");
            let samples = if series["values"].is_null() { &series["histograms"] } else { &series["values"] };
            (Json::from(labels).to_string(), samples.clone())
        };
        result.iter().map(one).collect()
    }
}

/// The start of a minute, one to two minutes ago. All samples use the same one.
#[expect(clippy::disallowed_methods, reason = "a test's own clock")]
static STARTED: LazyLock<i64> = LazyLock::new(|| {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    i64::try_from(now).unwrap() / 60_000 * 60_000 - 60_000
});

fn entry(testid: &str, name: &str, kind: MetricKind, points: Vec<(i64, SampleValue)>) -> Entry {
    let label = |name: &str, value: &str| Label { name: name.to_owned(), value: value.to_owned() };
    let mut labels = vec![label("__name__", name), label("scenario", "Größe \"1\"\\n"), label("testid", testid)];
    labels.sort_unstable();
    Entry {
        labels: labels.into(),
        description: MetricDescription { kind, unit: "milliseconds", help: "Help." },
        points,
    }
}

fn latency() -> SampleValue {
    let mut latency = Latency::new(bounds(&[Duration::from_millis(300)]));
    for (micros, times) in [(900, 3), (1_000, 1), (37_500, 40), (1_500_000, 2)] {
        (0..times).for_each(|_| latency.record(Duration::from_micros(micros)));
    }
    SampleValue::Native(Arc::new(NativeHistogram::new(&latency)))
}

/// A counter that begins between two pushes, one beyond 2^32, a gauge, a bucket, and a native
/// histogram.
fn entries(testid: &str) -> Vec<Entry> {
    let (first, second) = (*STARTED + 1, *STARTED + 15_001);
    let number = |at, value| (at, SampleValue::Number(value));
    vec![
        entry(testid, "http_reqs", MetricKind::Counter, vec![number(first, 0.0), number(second, 4_294_967_299.0)]),
        entry(testid, "vus", MetricKind::Gauge, vec![number(first, 0.1), number(second, -2.5)]),
        entry(testid, "add_item_latency_sum", MetricKind::Histogram, vec![number(second, 1e-9)]),
        entry(testid, "add_item_latency", MetricKind::Histogram, vec![(second, latency())]),
    ]
}

#[tokio::test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
async fn prometheus_reads_the_same_series_from_both_versions() {
    let prometheus = Store::start("wire", &[RECEIVER_FLAG, NATIVE_HISTOGRAMS_FLAG]);
    let one = prometheus.write(&entries("one"), Version::One).await;
    assert_eq!(one.status(), 204, "{:?}", one.text().await);
    let two = prometheus.write(&entries("two"), Version::Two).await;
    let written = |name: &str| two.headers().get(name).unwrap().to_str().unwrap().parse::<u64>().unwrap();
    assert_eq!(written("x-prometheus-remote-write-samples-written"), 5);
    assert_eq!(written("x-prometheus-remote-write-histograms-written"), 1);
    let (one, two) = (prometheus.series("one").await, prometheus.series("two").await);
    assert_eq!(one, two);
    assert_eq!(one.len(), 4, "{one:?}");
    let series =
        |name: &str| one.iter().find(|(labels, _)| labels.contains(&format!("\"__name__\":\"{name}\""))).unwrap();
    let (labels, counter) = series("http_reqs");
    assert!(labels.contains(r#"Größe \"1\"\\n"#), "{labels}");
    assert_eq!(counter[1][1], "4294967299");
    assert_eq!(series("vus").1[1][1], "-2.5");
    assert_eq!(series("add_item_latency_sum").1[0][1], "1e-09");
    let (_, native) = series("add_item_latency");
    assert_eq!(native[0][1]["count"], "46", "{native}");
    let counts: Vec<_> = native[0][1]["buckets"].as_array().unwrap().iter().map(|bucket| bucket[3].clone()).collect();
    assert_eq!(counts, ["3", "1", "40", "2"], "{native}");
    // 1 ms is the bound of its bucket and belongs to it. The recorder does not distinguish it from
    // slightly longer durations.
    let bound = |at: usize, side: usize| native[0][1]["buckets"][at][side].as_str().unwrap().parse::<f64>().unwrap();
    assert!(bound(2, 1) < 37.5 && 37.5 <= bound(2, 2), "{native}");
}

#[tokio::test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
async fn prometheus_rejects_native_histograms_with_the_known_message() {
    let prometheus = Store::start("wire-classic", &[RECEIVER_FLAG]);
    for version in [Version::One, Version::Two] {
        let response = prometheus.write(&entries("one"), version).await;
        let (status, text) = (response.status(), response.text().await.unwrap());
        // Version 3.9 and later accept native histograms in any case.
        assert!(
            status == 204 || (status == 500 && text.contains("native histograms are disabled")),
            "{status}: {text}"
        );
    }
}
