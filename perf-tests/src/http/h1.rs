//! An HTTP/1.1 connection from the client's side: sends a request and reads its answer, one after the other.
//!
//! Made for load: a small exchange costs one write, one read and no allocation. It knows no URLs, no redirects and no
//! pools, and takes requests as bytes. It is stricter about answers than clients for the open web are, as an answer
//! that two readers may understand differently is a finding.

mod body;
mod connection;
mod head;
mod incoming;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use tokio::time::Instant;

pub use connection::Connection;

/// Limits on what a server may send.
#[derive(Debug, Clone, Copy)]
pub struct ResponseLimits {
    /// The most bytes of a head, and, each taken together, of the extensions and of the trailers of a chunked body.
    pub head: usize,
    /// The most header lines of a head; more than 100 are never accepted.
    pub headers: usize,
    /// The most bytes of a body, after decoding.
    pub body: usize,
    /// The most interim (1xx) answers before the final one.
    pub interim: usize,
}

impl Default for ResponseLimits {
    fn default() -> Self {
        Self { head: 64 << 10, headers: head::MAX_HEADERS, body: 64 << 20, interim: 16 }
    }
}

/// What the request's method makes of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerTo {
    /// It has no body, whatever its head says (RFC 9112, 6.3).
    Head,
    /// It has the body that its head announces. Never to be used for CONNECT.
    Other,
}

/// A final answer, whole.
#[derive(Debug)]
pub struct Answer {
    /// The status code, from 200 to 599.
    pub status: u16,
    /// Head and body, one after the other as they came: two handles on one piece of memory would cost twice.
    whole: Bytes,
    /// Where the body begins.
    head_len: usize,
    /// When its parts came.
    pub timings: Timings,
}

impl Answer {
    /// The value of the first header line of this name; see [`header`].
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        header(&self.whole[..self.head_len], name)
    }

    /// All header lines as they came, name and value. Trailers are not among them.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        head::lines(&self.whole[..self.head_len])
    }

    /// The body, without its transfer coding.
    pub fn body(&self) -> &[u8] {
        &self.whole[self.head_len..]
    }

    /// Head and body in one, and where the body begins.
    pub fn into_whole(self) -> (Bytes, usize) {
        (self.whole, self.head_len)
    }
}

/// The value of the first header line of this name in an accepted head, whose case does not matter, without the whitespace
/// around it. The head is searched anew at each call.
pub fn header<'head>(head: &'head [u8], name: &str) -> Option<&'head [u8]> {
    head::lines(head).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// When the parts of an exchange were over.
#[derive(Debug, Clone, Copy)]
pub struct Timings {
    /// The last byte of the request was handed to the kernel, or the sending was given up, as the answer came early.
    pub sent: Instant,
    /// The first byte of the final answer was read. Before `sent` if the answer came early.
    pub first_byte: Instant,
    /// The last byte of the answer was read.
    pub finished: Instant,
}

/// An exchange that came to no answer. The connection is of no further use.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct Broken {
    /// Why.
    pub cause: Cause,
    /// Whether at least one byte of the request was written.
    pub sent_anything: bool,
    /// Whether at least one byte was read since the request began, be it of an interim answer.
    pub received_anything: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The system said no, be it to a write or to a read; a reset connection is among these.
    #[error("{0}")]
    Io(std::io::Error),
    /// The server closed the connection too early; says when.
    #[error("connection closed {0}")]
    Closed(&'static str),
    /// The server broke the rules of HTTP/1.1, or did what no request of ours asks for.
    #[error("protocol error: {0}")]
    Protocol(&'static str),
    /// The answer exceeds one of the [`ResponseLimits`].
    #[error("more than {limit} {what}")]
    TooLarge {
        /// What there is too much of, in the plural.
        what: &'static str,
        /// How many of it are accepted.
        limit: usize,
    },
}
