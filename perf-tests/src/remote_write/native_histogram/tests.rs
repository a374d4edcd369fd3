//! Tests of `native_histogram`.

use std::time::Duration;

use prometheus_client::metrics::histogram::{Histogram, NativeHistogramConfig};
use proptest::prelude::*;

use super::*;
use crate::measure::bounds;
use crate::remote_write::wire_v1;

fn histogram(nanos: &[u64], failed: u64) -> NativeHistogram {
    let mut latency = Latency::new(bounds(&[Duration::from_millis(300)]));
    nanos.iter().for_each(|&nanos| latency.record(Duration::from_nanos(nanos)));
    (0..failed).for_each(|_| latency.record_failed(Duration::from_millis(7)));
    NativeHistogram::new(&latency)
}

/// Counts by index, decoded from a message.
fn decoded_buckets(histogram: &wire_v1::Histogram) -> BTreeMap<i32, i64> {
    let (mut deltas, mut count, mut index) = (histogram.positive_deltas.iter(), 0, 0);
    let mut buckets = BTreeMap::new();
    for span in &histogram.positive_spans {
        index += span.offset;
        for _ in 0..span.length {
            count += deltas.next().unwrap();
            buckets.insert(index, count);
            index += 1;
        }
    }
    buckets
}

/// The example of the specification, section "Spans": buckets -2, -1, 2, 4 and 5.
#[test]
fn spans_and_deltas_match_the_specification() {
    let buckets = BTreeMap::from([(-2, 3), (-1, 5), (2, 1), (4, 3), (5, 2)]);
    let sent = NativeHistogram { sum: 0.0, buckets }.to_message(1, 0);
    assert_eq!(sent.positive_deltas, [3, 2, -4, 2, -1]);
    let spans: Vec<_> = sent.positive_spans.iter().map(|span| (span.offset, span.length)).collect();
    assert_eq!(spans, [(-2, 2), (2, 1), (1, 2)]);
    assert_eq!(sent.count_int, Some(14));
}

#[test]
fn a_bound_belongs_to_the_bucket_below_it() {
    for (value, expected) in [(1.0, 0), (2.0, 32), (1.000_001, 1), (0.5, -32), (300.0, 264), (f64::MAX, 32 * 1024)] {
        assert_eq!(index(value), expected, "{value}");
    }
}

#[test]
fn a_failed_request_counts_as_infinitely_long() {
    let sent = histogram(&[1_000_000, 1_000_000, 5_000_000], 2).to_message(1, 0);
    assert_eq!(sent.count_int, Some(5));
    assert_eq!(decoded_buckets(&sent).last_key_value(), Some((&INFINITE, &2)));
    assert!((sent.sum - 21.0).abs() < 1e-9, "{}", sent.sum);
}

/// Counts of Prometheus' own library for Rust. It shows them only in its debug output and in
/// protobuf.
fn by_prometheus_client(values: &[f64]) -> BTreeMap<i32, i64> {
    let schema = i8::try_from(SCHEMA).unwrap();
    let other = Histogram::new_native(NativeHistogramConfig::with_schema(schema));
    values.iter().for_each(|value| other.observe(*value));
    let text = format!("{other:?}");
    let (_, buckets) = text.split_once("positive: [").unwrap();
    let (buckets, _) = buckets.split_once(']').unwrap();
    let pair = |text: &str| {
        let (index, count) = text.split_once(", ").unwrap();
        (index.parse().unwrap(), count.parse().unwrap())
    };
    buckets.trim_matches(['(', ')']).split("), (").map(pair).collect()
}

proptest! {
    #[test]
    fn buckets_match_prometheus_client(
        nanos in prop::collection::vec(prop_oneof![1_u64..100, 1_000_u64..1_000_000_000, Just(1_000_000), Just(512_000_000)], 1..200),
        failed in 0_u64..3,
    ) {
        // The recorder stores durations that it does not distinguish as one duration.
        let longest = |nanos: u64| hdrhistogram::Histogram::<u64>::new(3).unwrap().highest_equivalent(nanos);
        let mut values: Vec<_> = nanos.iter().map(|&nanos| exact_ms(Duration::from_nanos(longest(nanos)))).collect();
        values.extend((0..failed).map(|_| f64::INFINITY));
        prop_assert_eq!(decoded_buckets(&histogram(&nanos, failed).to_message(1, 0)), by_prometheus_client(&values));
    }
}
