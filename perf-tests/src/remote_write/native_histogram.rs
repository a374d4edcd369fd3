//! Native histograms, <https://prometheus.io/docs/specs/native_histograms/>. Each bucket is wider
//! than the one before it by the same factor, and only buckets that are not empty are sent.

use std::collections::BTreeMap;

use perf_report::exact_ms;

use super::wire_v1::{BucketSpan, Histogram};
use crate::measure::Latency;

/// Resolution: bucket bounds grow by 2^(1/32), so a quantile has an error of 2.2 % at most. A usual
/// spread fills about 140 buckets.
const SCHEMA: i32 = 5;
/// Number of buckets for each power of two.
const PER_OCTAVE: i32 = 1 << SCHEMA;
/// Observations up to this count as zero, as in Prometheus' own libraries. No request is that fast.
const ZERO_THRESHOLD: f64 = f64::from_bits(0x37f0_0000_0000_0000);
/// Index of the bucket for infinite observations: after the bucket of the greatest number.
const INFINITE: i32 = PER_OCTAVE * 1024 + 1;

/// A native histogram of durations in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct NativeHistogram {
    sum: f64,
    /// Counts by bucket index, without empty buckets.
    buckets: BTreeMap<i32, u64>,
}

impl NativeHistogram {
    /// The histogram of latencies. A latency is counted in the bucket of the longest duration that
    /// the recorder does not distinguish from it, which is at most 0.1 % longer. A failed request
    /// counts as infinitely long, so it improves no quantile. The sum is that of real durations.
    pub fn new(latency: &Latency) -> Self {
        let mut buckets = BTreeMap::new();
        let mut succeeded = 0;
        for (duration, count) in latency.spread().recorded() {
            succeeded += count;
            *buckets.entry(index(exact_ms(duration))).or_default() += count;
        }
        let failed = latency.buckets().count().saturating_sub(succeeded);
        if failed > 0 {
            buckets.insert(INFINITE, failed);
        }
        Self { sum: latency.buckets().sum_ms(), buckets }
    }

    /// A histogram without observations.
    pub(super) const fn empty() -> Self {
        Self { sum: 0.0, buckets: BTreeMap::new() }
    }

    /// The message that is sent, which is the same in both versions of the protocol.
    pub(super) fn to_message(&self, timestamp: i64, start_timestamp: i64) -> Histogram {
        let (mut spans, mut deltas) = (Vec::<BucketSpan>::new(), Vec::new());
        let (mut next, mut before) = (0, 0);
        for (&index, &count) in &self.buckets {
            match spans.last_mut() {
                Some(span) if index == next => span.length += 1,
                _ => spans.push(BucketSpan { offset: index - next, length: 1 }),
            }
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            deltas.push(count - before);
            (next, before) = (index + 1, count);
        }
        Histogram {
            count_int: Some(self.buckets.values().sum()),
            sum: self.sum,
            schema: SCHEMA,
            zero_threshold: ZERO_THRESHOLD,
            zero_count_int: Some(0),
            positive_spans: spans,
            positive_deltas: deltas,
            timestamp,
            start_timestamp,
        }
    }
}

/// The bucket of a number: the first whose upper bound 2^(index / 32) is not less. It is computed
/// from the parts of the floating-point number, since a logarithm is wrong at bucket bounds.
fn index(value: f64) -> i32 {
    let (fraction, exponent) = libm::frexp(value);
    // The fraction is in [0.5, 1): count the octave's bounds below it.
    let below = (0..PER_OCTAVE).filter(|&bound| bound_in_octave(bound) < fraction).count();
    #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "at most 32")]
    let below = below as i32;
    below + (exponent - 1) * PER_OCTAVE
}

fn bound_in_octave(bound: i32) -> f64 {
    libm::exp2(f64::from(bound) / f64::from(PER_OCTAVE)) / 2.0
}

#[cfg(test)]
mod tests {
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
        for (value, expected) in [(1.0, 0), (2.0, 32), (1.000_001, 1), (0.5, -32), (300.0, 264), (f64::MAX, 32 * 1024)]
        {
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
}
