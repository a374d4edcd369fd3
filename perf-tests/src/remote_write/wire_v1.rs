//! The messages of remote write 1.0, as far as they are sent.
//!
//! Field numbers are those of <https://github.com/prometheus/prometheus/tree/main/prompb>; each message names its file.

/// A request: any number of series, each with its samples. Source: `WriteRequest` in `prompb/remote.proto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WriteRequest {
    /// The series.
    #[prost(message, repeated, tag = "1")]
    pub timeseries: Vec<TimeSeries>,
    /// What the metrics are that the series are of.
    #[prost(message, repeated, tag = "3")]
    pub metadata: Vec<MetricMetadata>,
}

/// A series and some of its samples, the oldest first. Source: `TimeSeries` in `prompb/types.proto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TimeSeries {
    /// Sorted by name.
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    /// Sorted by time.
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Sample>,
    /// Sorted by time; a series has these or samples.
    #[prost(message, repeated, tag = "4")]
    pub histograms: Vec<Histogram>,
}

/// A label. Source: `Label` in `prompb/types.proto`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Message)]
pub struct Label {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its value, never empty.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// A value at a time. Source: `Sample` in `prompb/types.proto`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Sample {
    /// The value.
    #[prost(double, tag = "1")]
    pub value: f64,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
}

/// What a metric is. Source: `MetricMetadata` in `prompb/types.proto`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct MetricMetadata {
    /// Its kind.
    #[prost(enumeration = "MetricType", tag = "1")]
    pub kind: i32,
    /// Its name, without what a histogram's series add.
    #[prost(string, tag = "2")]
    pub metric_family_name: String,
    /// A sentence.
    #[prost(string, tag = "4")]
    pub help: String,
    /// Its unit.
    #[prost(string, tag = "5")]
    pub unit: String,
}

/// Kinds of metrics, with the numbers of both versions of the protocol. Source: `MetricMetadata.MetricType` in
/// `prompb/types.proto`, and `Metadata.MetricType` in `prompb/io/prometheus/write/v2/types.proto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum MetricType {
    /// Nobody said.
    Unknown = 0,
    /// Only grows.
    Counter = 1,
    /// Goes up and down.
    Gauge = 2,
    /// By bucket.
    Histogram = 3,
}

/// A native histogram of integers at a time; its numbers are the same in both versions of the protocol. Source: `Histogram`
/// in `prompb/types.proto` and in `prompb/io/prometheus/write/v2/types.proto`, which alone has `start_timestamp`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Histogram {
    /// All observations.
    #[prost(uint64, optional, tag = "1")]
    pub count_int: Option<u64>,
    /// The sum of what was observed.
    #[prost(double, tag = "3")]
    pub sum: f64,
    /// How fine it is: each bucket is 2^(2^-schema) times as wide as the one before it.
    #[prost(sint32, tag = "4")]
    pub schema: i32,
    /// What is no greater counts as zero.
    #[prost(double, tag = "5")]
    pub zero_threshold: f64,
    /// Observations of zero.
    #[prost(uint64, optional, tag = "6")]
    pub zero_count_int: Option<u64>,
    /// Runs of buckets that are there.
    #[prost(message, repeated, tag = "11")]
    pub positive_spans: Vec<BucketSpan>,
    /// Counts of those, each as the difference from the one before it.
    #[prost(sint64, repeated, tag = "12")]
    pub positive_deltas: Vec<i64>,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "15")]
    pub timestamp: i64,
    /// When it was all zeros, milliseconds since 1970; version 2.0 only.
    #[prost(int64, tag = "17")]
    pub start_timestamp: i64,
}

/// A run of buckets. Source: `BucketSpan` in `prompb/types.proto`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct BucketSpan {
    /// How many are left out before it; of the first, the index that it begins at.
    #[prost(sint32, tag = "1")]
    pub offset: i32,
    /// How many.
    #[prost(uint32, tag = "2")]
    pub length: u32,
}

/// The NaN that says a series has ended: <https://prometheus.io/docs/specs/prw/remote_write_spec/#stale-markers>.
pub(super) const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    /// Bytes written out by hand from the protobuf encoding's rules, so that a wrong field number shows.
    #[test]
    fn bytes_on_the_wire() {
        let request = WriteRequest {
            timeseries: vec![TimeSeries {
                labels: vec![Label { name: "a".into(), value: "b".into() }],
                samples: vec![Sample { value: 1.0, timestamp: 300 }],
                histograms: Vec::new(),
            }],
            metadata: Vec::new(),
        };
        let expected = [
            0x0a, 22, // timeseries
            0x0a, 6, 0x0a, 1, b'a', 0x12, 1, b'b', // label
            0x12, 12, 0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x10, 0xac, 0x02, // sample
        ];
        assert_eq!(request.encode_to_vec(), expected);
    }

    #[test]
    fn the_stale_marker_keeps_its_bits() {
        let sample = Sample { value: f64::from_bits(STALE_BITS), timestamp: 0 };
        assert_eq!(sample.encode_to_vec()[1..9], STALE_BITS.to_le_bytes());
    }
}
