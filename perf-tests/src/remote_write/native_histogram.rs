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
    /// The histogram of latencies. A latency is counted as the longest duration that the recorder
    /// does not distinguish from it. That is at most 0.1 % longer. A failed request counts as
    /// infinitely long, so it improves no quantile. The sum is that of real durations.
    pub fn new(latency: &Latency) -> Self {
        let mut buckets = BTreeMap::new();
        let mut succeeded = 0;
        for (duration, count) in latency.histogram().recorded() {
            succeeded += count;
            *buckets.entry(index(exact_ms(duration))).or_default() += count;
        }
        let failed = latency.buckets().count().saturating_sub(succeeded);
        if failed > 0 {
            buckets.insert(INFINITE, failed);
        }
        Self { sum: latency.buckets().sum_ms(), buckets }
    }

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
mod tests;
