//! The effects of the server's frames on a connection.

use tokio::time::Instant;

use super::super::frame::{self, ErrorCode, FrameHead};
use super::super::http2_error::Http2Error;
use super::{CONNECTION_WINDOW, LAST_STREAM, OpenBlock, STREAM_WINDOW, Session};
use crate::http::h1::HEAD_BYTES;

/// Maximum bytes of output that the server makes by frames such as PING, without reading it.
const MAX_REPLIES: usize = 1 << 20;

impl Session {
    /// Handles a frame. After an error, the connection has to end.
    pub(in super::super) fn handle(&mut self, head: FrameHead, payload: &[u8], now: Instant) -> Result<(), Http2Error> {
        self.has_settings = true;
        if let Some(block) = &self.block
            && (head.kind != frame::CONTINUATION || head.stream != block.stream)
        {
            return Err(Http2Error::Protocol("block of fields without its end"));
        }
        let is_of_stream = matches!(head.kind, frame::DATA | frame::HEADERS | frame::RST_STREAM | frame::CONTINUATION);
        if is_of_stream && (head.stream.is_multiple_of(2) || head.stream >= self.next) {
            return Err(Http2Error::Protocol("frame of a stream that does not exist"));
        }
        if self.output.len() > MAX_REPLIES {
            return Err(Http2Error::Protocol("endless frames that need a reply"));
        }
        match head.kind {
            frame::DATA => self.take_data(head, payload, now),
            frame::HEADERS => {
                let block = head.content(payload).ok_or(Http2Error::Protocol("malformed HEADERS"))?;
                let ends_stream = head.has(frame::END_STREAM);
                if head.has(frame::END_HEADERS) {
                    return self.take_block(head.stream, ends_stream, block, now);
                }
                self.block = Some(OpenBlock { stream: head.stream, ends_stream, bytes: block.to_vec(), received: 0 });
                Ok(())
            }
            frame::CONTINUATION => self.continue_block(head, payload, now),
            frame::RST_STREAM => {
                let code = ErrorCode::parse(payload).ok_or(Http2Error::Protocol("malformed RST_STREAM"))?;
                if let Some(stream) = self.stream(head.stream) {
                    stream.finish(Err(Http2Error::Reset(code)));
                }
                Ok(())
            }
            frame::SETTINGS => self.take_settings(head, payload),
            frame::PING if payload.len() != 8 => Err(Http2Error::Protocol("malformed PING")),
            frame::PING if head.has(frame::ACK) => Ok(()),
            frame::PING => {
                frame::put(frame::PING, frame::ACK, 0, payload, &mut self.output);
                Ok(())
            }
            frame::GOAWAY => self.take_goaway(payload),
            frame::WINDOW_UPDATE => self.take_window_update(head.stream, payload, now),
            frame::PUSH_PROMISE => Err(Http2Error::Protocol("PUSH_PROMISE, which the settings forbid")),
            _ => Ok(()),
        }
    }

    fn continue_block(&mut self, head: FrameHead, payload: &[u8], now: Instant) -> Result<(), Http2Error> {
        let Some(mut block) = self.block.take() else {
            return Err(Http2Error::Protocol("CONTINUATION without HEADERS"));
        };
        block.bytes.extend_from_slice(payload);
        block.received += frame::HEAD + payload.len();
        // Blocks must be decoded in order, so a large one ends the connection.
        if block.received > self.max_block {
            return Err(Http2Error::TooLarge { what: HEAD_BYTES, limit: self.max_block });
        }
        if head.has(frame::END_HEADERS) {
            return self.take_block(block.stream, block.ends_stream, &block.bytes, now);
        }
        self.block = Some(block);
        Ok(())
    }

    fn take_block(&mut self, id: u32, ends_stream: bool, block: &[u8], now: Instant) -> Result<(), Http2Error> {
        const MALFORMED: Http2Error = Http2Error::Protocol("malformed block of fields");
        let mut stream =
            self.streams.iter_mut().find(|stream| stream.id == id).filter(|stream| stream.result.is_none());
        if let Some(stream) = &mut stream {
            stream.incoming.begin_block();
        }
        let decoded = self.decoder.decode(block, |name, value| {
            if let Some(stream) = &mut stream {
                stream.incoming.take_field(name, value);
            }
        });
        decoded.map_err(|_| MALFORMED)?;
        let Some(stream) = stream else { return Ok(()) };
        let result = stream.incoming.end_block(ends_stream, now);
        if stream.is_held && stream.incoming.continues() {
            stream.is_held = false;
            stream.wake();
        }
        self.advance(id, result, now);
        Ok(())
    }

    fn take_data(&mut self, head: FrameHead, payload: &[u8], now: Instant) -> Result<(), Http2Error> {
        let data = head.content(payload).ok_or(Http2Error::Protocol("malformed DATA"))?;
        let ends_stream = head.has(frame::END_STREAM);
        let received = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        return_to_window(&mut self.unreturned, received, 0, CONNECTION_WINDOW, &mut self.output);
        let stream = self.streams.iter_mut().find(|stream| stream.id == head.stream);
        let Some(stream) = stream.filter(|stream| stream.result.is_none()) else { return Ok(()) };
        let result = stream.incoming.take_data(data, ends_stream);
        if matches!(result, Ok(false)) {
            return_to_window(&mut stream.unreturned, received, stream.id, STREAM_WINDOW, &mut self.output);
        }
        self.advance(head.stream, result, now);
        Ok(())
    }

    /// Ends a request whose response is complete (`Ok(true)`) or has an error, if it has not ended.
    fn advance(&mut self, id: u32, result: Result<bool, Http2Error>, now: Instant) {
        let Some(stream) = self.stream(id).filter(|stream| stream.result.is_none()) else { return };
        match result {
            Ok(false) => {}
            Ok(true) => stream.finish(Ok(now)),
            Err(cause) => {
                stream.finish(Err(cause));
                self.reset(id, ErrorCode::CANCEL);
            }
        }
    }

    fn take_settings(&mut self, head: FrameHead, payload: &[u8]) -> Result<(), Http2Error> {
        const WRONG: Http2Error = Http2Error::Protocol("malformed SETTINGS");
        if head.stream != 0 || head.has(frame::ACK) && !payload.is_empty() {
            return Err(WRONG);
        }
        if head.has(frame::ACK) {
            return Ok(());
        }
        for (name, value) in frame::settings(payload).ok_or(WRONG)? {
            match name {
                frame::HEADER_TABLE_SIZE => self.encoder.allow_size(value as usize),
                frame::MAX_CONCURRENT_STREAMS => self.server.max_streams = value,
                frame::INITIAL_WINDOW_SIZE if value > LAST_STREAM => return Err(WRONG),
                frame::INITIAL_WINDOW_SIZE => {
                    let change = i64::from(value) - i64::from(self.server.window);
                    self.server.window = value;
                    self.streams.iter_mut().for_each(|stream| stream.window += change);
                    self.wake_blocked();
                }
                frame::MAX_FRAME_SIZE if value < frame::MAX_FRAME as u32 || value >= 1 << 24 => return Err(WRONG),
                frame::MAX_FRAME_SIZE => self.server.max_frame = value as usize,
                _ => {}
            }
        }
        frame::put(frame::SETTINGS, frame::ACK, 0, &[], &mut self.output);
        Ok(())
    }

    fn take_goaway(&mut self, payload: &[u8]) -> Result<(), Http2Error> {
        let parsed = frame::number(payload).zip(payload.get(4..).and_then(ErrorCode::parse));
        let (last, code) = parsed.ok_or(Http2Error::Protocol("malformed GOAWAY"))?;
        (self.is_ended, self.goaway) = (true, Some(code));
        for stream in self.streams.iter_mut().filter(|stream| stream.id > last) {
            stream.finish(Err(Http2Error::GoAway(code)));
        }
        Ok(())
    }

    /// A wrong increment of a stream ends only the stream (RFC 9113, 6.9 and 6.9.1).
    fn take_window_update(&mut self, id: u32, payload: &[u8], now: Instant) -> Result<(), Http2Error> {
        const WRONG: Http2Error = Http2Error::Protocol("WINDOW_UPDATE of zero or beyond the limit");
        let increment = frame::number(payload).filter(|_| payload.len() == 4);
        let increment = i64::from(increment.ok_or(Http2Error::Protocol("malformed WINDOW_UPDATE"))?);
        let window = match id {
            0 => &mut self.window,
            id => match self.stream(id) {
                Some(stream) => &mut stream.window,
                None => return Ok(()),
            },
        };
        *window += increment;
        match id {
            _ if increment > 0 && *window <= i64::from(LAST_STREAM) => self.wake_blocked(),
            0 => return Err(WRONG),
            id => self.advance(id, Err(WRONG), now),
        }
        Ok(())
    }
}

/// Counts received bytes, and returns them to the server's window of a stream once they are half of
/// it.
fn return_to_window(unreturned: &mut u32, received: u32, stream: u32, window: u32, output: &mut Vec<u8>) {
    *unreturned += received;
    if *unreturned >= window / 2 {
        frame::put(frame::WINDOW_UPDATE, 0, stream, &unreturned.to_be_bytes(), output);
        *unreturned = 0;
    }
}
