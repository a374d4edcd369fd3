//! The client side of an HTTP/1.1 connection: sends a request and reads its response, one after the
//! other.
//!
//! It is made for load: a small exchange costs one write, one read and no allocation. It has no
//! URLs, redirects or pools, and takes requests as bytes. It is stricter about responses than
//! clients for the open web, since a response that two readers may understand differently is a
//! finding.

mod chunk_decoder;
mod connection;
mod head;
mod incoming;
mod streamed;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::HeaderMap;
use perf_settings::{DEFAULT_MAX_HEAD, MOST_MAX_BODY};
use tokio::time::Instant;

pub use connection::Connection;
pub(in crate::http) use head::parse_length;
pub(crate) use streamed::{CONTINUE_WITHIN, StreamedRequest};

/// Limits on the data that a server may send.
#[derive(Debug, Clone, Copy)]
pub struct ResponseLimits {
    /// Maximum bytes of a head. The same limit applies to all extensions of a chunked body
    /// together, and to its trailers.
    pub head: usize,
    /// Maximum header lines of a head.
    pub headers: usize,
    /// Maximum bytes of a body that is kept, without its transfer coding. A longer body is read and
    /// discarded.
    pub body: usize,
    /// Maximum interim (1xx) responses before the final one.
    pub interim: usize,
}

impl Default for ResponseLimits {
    fn default() -> Self {
        Self { head: 0, headers: 0, body: MOST_MAX_BODY, interim: 16 }.with_head(DEFAULT_MAX_HEAD)
    }
}

impl ResponseLimits {
    /// Sets the maximum bytes of a head, and with it the maximum number of its lines. The shortest
    /// line that sets a cookie has 17 bytes.
    pub(crate) const fn with_head(mut self, bytes: usize) -> Self {
        const SHORTEST_LINE: usize = 16;
        (self.head, self.headers) = (bytes, bytes / SHORTEST_LINE);
        self
    }
}

/// Limits of a response's head, as errors name them.
pub(in crate::http) const HEAD_BYTES: &str = "bytes of head: set --max-head";
pub(in crate::http) const HEAD_LINES: &str = "header lines: set --max-head";

/// The status that asks for the body of a request (RFC 9110, 15.2.1).
pub(in crate::http) const CONTINUE: u16 = 100;

/// The effect of the request's method on the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseTo {
    /// The response has no body, whatever its head says (RFC 9112, 6.3).
    Head,
    /// The response has the body that its head announces. Must not be used for CONNECT.
    Other,
    /// As `Other`, but the body is read and discarded.
    Discarded,
}

/// Headers that a response is known to have. Any other header is searched for when it is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KnownHeaders {
    pub(crate) content_encoding: bool,
    pub(crate) set_cookie: bool,
}

#[derive(Debug, Clone)]
pub struct RawResponse {
    /// The status code, from 1 to 999, without 100 to 199.
    pub status: u16,
    /// Head and body as HTTP/1.1 has them. Two handles on one piece of memory would cost twice.
    pub(super) whole: Bytes,
    /// Where the body begins.
    pub(super) head_len: usize,
    pub(super) known: KnownHeaders,
    /// Length in bytes of a body that was read and discarded; 0 if the body was kept.
    pub discarded: u64,
    pub(super) trailers: Option<Box<HeaderMap>>,
    pub timings: Timings,
}

impl RawResponse {
    /// The value of the first header line with this name, without surrounding whitespace. The
    /// name's case does not matter. Each call searches the head again.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Name and value of all header lines, as they were read. Trailers are not included.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        head::lines(&self.whole[..self.head_len])
    }

    /// The body, without its transfer coding. Empty if it was discarded.
    pub fn body(&self) -> &[u8] {
        &self.whole[self.head_len..]
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Timings {
    /// The last byte of the request was handed to the kernel, or sending stopped since the response
    /// came early.
    pub sent: Instant,
    /// The first byte of the final response was read. Earlier than `sent` if the response came
    /// early.
    pub first_byte: Instant,
    /// The last byte of the response was read.
    pub finished: Instant,
}

/// An exchange without a response. The connection cannot be used again.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct BrokenExchange {
    pub cause: Http1Error,
    /// Whether at least one byte of the request was written.
    pub sent_anything: bool,
    /// Whether at least one byte was read since the request began, interim responses included.
    pub received_anything: bool,
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum Http1Error {
    /// An error of the system while reading or writing, such as a reset connection.
    #[error("{0}")]
    Io(std::io::Error),
    /// The server closed the connection too early: when.
    #[error("connection closed {0}")]
    Closed(&'static str),
    #[error("{0}")]
    RequestBody(std::io::Error),
    /// The server violated HTTP/1.1, or used a feature that no request here asks for.
    #[error("protocol error: {0}")]
    Protocol(&'static str),
    #[error("the server expects TLS: write https:// in the URL, or check the port")]
    ExpectsTls,
    #[error("more than {limit} {what}")]
    TooLarge {
        /// The plural noun that exceeds the limit, and its setting.
        what: &'static str,
        limit: usize,
    },
}
