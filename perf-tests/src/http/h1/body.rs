//! The chunked transfer coding (RFC 9112, 7.1), decoded in place.

use bytes::BytesMut;
use httparse::{EMPTY_HEADER, Status};

use super::head::MAX_HEADERS;
use super::{Cause, ResponseLimits};

/// As many hexadecimal digits as a 64-bit number has. Leading zeros count, or a size could go on for ever.
const MAX_DIGITS: u8 = 16;

/// A chunked body that is being read. The buffer holds the head, then what is decoded, then what was just read.
#[derive(Debug)]
pub(super) struct Chunked {
    next: Next,
    /// Where the body begins in the buffer.
    start: usize,
    /// Where its decoded part ends.
    end: usize,
    /// What is missing of the current chunk, in bytes.
    left: u64,
    /// The bytes of all extensions so far.
    extensions: usize,
    trailers: Vec<u8>,
}

/// What the next byte is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The size of a chunk, of which there are so many digits.
    Size(u8),
    /// The whitespace between a size and an extension.
    Space,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// A trailer, or the empty line at the end of all.
    Line,
    Trailer,
    TrailerLf,
    EndLf,
    Nothing,
}

impl Chunked {
    pub(super) fn new(start: usize) -> Self {
        Self { next: Next::Size(0), start, end: start, left: 0, extensions: 0, trailers: Vec::new() }
    }

    /// How many bytes are certain to come.
    pub(super) fn missing(&self) -> u64 {
        self.left
    }

    /// Decodes what was appended to the buffer and takes it out of there, but for data. Gives the end of the body once
    /// it is whole; what follows it then comes after.
    pub(super) fn decode(&mut self, buffer: &mut BytesMut, limits: &ResponseLimits) -> Result<Option<usize>, Cause> {
        let mut at = self.end;
        while at < buffer.len() && self.next != Next::Nothing {
            if self.next == Next::Data {
                let rest = buffer.len() - at;
                let taken = usize::try_from(self.left).map_or(rest, |left| left.min(rest));
                if at != self.end {
                    buffer.copy_within(at..at + taken, self.end);
                }
                at += taken;
                self.end += taken;
                self.left -= taken as u64;
                if self.left == 0 {
                    self.next = Next::DataCr;
                }
            } else {
                self.next = self.step(buffer[at], limits)?;
                at += 1;
            }
        }
        let rest = buffer.len() - at;
        buffer.copy_within(at.., self.end);
        buffer.truncate(self.end + rest);
        Ok((self.next == Next::Nothing).then_some(self.end))
    }

    /// Takes a byte that is not data.
    fn step(&mut self, byte: u8, limits: &ResponseLimits) -> Result<Next, Cause> {
        match (self.next, byte) {
            (Next::Size(digits), _) if byte.is_ascii_hexdigit() => self.digit(digits, byte),
            (Next::Size(0), _) => Err(Cause::Protocol("chunk without a size")),
            (Next::Size(_) | Next::Extension, b'\r') => Ok(Next::SizeLf),
            (Next::Size(_) | Next::Space, b';') => Ok(Next::Extension),
            (Next::Size(_) | Next::Space, b' ' | b'\t') => self.extension(Next::Space, limits),
            (Next::Size(_) | Next::Space, _) => Err(Cause::Protocol("malformed chunk size")),
            (Next::Extension, b'\n') => Err(Cause::Protocol("chunk size line ends without CR")),
            (Next::Extension, _) => self.extension(Next::Extension, limits),
            (Next::SizeLf, b'\n') => self.size(limits.body),
            (Next::DataCr, b'\r') => Ok(Next::DataLf),
            (Next::DataLf, b'\n') => Ok(Next::Size(0)),
            (Next::Line, b'\r') => Ok(Next::EndLf),
            (Next::Line | Next::Trailer, b'\n') => Err(Cause::Protocol("trailer line ends without CR")),
            (Next::Trailer, b'\r') => Ok(Next::TrailerLf),
            (Next::Line | Next::Trailer, _) => self.trailer(&[byte], Next::Trailer, limits.head),
            (Next::TrailerLf, b'\n') => self.trailer(b"\r\n", Next::Line, limits.head),
            (Next::EndLf, b'\n') => self.finish(),
            (Next::DataCr | Next::DataLf, _) => Err(Cause::Protocol("chunk does not end after its data")),
            _ => Err(Cause::Protocol("CR without LF in chunk framing")),
        }
    }

    fn digit(&mut self, digits: u8, byte: u8) -> Result<Next, Cause> {
        if digits == MAX_DIGITS {
            return Err(Cause::Protocol("chunk size with too many digits"));
        }
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            _ => (byte | 0x20) - b'a' + 10,
        };
        self.left = self.left << 4 | u64::from(digit);
        Ok(Next::Size(digits + 1))
    }

    fn size(&self, limit: usize) -> Result<Next, Cause> {
        let room = limit - (self.end - self.start);
        match usize::try_from(self.left) {
            Ok(0) => Ok(Next::Line),
            Ok(left) if left <= room => Ok(Next::Data),
            _ => Err(Cause::TooLarge { what: "bytes of body", limit }),
        }
    }

    fn extension(&mut self, next: Next, limits: &ResponseLimits) -> Result<Next, Cause> {
        self.extensions += 1;
        if self.extensions > limits.head {
            return Err(Cause::TooLarge { what: "bytes of chunk extensions", limit: limits.head });
        }
        Ok(next)
    }

    fn trailer(&mut self, bytes: &[u8], next: Next, limit: usize) -> Result<Next, Cause> {
        self.trailers.extend_from_slice(bytes);
        if self.trailers.len() > limit {
            return Err(Cause::TooLarge { what: "bytes of trailers", limit });
        }
        Ok(next)
    }

    /// Trailers are of no use to us, but malformed ones may be the next answer, or part of it.
    fn finish(&mut self) -> Result<Next, Cause> {
        if self.trailers.is_empty() {
            return Ok(Next::Nothing);
        }
        self.trailers.extend_from_slice(b"\r\n");
        match httparse::parse_headers(&self.trailers, &mut [EMPTY_HEADER; MAX_HEADERS]) {
            Ok(Status::Complete((len, _))) if len == self.trailers.len() => Ok(Next::Nothing),
            Err(httparse::Error::TooManyHeaders) => Err(Cause::TooLarge { what: "trailer lines", limit: MAX_HEADERS }),
            _ => Err(Cause::Protocol("malformed trailers")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_body_is_left_after_it() {
        let mut buffer = BytesMut::from("head2\r\nhi\r\n1;a\r\n!\r\n0\r\nb: c\r\n\r\nrest");
        let mut chunked = Chunked::new(4);
        assert_eq!(chunked.decode(&mut buffer, &ResponseLimits::default()).unwrap(), Some(7));
        assert_eq!(buffer, "headhi!rest");
    }
}
