//! Histograms: exact integer counts at every bucket bound, and quantiles.
//!
//! Functions that count a single duration are inlined into the generator, which is optimized even
//! when this crate is not.

use std::sync::Arc;
use std::time::Duration;

use super::large_number;
use crate::Millis;
use crate::quantile::{self, RankedLatencies};
use hdrhistogram::{Histogram, SubtractionError};
use monitoring::ratio::Ratio;
use serde::{Deserialize, Serialize};

/// A duration in nanoseconds, the unit of histograms. Saturates at `u64::MAX`.
#[inline]
pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Upper bounds of buckets in nanoseconds, ascending. Nanoseconds, because every request is
/// compared with them.
pub type Bounds = Arc<[u64]>;

/// Converts bounds to nanoseconds.
pub fn bounds(durations: &[Duration]) -> Bounds {
    durations.iter().map(|&duration| nanos(duration)).collect()
}

/// Durations counted by bucket, with their sum. They are pushed to Prometheus as a classic
/// histogram.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Buckets {
    bounds: Bounds,
    /// One count for each bound, and one for durations beyond the last bound. Not cumulative.
    pub(super) counts: Box<[u64]>,
    #[serde(with = "large_number::duration")]
    sum: Duration,
}

impl Buckets {
    /// Empty buckets with the given upper bounds.
    pub fn new(bounds: Bounds) -> Self {
        Self { counts: vec![0; bounds.len() + 1].into(), bounds, sum: Duration::ZERO }
    }

    #[inline]
    fn add(&mut self, duration: Duration, bucket: usize) {
        self.counts[bucket] += 1;
        self.sum = self.sum.saturating_add(duration);
    }

    /// Counts a duration in the first bucket whose bound it does not exceed.
    #[inline]
    pub fn record(&mut self, duration: Duration) {
        let nanos = nanos(duration);
        self.add(duration, self.bounds.partition_point(|bound| *bound < nanos));
    }

    /// Counts a duration of zero.
    #[inline]
    pub fn record_zero(&mut self) {
        self.counts[0] += 1;
    }

    /// Counts a duration in the last bucket, however short it is.
    #[inline]
    pub(crate) fn record_beyond(&mut self, duration: Duration) {
        self.add(duration, self.bounds.len());
    }

    /// Adds the counts of `other`, which must have the same bounds.
    pub fn merge(&mut self, other: &Self) {
        debug_assert_eq!(self.bounds, other.bounds);
        for (mine, theirs) in self.counts.iter_mut().zip(&*other.counts) {
            *mine += theirs;
        }
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// Each bound with the number of durations that do not exceed it.
    pub fn cumulative(&self) -> impl Iterator<Item = (Duration, u64)> {
        self.bounds.iter().zip(&*self.counts).scan(0, |sum, (bound, count)| {
            *sum += count;
            Some((Duration::from_nanos(*bound), *sum))
        })
    }

    /// Whether the histogram has exactly these bounds and a count for each.
    pub(crate) fn has_bounds(&self, bounds: &Bounds) -> bool {
        self.bounds == *bounds && self.counts.len() == bounds.len() + 1
    }

    /// Upper bounds of the buckets, in nanoseconds.
    pub const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Number of durations.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Number of durations that do not exceed `bound`. It is exact if `bound` is one of the
    /// histogram's bounds.
    pub fn within(&self, bound: Duration) -> u64 {
        let bound = nanos(bound);
        self.counts[..self.bounds.partition_point(|known| *known <= bound)].iter().sum()
    }

    /// Sum of all durations, in milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "exact up to 104 days")]
    pub fn sum_ms(&self) -> f64 {
        // Divided, so that whole milliseconds stay whole.
        self.sum.as_nanos() as f64 / 1e6
    }
}

/// Latencies as [`Buckets`], by which objectives are judged, and as quantiles, which are only
/// shown. A failed request counts beyond all bounds, so that errors cannot improve a quantile.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Latency {
    buckets: Buckets,
    succeeded: DurationHistogram,
}

/// Durations in nanoseconds with a number of significant digits, for quantiles. It allocates memory
/// with the first duration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DurationHistogram {
    digits: u8,
    #[serde(with = "encoded")]
    histogram: Option<Histogram<u64>>,
}

/// Three significant digits: a relative error of at most 0.1 %.
const DIGITS: u8 = 3;

impl DurationHistogram {
    /// Empty, with 0 to 5 significant `digits`.
    pub const fn new(digits: u8) -> Self {
        Self { digits, histogram: None }
    }

    /// Adds a duration.
    #[inline]
    pub fn record(&mut self, duration: Duration) {
        let digits = self.digits;
        #[expect(clippy::expect_used, reason = "fails only for more than five digits")]
        let histogram = self
            .histogram
            .get_or_insert_with(|| Histogram::new(digits).expect("no more than five digits are asked for"));
        #[expect(clippy::expect_used, reason = "fails only for histograms that cannot resize")]
        histogram.record(nanos(duration).max(1)).expect("the histogram resizes");
    }

    /// Adds the durations of `other`.
    pub fn merge(&mut self, other: &Self) {
        match (&mut self.histogram, &other.histogram) {
            (_, None) => {}
            (None, Some(theirs)) => self.histogram = Some(theirs.clone()),
            #[expect(clippy::expect_used, reason = "fails only for histograms that cannot resize")]
            (Some(mine), Some(theirs)) => mine.add(theirs).expect("the histogram resizes"),
        }
    }

    /// Durations that were added since an earlier state, or all of them.
    ///
    /// # Errors
    /// If `earlier` is not an earlier state of this value.
    pub fn since(&self, earlier: Option<&Self>) -> Result<Histogram<u64>, SubtractionError> {
        #[expect(clippy::expect_used, reason = "fails only for more than five digits")]
        let nothing = || Histogram::new(self.digits).expect("no more than five digits are asked for");
        let mut lately = self.histogram.clone().unwrap_or_else(nothing);
        if let Some(earlier) = earlier.and_then(|earlier| earlier.histogram.as_ref()) {
            lately.subtract(earlier)?;
        }
        Ok(lately)
    }

    /// Recorded durations with their counts, the shortest first. Durations that are equal at this
    /// precision are counted together, as the longest of them.
    pub fn recorded(&self) -> impl Iterator<Item = (Duration, u64)> {
        let values = self.histogram.iter().flat_map(Histogram::iter_recorded);
        values.map(|value| (Duration::from_nanos(value.value_iterated_to()), value.count_since_last_iteration()))
    }

    /// Number of durations.
    pub fn count(&self) -> u64 {
        self.histogram.as_ref().map_or(0, Histogram::len)
    }

    /// Longest duration. `None` if empty.
    pub fn longest(&self) -> Option<Duration> {
        self.histogram.as_ref().map(|histogram| Duration::from_nanos(histogram.max()))
    }

    /// Durations by rank, followed by `failed` failed requests.
    pub fn ranked(&self, failed: u64) -> RankedLatencies<'_> {
        RankedLatencies::new(self.histogram.as_ref(), failed)
    }

    /// The q-quantile by nearest rank. `None` if empty.
    pub fn quantile(&self, q: Ratio) -> Option<Duration> {
        self.ranked(0).at_rank(quantile::nearest_rank(q, self.count()))
    }
}

impl Latency {
    /// Empty, with the given upper bounds.
    pub fn new(bounds: Bounds) -> Self {
        Self { buckets: Buckets::new(bounds), succeeded: DurationHistogram::new(DIGITS) }
    }

    /// Counts the latency of a successful request.
    #[inline]
    pub fn record(&mut self, duration: Duration) {
        self.buckets.record(duration);
        self.succeeded.record(duration);
    }

    /// Counts a request that failed after `duration`.
    #[inline]
    pub fn record_failed(&mut self, duration: Duration) {
        self.buckets.record_beyond(duration);
    }

    /// Adds the latencies of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.buckets.merge(&other.buckets);
        self.succeeded.merge(&other.succeeded);
    }

    /// Whether no quantile counts a duration that no bucket does.
    pub(crate) fn is_whole(&self) -> bool {
        self.succeeded.count() <= self.buckets.count()
    }

    /// Latencies of successful requests, for quantiles.
    pub const fn histogram(&self) -> &DurationHistogram {
        &self.succeeded
    }

    /// Counts by bucket.
    pub const fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    /// Latency at a rank, the fastest first. Infinite for failed requests.
    pub(crate) fn at_rank(&self, rank: u64) -> Millis {
        // The exact counts give the bucket of the rank, so that the shown value never contradicts
        // the verdict.
        let bound = self.buckets.cumulative().find(|(_, count)| *count >= rank).map(|(bound, _)| bound);
        let value = self.succeeded.ranked(0).at_rank(rank);
        Millis::from(value.map(|value| value.min(bound.unwrap_or(value))))
    }

    /// The q-quantile of all requests by nearest rank. `None` without requests.
    pub fn quantile(&self, q: Ratio) -> Option<Millis> {
        let total = self.buckets.count();
        (total > 0).then(|| self.at_rank(quantile::nearest_rank(q, total)))
    }

    /// Confidence interval of the true q-quantile, with 95 % confidence. `None` without requests.
    pub fn interval(&self, q: Ratio) -> Option<(Millis, Millis)> {
        let total = self.buckets.count();
        let (low, high) = quantile::interval_ranks(q, total);
        let high = high.map_or(Millis::INFINITE, |rank| self.at_rank(rank));
        (total > 0).then(|| (self.at_rank(low), high))
    }
}

/// Whether bytes are the uncompressed encoding (V2) of a histogram, with all counts that it
/// announces and no more digits than a run records. The decoder allocates what is announced.
pub fn is_decodable(encoded: &[u8]) -> bool {
    /// The first bytes, and the number of bytes before the counts.
    const COOKIE: u32 = 0x1c84_9313;
    const HEADER: usize = 40;
    let number = |at: usize| Some(u32::from_be_bytes(*encoded.get(at..)?.first_chunk()?));
    let announced = number(4).and_then(|announced| usize::try_from(announced).ok());
    number(0) == Some(COOKIE)
        && encoded.len().checked_sub(HEADER) == announced
        && number(12).is_some_and(|digits| digits <= DIGITS.into())
}

/// Serializes a histogram as text: HdrHistogram's V2 encoding, deflated, in base64
/// (<https://github.com/HdrHistogram/HdrHistogram>).
mod encoded {
    use std::io::Read as _;

    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use flate2::read::ZlibDecoder;
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::{Deserializer as Decoder, Serializer as _, V2DeflateSerializer};
    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Limit on the bytes of a histogram without compression. At most nine bytes encode a count.
    const MOST_BYTES: u64 = 4 << 20;
    /// Bytes before the compressed encoding.
    const COMPRESSED_HEADER: usize = 8;

    pub(super) fn serialize<S: Serializer>(
        histogram: &Option<Histogram<u64>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let encode = |histogram: &Histogram<u64>| {
            let mut bytes = Vec::new();
            let written = V2DeflateSerializer::new().serialize(histogram, &mut bytes);
            written.map(|_| BASE64_STANDARD.encode(bytes)).map_err(|error| S::Error::custom(format!("{error:?}")))
        };
        histogram.as_ref().map(encode).transpose()?.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Histogram<u64>>, D::Error> {
        let decode = |text: String| {
            let bytes = BASE64_STANDARD.decode(text).map_err(D::Error::custom)?;
            let bytes = decompress(&bytes).ok_or_else(|| D::Error::custom("not a histogram of a run"))?;
            let decoded = Decoder::new().deserialize(&mut bytes.as_slice());
            let mut histogram = decoded.map_err(|error| D::Error::custom(format!("{error:?}")))?;
            // A deserialized histogram does not resize automatically, but longer durations may be
            // added to it.
            histogram.auto(true);
            Ok(histogram)
        };
        Option::<String>::deserialize(deserializer)?.map(decode).transpose()
    }

    /// The uncompressed encoding of a histogram that a run records.
    fn decompress(bytes: &[u8]) -> Option<Vec<u8>> {
        let mut plain = Vec::new();
        let compressed = bytes.get(COMPRESSED_HEADER..)?;
        ZlibDecoder::new(compressed).take(MOST_BYTES).read_to_end(&mut plain).ok()?;
        super::is_decodable(&plain).then_some(plain)
    }
}

#[cfg(test)]
mod tests;
