//! Tests of `wire_v1`.

use prost::Message as _;

use super::*;

/// Bytes derived by hand from the protobuf encoding's rules, so that a wrong field number
/// shows.
#[test]
fn a_request_has_the_bytes_of_the_protobuf_encoding() {
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
