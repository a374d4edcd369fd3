//! The messages of remote write 1.0, as far as they are sent, and their encoding.
//!
//! Field numbers are those of Prometheus' `prompb/remote.proto` and `prompb/types.proto`.

use prost::Message as _;

/// A request: any number of series, each with its samples.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WriteRequest {
    /// The series.
    #[prost(message, repeated, tag = "1")]
    pub timeseries: Vec<TimeSeries>,
}

/// A series and some of its samples, the oldest first.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TimeSeries {
    /// Sorted by name.
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    /// Sorted by time.
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Sample>,
}

/// A label.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Message)]
pub struct Label {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its value, never empty.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// A value at a time.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Sample {
    /// The value.
    #[prost(double, tag = "1")]
    pub value: f64,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
}

/// The NaN that says a series has ended: <https://prometheus.io/docs/specs/prw/remote_write_spec/#stale-markers>.
pub(super) const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The request's body: protobuf in one snappy block.
///
/// # Errors
/// If the message is longer than snappy can hold, 4 GiB.
pub fn encode(request: &WriteRequest) -> Result<Vec<u8>, snap::Error> {
    snap::raw::Encoder::new().compress_vec(&request.encode_to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes written out by hand from the protobuf encoding's rules, so that a wrong field number shows.
    #[test]
    fn bytes_on_the_wire() {
        let request = WriteRequest {
            timeseries: vec![TimeSeries {
                labels: vec![Label { name: "a".into(), value: "b".into() }],
                samples: vec![Sample { value: 1.0, timestamp: 300 }],
            }],
        };
        let expected = [
            0x0a, 22, // timeseries
            0x0a, 6, 0x0a, 1, b'a', 0x12, 1, b'b', // label
            0x12, 12, 0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x10, 0xac, 0x02, // sample
        ];
        assert_eq!(request.encode_to_vec(), expected);
        let body = encode(&request).unwrap();
        assert_eq!(snap::raw::Decoder::new().decompress_vec(&body).unwrap(), expected);
    }

    #[test]
    fn the_stale_marker_keeps_its_bits() {
        let sample = Sample { value: f64::from_bits(STALE_BITS), timestamp: 0 };
        assert_eq!(sample.encode_to_vec()[1..9], STALE_BITS.to_le_bytes());
    }
}
