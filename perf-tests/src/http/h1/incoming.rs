//! A response while it is being read: takes new bytes and detects the end. It does no input or
//! output.

use std::ops::Range;

use bytes::{Buf, BytesMut};
use http::HeaderMap;
use tokio::time::Instant;

use super::chunk_decoder::ChunkDecoder;
use super::head::{self, Framing, Head};
use super::{BrokenExchange, CONTINUE, Http1Error, ResponseLimits, ResponseTo};
use crate::clock::now;

/// Minimum room for a read of unknown length, in bytes.
const ROOM: usize = 512;

/// Maximum room reserved for an announced body that has not arrived yet, in bytes.
const AHEAD: usize = 64 << 10;

/// The buffer is replaced if more bytes than these are removed from it at once. It has grown that
/// large only if the body was kept up to the limit.
const LARGE: usize = 4 * AHEAD;

/// The state of a response. Its bytes are in the connection's buffer, which begins with the
/// response.
#[derive(Debug)]
pub(super) struct IncomingResponse {
    response_to: ResponseTo,
    limits: ResponseLimits,
    stage: Stage,
    /// Number of interim responses so far.
    interim: usize,
    received: bool,
    first_byte: Option<Instant>,
    /// Maximum number of bytes in the buffer so far.
    peak: usize,
    /// Bytes of the body that were removed from the buffer.
    discarded: u64,
    /// Whether the server has asked for the body of the request (100).
    continues: bool,
    trailers: Option<Box<HeaderMap>>,
}

#[derive(Debug)]
enum Stage {
    /// The head is incomplete; its end was searched up to this position.
    Head(usize),
    Body(Head, Body),
    Done(WholeResponse),
}

#[derive(Debug)]
enum Body {
    /// The body ends at this position in the buffer.
    Length(usize),
    /// The body is discarded, and this number of its bytes is missing.
    Discarded(u64),
    Chunked(ChunkDecoder),
    UntilClose,
}

/// A whole response in the buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct WholeResponse {
    pub(super) head: Head,
    /// Where its body ends in the buffer.
    pub(super) end: usize,
    /// Maximum number of bytes in the buffer while reading it.
    pub(super) peak: usize,
    /// Length of the body, if it was discarded.
    pub(super) discarded: u64,
    pub(super) first_byte: Instant,
    pub(super) finished: Instant,
}

impl IncomingResponse {
    pub(super) fn new(response_to: ResponseTo, mut limits: ResponseLimits) -> Self {
        if response_to == ResponseTo::Discarded {
            limits.body = 0;
        }
        Self {
            response_to,
            limits,
            stage: Stage::Head(0),
            interim: 0,
            received: false,
            first_byte: None,
            peak: 0,
            discarded: 0,
            continues: false,
            trailers: None,
        }
    }

    pub(super) const fn broken(&self, cause: Http1Error, sent_anything: bool) -> BrokenExchange {
        BrokenExchange { cause, sent_anything, received_anything: self.received }
    }

    pub(super) fn has_head(&self) -> bool {
        !matches!(self.stage, Stage::Head(_))
    }

    pub(super) fn continues(&self) -> bool {
        self.continues
    }

    pub(super) fn take_trailers(&mut self) -> Option<Box<HeaderMap>> {
        self.trailers.take()
    }

    pub(super) fn whole(&self) -> Option<WholeResponse> {
        if let Stage::Done(whole) = self.stage { Some(whole) } else { None }
    }

    /// Minimum room for the next read, in bytes. It exceeds the number of missing bytes, if that is
    /// known. A read that does not fill its room tells tokio that there is nothing more to read for
    /// now.
    pub(super) fn room(&self, buffer: &BytesMut) -> usize {
        let missing = match &self.stage {
            Stage::Body(_, Body::Length(end)) => end - buffer.len() + 1,
            Stage::Body(_, Body::Discarded(missing)) => {
                usize::try_from(*missing).map_or(AHEAD, |missing| missing.saturating_add(1))
            }
            Stage::Body(_, Body::UntilClose) if self.discarded > 0 => AHEAD,
            Stage::Body(_, Body::Chunked(chunked)) => {
                usize::try_from(chunked.missing()).map_or(AHEAD, |missing| missing.saturating_add(ROOM))
            }
            _ => ROOM,
        };
        missing.min(AHEAD)
    }

    /// Handles new bytes in the buffer, at least one.
    pub(super) fn advance(&mut self, buffer: &mut BytesMut) -> Result<(), Http1Error> {
        self.received = true;
        self.peak = self.peak.max(buffer.len());
        let begins = self.first_byte.is_none();
        let mut first_byte = *self.first_byte.get_or_insert_with(now);
        let interim = self.interim;
        while let Stage::Head(searched) = &mut self.stage {
            let at_once = || Head::parse_at_once(buffer, self.response_to, &self.limits);
            let head = match (*searched == 0).then(at_once).flatten() {
                Some(head) => head,
                None => match head::find_end(buffer, searched, self.limits.head)? {
                    Some(len) => match Head::parse(&buffer[..len], self.response_to, &self.limits) {
                        Err(Http1Error::Protocol(_)) if head::unfold(&mut buffer[..len]) => {
                            Head::parse(&buffer[..len], self.response_to, &self.limits)?
                        }
                        parsed => parsed?,
                    },
                    None => return Ok(()),
                },
            };
            if !head.is_interim() {
                self.stage = Stage::Body(head, Body::new(&head, self.limits.body));
                break;
            }
            self.continues |= head.status == CONTINUE;
            self.skip(buffer, head.len)?;
            if buffer.is_empty() {
                self.first_byte = None;
                return Ok(());
            }
            first_byte = now();
            self.first_byte = Some(first_byte);
        }
        let Stage::Body(head, body) = &mut self.stage else { return Ok(()) };
        if let Some(end) = body.end(head, buffer, &self.limits, &mut self.discarded)? {
            if let Body::Chunked(chunked) = body {
                self.trailers = chunked.take_trailers();
            }
            // A response that this read began and ended costs one look at the clock.
            let finished = if begins || interim != self.interim { first_byte } else { now() };
            self.stage = Stage::Done(WholeResponse {
                head: *head,
                end,
                peak: self.peak,
                discarded: self.discarded,
                first_byte,
                finished,
            });
        }
        Ok(())
    }

    /// Removes an interim response from the buffer.
    fn skip(&mut self, buffer: &mut BytesMut, len: usize) -> Result<(), Http1Error> {
        self.interim += 1;
        if self.interim > self.limits.interim {
            return Err(Http1Error::TooLarge { what: "interim responses", limit: self.limits.interim });
        }
        self.stage = Stage::Head(0);
        buffer.advance(len);
        Ok(())
    }

    pub(super) fn end(&mut self, buffer: &BytesMut) -> Result<(), Http1Error> {
        match (&self.stage, self.first_byte) {
            (Stage::Body(head, Body::UntilClose), Some(first_byte)) => {
                let (end, peak, discarded) = (buffer.len(), self.peak, self.discarded);
                self.stage =
                    Stage::Done(WholeResponse { head: *head, end, peak, discarded, first_byte, finished: now() });
                Ok(())
            }
            (Stage::Head(_), None) => Err(Http1Error::Closed("before a response")),
            (Stage::Head(_), Some(_)) => Err(Http1Error::Closed("within the head")),
            _ => Err(Http1Error::Closed("within the body")),
        }
    }
}

impl Body {
    fn new(head: &Head, limit: usize) -> Self {
        match head.framing {
            Framing::Length(length) => match usize::try_from(length) {
                Ok(length) if length <= limit => Self::Length(head.len.saturating_add(length)),
                _ => Self::Discarded(length),
            },
            Framing::Chunked => Self::Chunked(ChunkDecoder::new(head.len)),
            Framing::UntilClose => Self::UntilClose,
        }
    }

    /// Where the body ends in the buffer, if it is complete. Removes a body beyond the limit from
    /// the buffer, and adds its bytes to `discarded`.
    fn end(
        &mut self,
        head: &Head,
        buffer: &mut BytesMut,
        limits: &ResponseLimits,
        discarded: &mut u64,
    ) -> Result<Option<usize>, Http1Error> {
        match self {
            Self::Length(end) => Ok((*end <= buffer.len()).then_some(*end)),
            Self::Discarded(missing) => {
                let arrived = buffer.len() - head.len;
                let arrived = usize::try_from(*missing).map_or(arrived, |missing| missing.min(arrived));
                *missing -= discard(buffer, head.len..head.len + arrived, discarded);
                Ok((*missing == 0).then_some(head.len))
            }
            Self::Chunked(chunked) => {
                let end = chunked.decode(buffer, limits)?;
                let data = chunked.data();
                if *discarded == 0 && data.len() <= limits.body {
                    return Ok(end);
                }
                discard(buffer, data, discarded);
                chunked.data_was_removed();
                Ok(end.map(|_| head.len))
            }
            Self::UntilClose => {
                let data = head.len..buffer.len();
                if *discarded > 0 || data.len() > limits.body {
                    discard(buffer, data, discarded);
                }
                Ok(None)
            }
        }
    }
}

/// Removes a part of a body from the buffer, and counts it. Returns its length.
fn discard(buffer: &mut BytesMut, part: Range<usize>, discarded: &mut u64) -> u64 {
    let length = part.len() as u64;
    *discarded += length;
    buffer.copy_within(part.end.., part.start);
    buffer.truncate(buffer.len() - part.len());
    if part.len() > LARGE {
        *buffer = BytesMut::from(&buffer[..]);
    }
    length
}
