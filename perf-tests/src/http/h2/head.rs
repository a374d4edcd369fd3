//! Turns the head of a request, as HTTP/1.1 writes it, into fields of HTTP/2 (RFC 9113, 8.3).

use super::hpack::Encoder;

/// Headers of a connection, which HTTP/2 does not have (RFC 9113, 8.2.2).
pub(super) const CONNECTION_HEADERS: [&[u8]; 5] =
    [b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"];

/// Appends the block of fields of a request. `head` is as [`RequestHead`] writes it, so its first
/// header is `host`.
///
/// [`RequestHead`]: crate::http::RequestHead
pub(super) fn encode(head: &[u8], is_tls: bool, encoder: &mut Encoder, out: &mut Vec<u8>) {
    encoder.begin(out);
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut words = lines.next().unwrap_or_default().split(|byte| *byte == b' ');
    let [method, path] = std::array::from_fn(|_| words.next().unwrap_or_default());
    encoder.put(b":method", method, out);
    encoder.put(b":scheme", if is_tls { b"https" } else { b"http" }, out);
    let mut lower = [0; 64];
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii_start());
        let long;
        let name = match lower.get_mut(..name.len()) {
            Some(lower) => {
                lower.copy_from_slice(name);
                lower.make_ascii_lowercase();
                &*lower
            }
            None => {
                long = name.to_ascii_lowercase();
                &long
            }
        };
        match name {
            b"host" => {
                encoder.put(b":authority", value, out);
                encoder.put(b":path", path, out);
            }
            b"te" if value != b"trailers" => {}
            name if CONNECTION_HEADERS.contains(&name) => {}
            name => encoder.put(name, value, out),
        }
    }
}
