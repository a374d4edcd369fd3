//! Tests of `message`.

use super::*;

fn entry(name: &str, kind: MetricKind, points: Vec<(i64, SampleValue)>) -> Entry {
    let label = |name: &str, value: &str| Label { name: name.to_owned(), value: value.to_owned() };
    let labels = [label("__name__", name), label("testid", "t1")];
    Entry { labels: labels.into(), description: MetricDescription { kind, unit: "", help: "h" }, points }
}

fn entries() -> [Entry; 3] {
    let native = SampleValue::Native(Arc::new(NativeHistogram::empty()));
    [
        entry("x_sum", MetricKind::Histogram, vec![(5, SampleValue::Number(0.0)), (9, SampleValue::Number(2.0))]),
        entry("x", MetricKind::Histogram, vec![(9, native)]),
        entry("vus", MetricKind::Gauge, vec![(9, SampleValue::Number(1.0))]),
    ]
}

#[test]
fn version_one_describes_each_metric_once() {
    let request = message_v1(&entries());
    let names: Vec<_> =
        request.metadata.iter().map(|metric| (metric.metric_family_name.as_str(), metric.kind)).collect();
    assert_eq!(names, [("vus", 2), ("x", 3)]);
    assert_eq!(
        request.timeseries.iter().map(|series| (series.samples.len(), series.histograms.len())).collect::<Vec<_>>(),
        [(2, 0), (0, 1), (1, 0)]
    );
}

/// The specification: <https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/>.
#[test]
fn version_two_has_each_string_once_and_the_empty_one_first() {
    let request = message_v2(&entries(), 5);
    assert_eq!(request.symbols[0], "");
    let mut sorted = request.symbols.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), request.symbols.len(), "{:?}", request.symbols);
    let text = |number: u32| request.symbols[number as usize].as_str();
    let labels: Vec<_> = request.timeseries[0].labels_refs.iter().map(|&number| text(number)).collect();
    assert_eq!(labels, ["__name__", "x_sum", "testid", "t1"]);
    let starts = |number: usize| {
        request.timeseries[number].samples.iter().map(|sample| sample.start_timestamp).collect::<Vec<_>>()
    };
    assert_eq!((starts(0), starts(2)), (vec![0, 5], vec![0]), "a gauge has no start time");
    assert_eq!(request.timeseries[1].histograms[0].start_timestamp, 5);
}

#[test]
fn a_stale_marker_has_no_metadata() {
    let ended = [entry("x_bucket", MetricKind::Gauge, vec![(9, SampleValue::STALE)])];
    assert_eq!(message_v1(&ended).metadata, []);
    assert_eq!(message_v2(&ended, 5).timeseries[0].metadata, None);
}

#[test]
fn samples_and_histograms_of_a_message_are_counted() {
    assert_eq!(size(&entries()), Size { samples: 3, histograms: 1 });
}
