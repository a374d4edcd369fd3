//! The chunked transfer coding (RFC 9112, 7.1), decoded in place.

use std::ops::Range;

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue};
use httparse::{EMPTY_HEADER, Status};

use super::{Http1Error, ResponseLimits};

/// Hexadecimal digits of a 64-bit number. Leading zeros count, so that a size cannot be endless.
const MAX_DIGITS: u8 = 16;

const MAX_TRAILERS: usize = 100;

const MALFORMED_TRAILERS: Http1Error = Http1Error::Protocol("malformed trailers");

/// Decoder of a chunked body. The buffer holds the head, then decoded data, then new bytes.
#[derive(Debug)]
pub(super) struct ChunkDecoder {
    next: NextByte,
    /// Where the body begins in the buffer.
    start: usize,
    /// Where the decoded part ends.
    end: usize,
    /// Missing bytes of the current chunk.
    left: u64,
    /// Bytes of all extensions so far.
    extensions: usize,
    trailer_lines: Vec<u8>,
    trailers: Option<Box<HeaderMap>>,
}

/// The part that the next byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NextByte {
    /// The size of a chunk, with this many digits so far.
    Size(u8),
    /// The whitespace between a size and an extension.
    Space,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// A trailer, or the empty line at the end of the body.
    Line,
    Trailer,
    TrailerLf,
    EndLf,
    AfterEnd,
}

impl ChunkDecoder {
    pub(super) fn new(start: usize) -> Self {
        Self {
            next: NextByte::Size(0),
            start,
            end: start,
            left: 0,
            extensions: 0,
            trailer_lines: Vec::new(),
            trailers: None,
        }
    }

    /// Bytes that will certainly follow.
    pub(super) fn missing(&self) -> u64 {
        self.left
    }

    /// Decodes the new bytes in the buffer and removes everything but data. Returns the end of the
    /// body once it is whole. Bytes that follow the body stay in the buffer after it.
    pub(super) fn decode(
        &mut self,
        buffer: &mut BytesMut,
        limits: &ResponseLimits,
    ) -> Result<Option<usize>, Http1Error> {
        let mut at = self.end;
        while at < buffer.len() && self.next != NextByte::AfterEnd {
            if self.next == NextByte::Data {
                let rest = buffer.len() - at;
                let length = usize::try_from(self.left).map_or(rest, |left| left.min(rest));
                if at != self.end {
                    buffer.copy_within(at..at + length, self.end);
                }
                at += length;
                self.end += length;
                self.left -= length as u64;
                if self.left == 0 {
                    self.next = NextByte::DataCr;
                }
            } else {
                self.next = self.step(buffer[at], limits)?;
                at += 1;
            }
        }
        let rest = buffer.len() - at;
        buffer.copy_within(at.., self.end);
        buffer.truncate(self.end + rest);
        Ok((self.next == NextByte::AfterEnd).then_some(self.end))
    }

    /// The decoded data in the buffer.
    pub(super) fn data(&self) -> Range<usize> {
        self.start..self.end
    }

    /// Says that the data was removed from the buffer.
    pub(super) fn data_was_removed(&mut self) {
        self.end = self.start;
    }

    /// Handles a byte that is not data.
    fn step(&mut self, byte: u8, limits: &ResponseLimits) -> Result<NextByte, Http1Error> {
        match (self.next, byte) {
            (NextByte::Size(digits), _) if byte.is_ascii_hexdigit() => self.digit(digits, byte),
            (NextByte::Size(0), _) => Err(Http1Error::Protocol("chunk without a size")),
            (NextByte::Size(_) | NextByte::Extension, b'\r') => Ok(NextByte::SizeLf),
            (NextByte::Size(_) | NextByte::Space, b';') => Ok(NextByte::Extension),
            (NextByte::Size(_) | NextByte::Space, b' ' | b'\t') => self.extension(NextByte::Space, limits),
            (NextByte::Size(_) | NextByte::Space, _) => Err(Http1Error::Protocol("malformed chunk size")),
            (NextByte::Extension, b'\n') => Err(Http1Error::Protocol("chunk size line ends without CR")),
            (NextByte::Extension, _) => self.extension(NextByte::Extension, limits),
            (NextByte::SizeLf, b'\n') => Ok(if self.left == 0 { NextByte::Line } else { NextByte::Data }),
            (NextByte::DataCr, b'\r') => Ok(NextByte::DataLf),
            (NextByte::DataLf, b'\n') => Ok(NextByte::Size(0)),
            (NextByte::Line, b'\r') => Ok(NextByte::EndLf),
            (NextByte::Line | NextByte::Trailer, b'\n') => Err(Http1Error::Protocol("trailer line ends without CR")),
            (NextByte::Trailer, b'\r') => Ok(NextByte::TrailerLf),
            (NextByte::Line | NextByte::Trailer, _) => self.trailer(&[byte], NextByte::Trailer, limits.head),
            (NextByte::TrailerLf, b'\n') => self.trailer(b"\r\n", NextByte::Line, limits.head),
            (NextByte::EndLf, b'\n') => self.finish(),
            (NextByte::DataCr | NextByte::DataLf, _) => Err(Http1Error::Protocol("chunk does not end after its data")),
            _ => Err(Http1Error::Protocol("CR without LF in chunk framing")),
        }
    }

    fn digit(&mut self, digits: u8, byte: u8) -> Result<NextByte, Http1Error> {
        if digits == MAX_DIGITS {
            return Err(Http1Error::Protocol("chunk size with too many digits"));
        }
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            _ => (byte | 0x20) - b'a' + 10,
        };
        self.left = self.left << 4 | u64::from(digit);
        Ok(NextByte::Size(digits + 1))
    }

    fn extension(&mut self, next: NextByte, limits: &ResponseLimits) -> Result<NextByte, Http1Error> {
        self.extensions += 1;
        if self.extensions > limits.head {
            return Err(Http1Error::TooLarge { what: "bytes of chunk extensions", limit: limits.head });
        }
        Ok(next)
    }

    fn trailer(&mut self, bytes: &[u8], next: NextByte, limit: usize) -> Result<NextByte, Http1Error> {
        self.trailer_lines.extend_from_slice(bytes);
        if self.trailer_lines.len() > limit {
            return Err(Http1Error::TooLarge { what: "bytes of trailers", limit });
        }
        Ok(next)
    }

    /// Parses the trailers. Malformed ones are rejected, since they may be part of the next
    /// response.
    fn finish(&mut self) -> Result<NextByte, Http1Error> {
        if self.trailer_lines.is_empty() {
            return Ok(NextByte::AfterEnd);
        }
        self.trailer_lines.extend_from_slice(b"\r\n");
        let mut slots = [EMPTY_HEADER; MAX_TRAILERS];
        let lines = match httparse::parse_headers(&self.trailer_lines, &mut slots) {
            Ok(Status::Complete((len, lines))) if len == self.trailer_lines.len() => lines,
            Err(httparse::Error::TooManyHeaders) => {
                return Err(Http1Error::TooLarge { what: "trailer lines", limit: MAX_TRAILERS });
            }
            _ => return Err(MALFORMED_TRAILERS),
        };
        let mut trailers = Box::new(HeaderMap::with_capacity(lines.len()));
        for line in lines {
            let (name, value) = (HeaderName::from_bytes(line.name.as_bytes()), HeaderValue::from_bytes(line.value));
            let (Ok(name), Ok(value)) = (name, value) else { return Err(MALFORMED_TRAILERS) };
            trailers.append(name, value);
        }
        self.trailers = Some(trailers);
        Ok(NextByte::AfterEnd)
    }

    pub(super) fn take_trailers(&mut self) -> Option<Box<HeaderMap>> {
        self.trailers.take()
    }
}

#[cfg(test)]
mod tests;
