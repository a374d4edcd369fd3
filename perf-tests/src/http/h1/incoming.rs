//! A response while it is being read: takes new bytes and detects the end. It does no input or
//! output.

use bytes::{Buf, BytesMut};
use tokio::time::Instant;

use super::body::ChunkDecoder;
use super::head::{self, Framing, Head};
use super::{AnswerTo, Cause, ResponseLimits};
use crate::clock::now;

/// Minimum room for a read of unknown length, in bytes.
const ROOM: usize = 512;

/// Maximum room reserved for an announced body that has not arrived yet, in bytes.
const AHEAD: usize = 64 << 10;

/// The state of a response. Its bytes are in the connection's buffer, which begins with the
/// response.
#[derive(Debug)]
pub(super) struct IncomingResponse {
    answer_to: AnswerTo,
    limits: ResponseLimits,
    stage: Stage,
    /// Number of interim responses so far.
    interim: usize,
    received: bool,
    first_byte: Option<Instant>,
    /// Maximum number of bytes in the buffer so far.
    peak: usize,
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
    pub(super) first_byte: Instant,
    pub(super) finished: Instant,
}

impl IncomingResponse {
    pub(super) fn new(answer_to: AnswerTo, limits: ResponseLimits) -> Self {
        Self { answer_to, limits, stage: Stage::Head(0), interim: 0, received: false, first_byte: None, peak: 0 }
    }

    /// Whether any byte was received.
    pub(super) fn received(&self) -> bool {
        self.received
    }

    /// Whether the head of the final response is complete.
    pub(super) fn has_head(&self) -> bool {
        !matches!(self.stage, Stage::Head(_))
    }

    /// The response, once it is whole.
    pub(super) fn whole(&self) -> Option<WholeResponse> {
        if let Stage::Done(whole) = self.stage { Some(whole) } else { None }
    }

    /// Minimum room for the next read, in bytes. It exceeds the number of missing bytes, if that is
    /// known: a read that does not fill its room tells tokio that there is nothing more to read for
    /// now.
    pub(super) fn room(&self, buffer: &BytesMut) -> usize {
        let missing = match &self.stage {
            Stage::Body(_, Body::Length(end)) => end - buffer.len() + 1,
            Stage::Body(_, Body::Chunked(chunked)) => {
                usize::try_from(chunked.missing()).map_or(AHEAD, |missing| missing.saturating_add(ROOM))
            }
            _ => ROOM,
        };
        missing.min(AHEAD)
    }

    /// Handles new bytes in the buffer, at least one.
    pub(super) fn advance(&mut self, buffer: &mut BytesMut) -> Result<(), Cause> {
        self.received = true;
        self.peak = self.peak.max(buffer.len());
        let begins = self.first_byte.is_none();
        let mut first_byte = *self.first_byte.get_or_insert_with(now);
        let interim = self.interim;
        while let Stage::Head(searched) = &mut self.stage {
            let Some(len) = head::find_end(buffer, searched, self.limits.head)? else { return Ok(()) };
            let head = Head::parse(&buffer[..len], self.answer_to, &self.limits)?;
            if !head.is_interim() {
                self.stage = Stage::Body(head, Body::new(&head));
                break;
            }
            self.skip(buffer, len)?;
            if buffer.is_empty() {
                self.first_byte = None;
                return Ok(());
            }
            first_byte = now();
            self.first_byte = Some(first_byte);
        }
        let Stage::Body(head, body) = &mut self.stage else { return Ok(()) };
        if let Some(end) = body.end(head, buffer, &self.limits)? {
            let finished = if begins || interim != self.interim { first_byte } else { now() };
            self.stage = Stage::Done(WholeResponse { head: *head, end, peak: self.peak, first_byte, finished });
        }
        Ok(())
    }

    /// Removes an interim response from the buffer.
    fn skip(&mut self, buffer: &mut BytesMut, len: usize) -> Result<(), Cause> {
        self.interim += 1;
        if self.interim > self.limits.interim {
            return Err(Cause::TooLarge { what: "interim responses", limit: self.limits.interim });
        }
        self.stage = Stage::Head(0);
        buffer.advance(len);
        Ok(())
    }

    /// Handles the end of the stream.
    pub(super) fn end(&mut self, buffer: &BytesMut) -> Result<(), Cause> {
        match (&self.stage, self.first_byte) {
            (Stage::Body(head, Body::UntilClose), Some(first_byte)) => {
                let (end, peak) = (buffer.len(), self.peak);
                self.stage = Stage::Done(WholeResponse { head: *head, end, peak, first_byte, finished: now() });
                Ok(())
            }
            (Stage::Head(_), None) => Err(Cause::Closed("before a response")),
            (Stage::Head(_), Some(_)) => Err(Cause::Closed("within the head")),
            _ => Err(Cause::Closed("within the body")),
        }
    }
}

impl Body {
    fn new(head: &Head) -> Self {
        match head.framing {
            Framing::Length(length) => Self::Length(head.len.saturating_add(length)),
            Framing::Chunked => Self::Chunked(ChunkDecoder::new(head.len)),
            Framing::UntilClose => Self::UntilClose,
        }
    }

    /// Where the body ends in the buffer, if it is complete.
    fn end(&mut self, head: &Head, buffer: &mut BytesMut, limits: &ResponseLimits) -> Result<Option<usize>, Cause> {
        match self {
            Self::Length(end) => Ok((*end <= buffer.len()).then_some(*end)),
            Self::Chunked(chunked) => chunked.decode(buffer, limits),
            Self::UntilClose if buffer.len() - head.len > limits.body => {
                Err(Cause::TooLarge { what: "bytes of body", limit: limits.body })
            }
            Self::UntilClose => Ok(None),
        }
    }
}
