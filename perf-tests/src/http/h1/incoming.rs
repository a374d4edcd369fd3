//! An answer that is being read: takes what came, and says when it is whole. Does no input or output.

use bytes::{Buf, BytesMut};
use tokio::time::Instant;

use super::body::Chunked;
use super::head::{self, Framing, Head};
use super::{AnswerTo, Cause, ResponseLimits};
use crate::clock::now;

/// The least room for a read of what has no known length, in bytes.
const ROOM: usize = 512;

/// The most room made ahead for a body that was announced but has not come yet, in bytes.
const AHEAD: usize = 64 << 10;

/// The state of an answer. The bytes themselves are in the connection's buffer, which begins where the answer does.
#[derive(Debug)]
pub(super) struct Incoming {
    answer_to: AnswerTo,
    limits: ResponseLimits,
    stage: Stage,
    /// Interim answers so far.
    interim: usize,
    received: bool,
    first_byte: Option<Instant>,
    /// The most bytes that the buffer held.
    peak: usize,
}

#[derive(Debug)]
enum Stage {
    /// The head is not whole, and its end was searched for up to here.
    Head(usize),
    Body(Head, Body),
    Done(Whole),
}

#[derive(Debug)]
enum Body {
    /// Ends here in the buffer.
    Length(usize),
    Chunked(Chunked),
    UntilClose,
}

/// What there is to know of a whole answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole {
    pub(super) head: Head,
    /// Where its body ends in the buffer.
    pub(super) end: usize,
    /// The most bytes that the buffer held on the way there.
    pub(super) peak: usize,
    pub(super) first_byte: Instant,
    pub(super) finished: Instant,
}

impl Incoming {
    pub(super) fn new(answer_to: AnswerTo, limits: ResponseLimits) -> Self {
        Self { answer_to, limits, stage: Stage::Head(0), interim: 0, received: false, first_byte: None, peak: 0 }
    }

    /// Whether anything came at all.
    pub(super) fn received(&self) -> bool {
        self.received
    }

    /// Whether the head of the final answer is there.
    pub(super) fn has_head(&self) -> bool {
        !matches!(self.stage, Stage::Head(_))
    }

    /// The answer, once it is whole.
    pub(super) fn whole(&self) -> Option<Whole> {
        if let Stage::Done(whole) = self.stage { Some(whole) } else { None }
    }

    /// The room that the next read should have at least, in bytes. Always more than what is missing, where that is
    /// known: a read that does not fill its room tells tokio that there is nothing more to read for now.
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

    /// Takes what was appended to the buffer, at least a byte.
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
            self.stage = Stage::Done(Whole { head: *head, end, peak: self.peak, first_byte, finished });
        }
        Ok(())
    }

    /// Takes an interim answer out of the buffer.
    fn skip(&mut self, buffer: &mut BytesMut, len: usize) -> Result<(), Cause> {
        self.interim += 1;
        if self.interim > self.limits.interim {
            return Err(Cause::TooLarge { what: "interim answers", limit: self.limits.interim });
        }
        self.stage = Stage::Head(0);
        buffer.advance(len);
        Ok(())
    }

    /// The server sends nothing more.
    pub(super) fn end(&mut self, buffer: &BytesMut) -> Result<(), Cause> {
        match (&self.stage, self.first_byte) {
            (Stage::Body(head, Body::UntilClose), Some(first_byte)) => {
                let (end, peak) = (buffer.len(), self.peak);
                self.stage = Stage::Done(Whole { head: *head, end, peak, first_byte, finished: now() });
                Ok(())
            }
            (Stage::Head(_), None) => Err(Cause::Closed("before an answer")),
            (Stage::Head(_), Some(_)) => Err(Cause::Closed("within the head")),
            _ => Err(Cause::Closed("within the body")),
        }
    }
}

impl Body {
    fn new(head: &Head) -> Self {
        match head.framing {
            Framing::Length(length) => Self::Length(head.len.saturating_add(length)),
            Framing::Chunked => Self::Chunked(Chunked::new(head.len)),
            Framing::UntilClose => Self::UntilClose,
        }
    }

    /// Where the body ends in the buffer, if it does.
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
