//! The outcome of a request: a whole response or an error, and the parts of its time.

use bytes::Bytes;
use tokio::time::Instant;

use super::content_coding;
use crate::measure::{DurationParts, Failure};

/// The outcome of a request.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) result: Result<Reply, ExchangeError>,
    pub(crate) parts: DurationParts,
    pub(crate) finished: Instant,
    /// Whether the request was sent again, on a new connection.
    pub(crate) is_resent: bool,
}

/// A whole response.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Head and body as an [`super::h1`] connection read them, or hyper's body.
    whole: Bytes,
    /// Where the body begins in `whole`.
    head_len: usize,
    /// Hyper's headers. They are boxed as they are large, and every response takes the size of the
    /// largest variant.
    map: Option<Box<http::HeaderMap>>,
    /// Whether the body has a content coding.
    is_encoded: bool,
}

impl Reply {
    /// A response of an [`super::h1`] connection: head and body, and where the body begins.
    pub(super) fn from_own_connection(status: u16, (whole, head_len): (Bytes, usize), is_encoded: bool) -> Self {
        Self { status, whole, head_len, map: None, is_encoded }
    }

    /// A response of hyper.
    pub(super) fn from_hyper(status: u16, headers: http::HeaderMap, body: Bytes) -> Self {
        let is_encoded = headers.contains_key(http::header::CONTENT_ENCODING);
        Self { status, whole: body, head_len: 0, map: Some(Box::new(headers)), is_encoded }
    }

    /// The first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        match &self.map {
            None => super::h1::header(&self.whole[..self.head_len], name),
            Some(map) => map.get(name).map(http::HeaderValue::as_bytes),
        }
    }

    /// All values of a header, in the order of its lines.
    pub(crate) fn header_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        // Without hyper's headers, the head is in `whole`; with them, `whole` has no head.
        let own = super::h1::header_all(&self.whole[..self.head_len], name);
        let map = self.map.iter().flat_map(move |map| map.get_all(name)).map(http::HeaderValue::as_bytes);
        own.chain(map)
    }

    /// Decodes the body's content codings, into at most `limit` bytes.
    pub(crate) fn decode(&mut self, limit: usize) -> Result<(), ExchangeError> {
        if !self.is_encoded {
            return Ok(());
        }
        let decoded =
            content_coding::decode(self.header_all("content-encoding"), self.whole.split_at(self.head_len), limit);
        match decoded {
            Ok(None) => Ok(()),
            Ok(Some(whole)) => {
                self.whole = Bytes::from(whole);
                Ok(())
            }
            Err(error) => Err(ExchangeError { failure: Failure::Protocol, message: error.to_string() }),
        }
    }

    /// The content codings that are not known, so that the body stays encoded; empty if there are
    /// none.
    pub(crate) fn unknown_codings(&self) -> String {
        let names = content_coding::unknown_codings(self.header_all("content-encoding"));
        names.map(String::from_utf8_lossy).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.whole[self.head_len..]
    }
}

/// Why there is no whole response.
#[derive(Debug)]
pub(crate) struct ExchangeError {
    pub(crate) failure: Failure,
    pub(crate) message: String,
}
