//! The outcome of a request: a whole response or an error, and the parts of its time.

use std::time::Duration;

use bytes::Bytes;
use monitoring::metric::RequestPart;
use tokio::time::Instant;

use super::content_coding::{self, DecodeError};
use super::h1::{RawResponse, Timings};
use crate::clock;
use crate::measure::{DurationParts, Failure};

#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) result: Result<RawResponse, ExchangeError>,
    pub(crate) parts: DurationParts,
    pub(crate) finished: Instant,
    /// Whether the request was sent once more, on a new connection.
    pub(crate) is_resent: bool,
}

#[derive(Debug)]
pub(super) struct Measured {
    started: Instant,
    /// The time until the request was sent once more; zero if it was sent once.
    until_resend: Duration,
    pub(super) parts: DurationParts,
    pub(super) is_resent: bool,
}

impl Measured {
    pub(super) fn new(started: Instant) -> Self {
        Self { started, until_resend: Duration::ZERO, parts: DurationParts::default(), is_resent: false }
    }

    /// The request is sent once more, and its parts count from now.
    pub(super) fn resend(&mut self) {
        self.is_resent = true;
        self.until_resend = clock::now().duration_since(self.started);
    }

    /// The request waited until now, for its turn or for a connection.
    pub(super) fn was_blocked(&mut self) {
        self.parts.set(RequestPart::Blocked, clock::now().duration_since(self.started + self.until_resend));
    }

    /// The time since the request had its turn.
    pub(super) fn since_blocked(&self) -> Duration {
        let waited = self.until_resend + self.parts.get(RequestPart::Blocked);
        clock::now().duration_since(self.started).saturating_sub(waited)
    }

    /// Whether a new connection was made, and its TLS handshake has not ended.
    pub(super) fn is_without_handshake(&self) -> bool {
        let is_over = |part| self.parts.get(part) > Duration::ZERO;
        is_over(RequestPart::Connecting) && !is_over(RequestPart::TlsHandshaking)
    }

    pub(super) fn responded(&mut self, times: Timings) {
        let sending_since = self.started + self.until_resend + self.parts.before_sending();
        self.parts.set(RequestPart::Sending, times.sent.duration_since(sending_since));
        self.parts.set(RequestPart::Waiting, times.first_byte.duration_since(times.sent) + self.until_resend);
        self.parts.set(RequestPart::Receiving, times.finished.duration_since(times.first_byte));
    }
}

impl RawResponse {
    /// The first value of a trailer.
    pub(crate) fn trailer(&self, name: &str) -> Option<&[u8]> {
        self.trailers.as_ref()?.get(name).map(http::HeaderValue::as_bytes)
    }

    /// All values of a header, in the order of its lines.
    pub(crate) fn header_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.headers().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Decodes the body's content codings, into at most `limit` bytes. A longer body is discarded.
    pub(crate) fn decode(&mut self, limit: usize) -> Result<(), ExchangeError> {
        if !self.known.content_encoding || self.discarded > 0 {
            return Ok(());
        }
        let (head, body) = self.whole.split_at(self.head_len);
        let decoded = content_coding::decode(self.header_all("content-encoding"), head, body, limit);
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

    pub(crate) const fn sets_cookies(&self) -> bool {
        self.known.set_cookie
    }
}

#[derive(Debug)]
pub(crate) struct ExchangeError {
    pub(crate) failure: Failure,
    pub(crate) message: String,
}

impl ExchangeError {
    /// An error whose cause is this machine, not the service.
    pub(super) fn local(why: impl ToString) -> Self {
        Self { failure: Failure::Other, message: why.to_string() }
    }
}
