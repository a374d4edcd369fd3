//! Tests of `chunk_decoder`.

use super::*;

#[test]
fn trailers_are_read_and_bytes_after_them_stay_in_the_buffer() {
    let mut buffer = BytesMut::from("head2\r\nhi\r\n1;a\r\n!\r\n0\r\nB: c\r\nb:é \r\n\r\nrest");
    let mut chunked = ChunkDecoder::new(4);
    assert_eq!(chunked.decode(&mut buffer, &ResponseLimits::default()).unwrap(), Some(7));
    assert_eq!(buffer, "headhi!rest");
    let trailers = chunked.take_trailers().unwrap();
    assert_eq!(trailers.get_all("b").iter().collect::<Vec<_>>(), [&b"c"[..], "é".as_bytes()]);
}
