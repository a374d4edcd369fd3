//! The messages of remote write 1.0. Only the fields that are sent are declared.
//!
//! Field numbers are those of <https://github.com/prometheus/prometheus/tree/main/prompb>. Each
//! message names its source file.

/// A request: any number of series, each with its samples. Source: `WriteRequest` in
/// `prompb/remote.proto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    pub timeseries: Vec<TimeSeries>,
    /// Descriptions of the metrics of these series.
    #[prost(message, repeated, tag = "3")]
    pub metadata: Vec<MetricMetadata>,
}

/// A series and some of its samples, the oldest first. Source: `TimeSeries` in
/// `prompb/types.proto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TimeSeries {
    /// Sorted by name.
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    /// Sorted by time.
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Sample>,
    /// Sorted by time. A series has either histograms or samples.
    #[prost(message, repeated, tag = "4")]
    pub histograms: Vec<Histogram>,
}

/// A label. Source: `Label` in `prompb/types.proto`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Message)]
pub struct Label {
    #[prost(string, tag = "1")]
    pub name: String,
    /// The label's value, never empty.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// A value at a time. Source: `Sample` in `prompb/types.proto`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Sample {
    #[prost(double, tag = "1")]
    pub value: f64,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
}

/// The description of a metric. Source: `MetricMetadata` in `prompb/types.proto`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct MetricMetadata {
    /// A [`MetricType`].
    #[prost(enumeration = "MetricType", tag = "1")]
    pub kind: i32,
    /// The metric's name, without the suffixes of a histogram's series.
    #[prost(string, tag = "2")]
    pub metric_family_name: String,
    /// One sentence.
    #[prost(string, tag = "4")]
    pub help: String,
    #[prost(string, tag = "5")]
    pub unit: String,
}

/// Kinds of metrics; the numbers are the same in both versions of the protocol. Source:
/// `MetricMetadata.MetricType` in `prompb/types.proto`, and `Metadata.MetricType` in
/// `prompb/io/prometheus/write/v2/types.proto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum MetricType {
    Unknown = 0,
    Counter = 1,
    Gauge = 2,
    Histogram = 3,
}

/// A native histogram with integer counts at a time. Field numbers are the same in both versions of
/// the protocol. Source: `Histogram` in `prompb/types.proto` and in
/// `prompb/io/prometheus/write/v2/types.proto`; only the latter has `start_timestamp`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Histogram {
    #[prost(uint64, optional, tag = "1")]
    pub count_int: Option<u64>,
    #[prost(double, tag = "3")]
    pub sum: f64,
    /// Resolution: each bucket is 2^(2^-schema) times as wide as the one before it.
    #[prost(sint32, tag = "4")]
    pub schema: i32,
    /// Observations up to this count as zero.
    #[prost(double, tag = "5")]
    pub zero_threshold: f64,
    /// Number of observations that count as zero.
    #[prost(uint64, optional, tag = "6")]
    pub zero_count_int: Option<u64>,
    /// Runs of consecutive buckets.
    #[prost(message, repeated, tag = "11")]
    pub positive_spans: Vec<BucketSpan>,
    /// Counts of these buckets, each as the difference from the previous one.
    #[prost(sint64, repeated, tag = "12")]
    pub positive_deltas: Vec<i64>,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "15")]
    pub timestamp: i64,
    /// When all counts were zero, in milliseconds since 1970. Version 2.0 only.
    #[prost(int64, tag = "17")]
    pub start_timestamp: i64,
}

/// A run of consecutive buckets. Source: `BucketSpan` in `prompb/types.proto`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct BucketSpan {
    /// Number of empty buckets before the run. For the first run, the index of its first bucket.
    #[prost(sint32, tag = "1")]
    pub offset: i32,
    #[prost(uint32, tag = "2")]
    pub length: u32,
}

/// The NaN that marks a series as ended:
/// <https://prometheus.io/docs/specs/prw/remote_write_spec/#stale-markers>.
pub(super) const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

#[cfg(test)]
mod tests;
