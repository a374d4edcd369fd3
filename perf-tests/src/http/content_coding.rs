//! Content codings of response bodies (RFC 9110, 8.4.1): gzip, deflate, br and zstd.

use std::io::{self, ErrorKind, Read};

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::bufread::GzDecoder;
use flate2::read::{DeflateDecoder, ZlibDecoder};

/// The header `accept-encoding`, as current browsers send it over TLS.
pub(super) const ACCEPT_ENCODING: &str = "gzip, deflate, br, zstd";

const MAX_CODINGS: usize = 4;

/// The first bytes of each member of gzip (RFC 1952, 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Maximum window of zstd as the logarithm of its bytes. RFC 9659 allows 8 MiB.
const ZSTD_WINDOW: u32 = 23;

#[derive(Debug, thiserror::Error)]
pub(super) enum DecodeError {
    #[error("the body is not {coding}, although its content-encoding says so: {error}")]
    Malformed { coding: &'static str, error: io::Error },
    #[error("the body ends before its {0} data is complete")]
    Truncated(&'static str),
    #[error("more than {limit} bytes of body after decoding {coding}")]
    TooLarge { coding: &'static str, limit: usize },
    #[error("more than {MAX_CODINGS} content-encodings of one body")]
    TooManyCodings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
    Br,
    Zstd,
}

impl Coding {
    fn parse(name: &[u8]) -> Option<Self> {
        match name.to_ascii_lowercase().as_slice() {
            b"gzip" | b"x-gzip" => Some(Self::Gzip),
            b"deflate" => Some(Self::Deflate),
            b"br" => Some(Self::Br),
            b"zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Br => "br",
            Self::Zstd => "zstd",
        }
    }

    /// Appends the decoded bytes to `out`, at most `limit` of them.
    fn decode(self, bytes: &[u8], out: &mut Vec<u8>, limit: usize) -> Result<(), DecodeError> {
        let coding = self.name();
        let decoded = match self {
            Self::Gzip => read_gzip(bytes, out, limit),
            Self::Deflate if has_zlib_header(bytes) => read(ZlibDecoder::new(bytes), out, limit),
            // Some servers omit the zlib format, and browsers accept it.
            Self::Deflate => read(DeflateDecoder::new(bytes), out, limit),
            Self::Br => read(BrDecoder::new(bytes), out, limit),
            Self::Zstd => zstd::stream::read::Decoder::with_buffer(bytes).and_then(|mut decoder| {
                decoder.window_log_max(ZSTD_WINDOW)?;
                read(decoder, out, limit)
            }),
        };
        match decoded {
            Ok(true) => Ok(()),
            Ok(false) => Err(DecodeError::TooLarge { coding, limit }),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(DecodeError::Truncated(coding)),
            Err(error) => Err(DecodeError::Malformed { coding, error }),
        }
    }
}

/// A decoder of br. The crate's own reader does not tell truncated data from malformed data.
struct BrDecoder<'a> {
    bytes: &'a [u8],
    state: BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
}

impl<'a> BrDecoder<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let alloc = StandardAlloc::default;
        Self { bytes, state: BrotliState::new(alloc(), alloc(), alloc()) }
    }
}

impl Read for BrDecoder<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (mut unread, mut consumed) = (self.bytes.len(), 0);
        let (mut room, mut written, mut total) = (buffer.len(), 0, 0);
        let result = BrotliDecompressStream(
            &mut unread,
            &mut consumed,
            self.bytes,
            &mut room,
            &mut written,
            buffer,
            &mut total,
            &mut self.state,
        );
        self.bytes = &self.bytes[consumed..];
        match result {
            BrotliResult::ResultFailure => Err(io::Error::new(ErrorKind::InvalidData, "invalid data")),
            BrotliResult::NeedsMoreInput if written == 0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(written),
        }
    }
}

/// Reads to the end. Returns whether there were at most `limit` bytes.
fn read(decoder: impl Read, out: &mut Vec<u8>, limit: usize) -> io::Result<bool> {
    let start = out.len();
    decoder.take((limit as u64).saturating_add(1)).read_to_end(out)?;
    Ok(out.len() - start <= limit)
}

/// Reads one member after another. Bytes behind the last one are ignored, as in browsers.
fn read_gzip(mut bytes: &[u8], out: &mut Vec<u8>, limit: usize) -> io::Result<bool> {
    // A decoder would take text that is shorter than a head for truncated gzip.
    if bytes.iter().zip(GZIP).any(|(byte, expected)| *byte != expected) {
        return Err(io::Error::new(ErrorKind::InvalidInput, "invalid gzip header"));
    }
    let start = out.len();
    loop {
        let mut member = GzDecoder::new(bytes);
        if !read(&mut member, out, limit - (out.len() - start))? {
            return Ok(false);
        }
        bytes = member.into_inner();
        if !bytes.starts_with(&GZIP) {
            return Ok(true);
        }
    }
}

/// RFC 1950, 2.2: the method is 8, and the first two bytes are a multiple of 31.
fn has_zlib_header(bytes: &[u8]) -> bool {
    matches!(*bytes, [first, second, ..] if first & 15 == 8 && u16::from_be_bytes([first, second]).is_multiple_of(31))
}

/// The codings of `content-encoding` that are not known, such as "compress".
pub(super) fn unknown_codings<'a>(values: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = &'a [u8]> {
    names(values).filter(|name| Coding::parse(name).is_none())
}

fn names<'a>(values: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = &'a [u8]> {
    let lists = values.flat_map(|value| value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii));
    lists.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(b"identity"))
}

/// Decodes a body whose `content-encoding` headers have these values. Returns the head and the
/// decoded body in one piece; `None` if the body stays as it is: it is empty, or a coding is not
/// known.
pub(super) fn decode<'a>(
    values: impl Iterator<Item = &'a [u8]>,
    head: &[u8],
    body: &[u8],
    limit: usize,
) -> Result<Option<Vec<u8>>, DecodeError> {
    let mut codings = Vec::new();
    for name in names(values) {
        let Some(coding) = Coding::parse(name) else { return Ok(None) };
        if codings.len() == MAX_CODINGS {
            return Err(DecodeError::TooManyCodings);
        }
        codings.push(coding);
    }
    if body.is_empty() || codings.is_empty() {
        return Ok(None);
    }
    // The last coding was applied last.
    let mut decoded = None::<Vec<u8>>;
    for coding in codings.into_iter().rev() {
        let mut out = head.to_vec();
        coding.decode(decoded.as_ref().map_or(body, |decoded| &decoded[head.len()..]), &mut out, limit)?;
        decoded = Some(out);
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests;
