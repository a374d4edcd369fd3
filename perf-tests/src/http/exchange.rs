//! What comes of a request: a whole answer or how it failed, and what its time went into.

use bytes::Bytes;
use tokio::time::Instant;

use crate::measure::{DurationParts, Failure};

/// What came of a request.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) result: Result<Reply, ExchangeError>,
    pub(crate) parts: DurationParts,
    pub(crate) finished: Instant,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// What an own connection read: head and body in one.
    whole: Bytes,
    /// Where the body begins in it.
    head_len: usize,
    /// The library's headers. Boxed, since they are large, and every answer is as large as the largest form.
    map: Option<Box<http::HeaderMap>>,
}

impl Reply {
    /// Head and body as an own connection read them, and where the body begins.
    pub(super) const fn of_own_connection(status: u16, whole: Bytes, head_len: usize) -> Self {
        Self { status, whole, head_len, map: None }
    }

    /// An answer as the library has it.
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

    pub(crate) fn body(&self) -> &[u8] {
        &self.whole[self.head_len..]
    }
}

/// How a request failed before a whole answer was there.
#[derive(Debug)]
pub(crate) struct ExchangeError {
    pub(crate) failure: Failure,
    pub(crate) message: String,
}
