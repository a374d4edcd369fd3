//! The state of a connection: its streams, windows and settings. It does no input or output.

mod received;

use std::task::Waker;
use std::{io, mem};

use tokio::time::Instant;

use super::frame::{self, ErrorCode, FrameHead};
use super::hpack::{Decoder, Encoder};
use super::http2_error::Http2Error;
use super::incoming::IncomingResponse;
use super::outgoing::OutgoingBody;
use super::stream::Stream;
use crate::http::h1::ResponseLimits;

/// Bytes that the server may send before they are returned by WINDOW_UPDATE: of a stream, and of
/// the connection.
const STREAM_WINDOW: u32 = 2 << 20;
const CONNECTION_WINDOW: u32 = 5 << 20;
/// Bytes that may wait to be written, beside frames of the connection itself.
const OUTPUT: usize = 64 << 10;
/// The last identifier of a stream of a client.
const LAST_STREAM: u32 = (1 << 31) - 1;

#[derive(Debug)]
pub(super) struct Session {
    pub(super) streams: Vec<Stream>,
    /// Frames to write.
    pub(super) output: Vec<u8>,
    /// Whether the server has sent its first SETTINGS.
    pub(super) has_settings: bool,
    encoder: Encoder,
    decoder: Decoder,
    server: ServerSettings,
    /// Bytes of bodies that the server accepts.
    window: i64,
    /// Received bytes that no WINDOW_UPDATE has returned.
    unreturned: u32,
    /// The identifier of the next stream.
    next: u32,
    /// A block of fields that CONTINUATION continues.
    block: Option<OpenBlock>,
    max_block: usize,
    /// Whether no stream may begin.
    is_ended: bool,
    /// The code with which the server says that it ends the connection.
    goaway: Option<ErrorCode>,
}

#[derive(Debug)]
struct ServerSettings {
    max_streams: u32,
    window: u32,
    max_frame: usize,
}

#[derive(Debug)]
struct OpenBlock {
    stream: u32,
    ends_stream: bool,
    bytes: Vec<u8>,
    /// Bytes of the frames of the block so far, with their heads.
    received: usize,
}

impl Session {
    pub(super) fn new(limits: &ResponseLimits) -> Self {
        let mut output = Vec::with_capacity(256);
        output.extend_from_slice(frame::PREFACE);
        let settings = [
            (frame::ENABLE_PUSH, 0),
            (frame::INITIAL_WINDOW_SIZE, STREAM_WINDOW),
            (frame::MAX_HEADER_LIST_SIZE, u32::try_from(limits.head).unwrap_or(u32::MAX)),
        ];
        frame::put_settings(&settings, &mut output);
        let increment = CONNECTION_WINDOW - frame::WINDOW;
        frame::put(frame::WINDOW_UPDATE, 0, 0, &increment.to_be_bytes(), &mut output);
        Self {
            streams: Vec::new(),
            output,
            has_settings: false,
            encoder: Encoder::new(),
            decoder: Decoder::new(),
            server: ServerSettings { max_streams: u32::MAX, window: frame::WINDOW, max_frame: frame::MAX_FRAME },
            window: i64::from(frame::WINDOW),
            unreturned: 0,
            next: 1,
            block: None,
            max_block: limits.head,
            is_ended: false,
            goaway: None,
        }
    }

    /// Whether streams may begin, as far as their limit allows.
    pub(super) const fn is_open(&self) -> bool {
        !self.is_ended && self.next <= LAST_STREAM
    }

    /// Whether the server's limit allows another stream.
    pub(super) fn has_room(&self) -> bool {
        self.streams.len() < self.server.max_streams as usize
    }

    /// Begins a stream: queues the head of its request, which `encode` appends. Returns its
    /// identifier.
    pub(super) fn begin(
        &mut self,
        incoming: IncomingResponse,
        has_body: bool,
        encode: impl FnOnce(&mut Encoder, &mut Vec<u8>),
    ) -> u32 {
        let (id, start) = (self.next, self.output.len());
        self.next += 2;
        self.output.extend_from_slice(&[0; frame::HEAD]);
        encode(&mut self.encoder, &mut self.output);
        let block = start + frame::HEAD;
        let rest = self.output.split_off((block + self.server.max_frame).min(self.output.len()));
        let end_flag = |is_last: bool| if is_last { frame::END_HEADERS } else { 0 };
        let flags = end_flag(rest.is_empty()) | if has_body { 0 } else { frame::END_STREAM };
        let head = FrameHead { length: self.output.len() - block, kind: frame::HEADERS, flags, stream: id };
        self.output[start..block].copy_from_slice(&head.bytes());
        let mut pieces = rest.chunks(self.server.max_frame).peekable();
        while let Some(piece) = pieces.next() {
            let flags = end_flag(pieces.peek().is_none());
            frame::put(frame::CONTINUATION, flags, id, piece, &mut self.output);
        }
        self.streams.push(Stream {
            id,
            incoming,
            result: None,
            window: i64::from(self.server.window),
            is_queued: !has_body,
            is_held: false,
            sent: None,
            is_blocked: false,
            unreturned: 0,
            waker: None,
        });
        id
    }

    pub(super) fn stream(&mut self, id: u32) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.id == id)
    }

    /// Queues as much of a body as windows and the room for output allow. Returns whether there is
    /// a rest.
    pub(super) fn queue_body(&mut self, id: u32, body: &mut OutgoingBody<'_>) -> io::Result<bool> {
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.id == id) else { return Ok(false) };
        while stream.may_send() && self.output.len() < OUTPUT {
            let (rest, is_last) = body.rest()?;
            let allowed = usize::try_from(stream.window.min(self.window).max(0)).unwrap_or(0);
            let piece = &rest[..rest.len().min(allowed).min(self.server.max_frame)];
            if piece.is_empty() && !rest.is_empty() {
                break;
            }
            stream.is_queued = is_last && piece.len() == rest.len();
            let flags = if stream.is_queued { frame::END_STREAM } else { 0 };
            frame::put(frame::DATA, flags, id, piece, &mut self.output);
            let sent = piece.len();
            stream.window -= sent as i64;
            self.window -= sent as i64;
            body.advance(sent);
        }
        Ok(!stream.is_queued)
    }

    /// Whether windows allow more of a stream's body.
    pub(super) fn can_queue(&mut self, id: u32) -> bool {
        let window = self.window;
        self.stream(id).is_some_and(|stream| stream.may_send() && stream.window.min(window) > 0)
    }

    /// Marks the requests that have been written, and wakes those that wait for room.
    pub(super) fn mark_sent(&mut self, now: Instant) {
        for stream in &mut self.streams {
            if stream.is_queued {
                stream.sent.get_or_insert(now);
            } else if mem::take(&mut stream.is_blocked) {
                stream.wake();
            }
        }
    }

    fn wake_blocked(&mut self) {
        for stream in &mut self.streams {
            if mem::take(&mut stream.is_blocked) {
                stream.wake();
            }
        }
    }

    /// Notes the task that waits for a stream.
    pub(super) fn wait(&mut self, id: u32, waker: &Waker, is_blocked: bool) {
        let Some(stream) = self.stream(id) else { return };
        stream.is_blocked = is_blocked;
        if !stream.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            stream.waker = Some(waker.clone());
        }
    }

    /// Removes a stream that has a result, and returns both.
    pub(super) fn take_finished(&mut self, id: u32) -> Option<Result<(Stream, Instant), Http2Error>> {
        let at = self.streams.iter().position(|stream| stream.id == id)?;
        let result = self.streams[at].result.take()?;
        let stream = self.streams.swap_remove(at);
        if result.is_ok() && !stream.is_queued && !self.is_ended {
            // The response came before the whole request was sent, which ends it.
            self.reset(id, ErrorCode::NO_ERROR);
        }
        Some(result.map(|finished| (stream, finished)))
    }

    /// Removes a stream whose task was dropped. Returns whether it was there.
    pub(super) fn abandon(&mut self, id: u32) -> bool {
        let Some(at) = self.streams.iter().position(|stream| stream.id == id) else { return false };
        let stream = self.streams.swap_remove(at);
        if stream.result.is_none() {
            self.reset(id, ErrorCode::CANCEL);
        }
        true
    }

    fn reset(&mut self, id: u32, code: ErrorCode) {
        frame::put(frame::RST_STREAM, 0, id, &code.0.to_be_bytes(), &mut self.output);
    }

    /// Ends the connection and all its streams.
    pub(super) fn fail(&mut self, cause: &Http2Error) {
        self.is_ended = true;
        for stream in &mut self.streams {
            let cause = match cause {
                Http2Error::Closed(_) if stream.incoming.has_head() => Http2Error::Truncated(self.goaway),
                Http2Error::Closed(_) => Http2Error::Closed(self.goaway),
                Http2Error::Io(error) if stream.incoming.has_head() => Http2Error::Body(error.clone()),
                cause => cause.clone(),
            };
            stream.finish(Err(cause));
        }
    }
}
