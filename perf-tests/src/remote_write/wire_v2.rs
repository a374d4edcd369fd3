//! The messages of remote write 2.0. Only the fields that are sent are declared.
//!
//! Field numbers are those of Prometheus 3.8 and later,
//! <https://github.com/prometheus/prometheus/blob/main/prompb/io/prometheus/write/v2/types.proto>.

use super::wire_v1::Histogram;

/// A request: each string once, and series that refer to strings by index. Source: `Request` in
/// `prompb/io/prometheus/write/v2/types.proto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Request {
    /// The strings; the first is empty.
    #[prost(string, repeated, tag = "4")]
    pub symbols: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    pub timeseries: Vec<TimeSeries>,
}

/// A series with some of its samples, the oldest first, and the description of its metric. Source:
/// `TimeSeries` in `prompb/io/prometheus/write/v2/types.proto`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TimeSeries {
    /// String indexes of each label's name and value, sorted by name.
    #[prost(uint32, repeated, tag = "1")]
    pub labels_refs: Vec<u32>,
    /// Sorted by time.
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Sample>,
    /// Sorted by time. A series has either histograms or samples.
    #[prost(message, repeated, tag = "3")]
    pub histograms: Vec<Histogram>,
    #[prost(message, optional, tag = "5")]
    pub metadata: Option<Metadata>,
}

/// A value at a time. Source: `Sample` in `prompb/io/prometheus/write/v2/types.proto`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Sample {
    #[prost(double, tag = "1")]
    pub value: f64,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
    /// When a counter was zero, in milliseconds since 1970; 0 if there is no such time.
    #[prost(int64, tag = "3")]
    pub start_timestamp: i64,
}

/// The description of a metric. Source: `Metadata` in `prompb/io/prometheus/write/v2/types.proto`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Metadata {
    /// A `MetricType`.
    #[prost(enumeration = "super::wire_v1::MetricType", tag = "1")]
    pub kind: i32,
    /// String index of one sentence.
    #[prost(uint32, tag = "3")]
    pub help_ref: u32,
    /// String index of the unit.
    #[prost(uint32, tag = "4")]
    pub unit_ref: u32,
}

#[cfg(test)]
mod tests;
