//! The outcome of a request: a whole response or an error, and the parts of its time.

use bytes::Bytes;
use tokio::time::Instant;

use super::content_coding::{self, DecodeError};
use super::h1::RawResponse;
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
    /// The trailers; `None` if there are none.
    trailers: Option<Box<http::HeaderMap>>,
    /// Whether the body has a content coding.
    is_encoded: bool,
    /// Length in bytes of a body that was discarded; 0 if the body is there.
    pub(crate) discarded: u64,
}

impl Reply {
    /// A response of an [`super::h1`] connection.
    pub(super) fn from_own_connection(response: RawResponse) -> Self {
        let (status, discarded, is_encoded) = (response.status, response.discarded, response.is_encoded());
        let (whole, head_len, trailers) = response.into_whole();
        Self { status, whole, head_len, map: None, trailers, is_encoded, discarded }
    }

    /// A response of hyper: its headers and trailers, its body, and the length of a discarded body.
    pub(super) fn from_hyper(
        status: u16,
        (headers, trailers): (http::HeaderMap, Option<http::HeaderMap>),
        (body, discarded): (Bytes, u64),
    ) -> Self {
        let is_encoded = headers.contains_key(http::header::CONTENT_ENCODING);
        let (map, trailers) = (Some(Box::new(headers)), trailers.map(Box::new));
        Self { status, whole: body, head_len: 0, map, trailers, is_encoded, discarded }
    }

    /// The first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        match &self.map {
            None => super::h1::header(&self.whole[..self.head_len], name),
            Some(map) => map.get(name).map(http::HeaderValue::as_bytes),
        }
    }

    /// The first value of a trailer.
    pub(crate) fn trailer(&self, name: &str) -> Option<&[u8]> {
        self.trailers.as_ref()?.get(name).map(http::HeaderValue::as_bytes)
    }

    /// All values of a header, in the order of its lines.
    pub(crate) fn header_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        // Without hyper's headers, the head is in `whole`; with them, `whole` has no head.
        let own = super::h1::header_all(&self.whole[..self.head_len], name);
        let map = self.map.iter().flat_map(move |map| map.get_all(name)).map(http::HeaderValue::as_bytes);
        own.chain(map)
    }

    /// Decodes the body's content codings, into at most `limit` bytes. A longer body is discarded.
    pub(crate) fn decode(&mut self, limit: usize) -> Result<(), ExchangeError> {
        if !self.is_encoded || self.discarded > 0 {
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
            Err(DecodeError::TooLarge { .. }) => {
                self.discarded = self.body().len() as u64;
                self.whole = Bytes::copy_from_slice(&self.whole[..self.head_len]);
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

    /// The body; empty if it was discarded.
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
