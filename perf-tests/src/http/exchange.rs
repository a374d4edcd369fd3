//! The outcome of a request: a whole response or an error, and the parts of its time.

use bytes::Bytes;
use tokio::time::Instant;

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
}

impl Reply {
    /// A response of an [`super::h1`] connection: head and body, and where the body begins.
    pub(super) const fn from_own_connection(status: u16, whole: Bytes, head_len: usize) -> Self {
        Self { status, whole, head_len, map: None }
    }

    /// A response of hyper.
    pub(super) fn from_hyper(status: u16, headers: http::HeaderMap, body: Bytes) -> Self {
        Self { status, whole: body, head_len: 0, map: Some(Box::new(headers)) }
    }

    /// The first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        match &self.map {
            None => super::h1::header(&self.whole[..self.head_len], name),
            Some(map) => map.get(name).map(http::HeaderValue::as_bytes),
        }
    }

    /// All values of a header, in their order.
    pub(crate) fn header_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let own = self.map.is_none().then(|| super::h1::header_all(&self.whole[..self.head_len], name));
        let map = self.map.iter().flat_map(move |map| map.get_all(name).iter().map(http::HeaderValue::as_bytes));
        own.into_iter().flatten().chain(map)
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
