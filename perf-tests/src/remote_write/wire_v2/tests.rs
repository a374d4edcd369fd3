//! Tests of `wire_v2`.

use prost::Message as _;

use super::*;

/// Bytes derived by hand from the protobuf encoding's rules, so that a wrong field number
/// shows.
#[test]
fn a_request_has_the_bytes_of_the_protobuf_encoding() {
    let request = Request {
        symbols: vec![String::new(), "a".into(), "b".into()],
        timeseries: vec![TimeSeries {
            labels_refs: vec![1, 2],
            samples: vec![Sample { value: 1.0, timestamp: 300, start_timestamp: 1 }],
            histograms: Vec::new(),
            metadata: Some(Metadata { kind: 1, help_ref: 2, unit_ref: 1 }),
        }],
    };
    let expected = [
        0x22, 0, 0x22, 1, b'a', 0x22, 1, b'b', // symbols
        0x2a, 28, // timeseries
        0x0a, 2, 1, 2, // labels
        0x12, 14, 0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x10, 0xac, 0x02, 0x18, 1, // sample
        0x2a, 6, 0x08, 1, 0x18, 2, 0x20, 1, // metadata
    ];
    assert_eq!(request.encode_to_vec(), expected);
}
