//! A response while its frames arrive. It does no input or output.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use super::head::CONNECTION_HEADERS;
use super::http2_error::Http2Error;
use crate::http::h1::{
    CONTINUE, HEAD_BYTES, HEAD_LINES, KnownHeaders, RawResponse, ResponseLimits, ResponseTo, Timings, parse_length,
};

/// Bytes that a field counts beside its name and value, as in SETTINGS_MAX_HEADER_LIST_SIZE.
const FIELD_OVERHEAD: usize = 32;

/// Maximum room reserved for an announced body that has not arrived yet, in bytes.
const AHEAD: usize = 64 << 10;

const MALFORMED_NAME: Http2Error = Http2Error::Protocol("malformed header name");
const MALFORMED_VALUE: Http2Error = Http2Error::Protocol("malformed header value");

#[derive(Debug)]
pub(super) struct IncomingResponse {
    response_to: ResponseTo,
    limits: ResponseLimits,
    /// The head as lines of text, as in HTTP/1.1, then the body.
    whole: BytesMut,
    /// Where the body begins; 0 until the head of the final response is complete.
    head_len: usize,
    block: Block,
    status: u16,
    interim: usize,
    known: KnownHeaders,
    content_length: Option<u64>,
    /// Bytes of the body so far.
    length: u64,
    is_discarded: bool,
    trailers: Option<Box<HeaderMap>>,
    first_byte: Option<Instant>,
}

/// A block of fields: a head or trailers.
#[derive(Debug, Default)]
struct Block {
    status: u16,
    count: usize,
    /// Size of the fields, as SETTINGS_MAX_HEADER_LIST_SIZE counts it.
    size: usize,
    error: Option<Http2Error>,
}

impl IncomingResponse {
    /// The response goes into `whole`, which is empty.
    pub(super) fn new(response_to: ResponseTo, limits: ResponseLimits, whole: BytesMut) -> Self {
        Self {
            response_to,
            limits,
            whole,
            head_len: 0,
            block: Block::default(),
            status: 0,
            interim: 0,
            known: KnownHeaders::default(),
            content_length: None,
            length: 0,
            is_discarded: response_to == ResponseTo::Discarded,
            trailers: None,
            first_byte: None,
        }
    }

    pub(super) fn begin_block(&mut self) {
        self.block = Block::default();
        if self.head_len == 0 {
            self.whole.clear();
            self.whole.extend_from_slice(b"HTTP/2\r\n");
        }
    }

    pub(super) fn take_field(&mut self, name: &[u8], value: &[u8]) {
        if self.block.error.is_none() {
            self.block.error = self.try_take_field(name, value).err();
        }
    }

    fn try_take_field(&mut self, name: &[u8], value: &[u8]) -> Result<(), Http2Error> {
        let (block, limits) = (&mut self.block, &self.limits);
        block.size += name.len() + value.len() + FIELD_OVERHEAD;
        block.count += 1;
        if block.size > limits.head {
            return Err(Http2Error::TooLarge { what: HEAD_BYTES, limit: limits.head });
        }
        // The status is one of the fields.
        if block.count > limits.headers + 1 {
            return Err(Http2Error::TooLarge { what: HEAD_LINES, limit: limits.headers });
        }
        if name == b":status" {
            if block.count > 1 || self.head_len > 0 {
                return Err(Http2Error::Protocol("misplaced :status"));
            }
            let digits = <[u8; 3]>::try_from(value).ok().filter(|digits| digits.iter().all(u8::is_ascii_digit));
            let number = digits.map(|it| it.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0')));
            block.status = number.filter(|number| *number > 0).ok_or(Http2Error::Protocol("malformed :status"))?;
            return Ok(());
        }
        if name.is_empty() || !name.iter().all(|byte| NAME_BYTES[usize::from(*byte)]) {
            return Err(MALFORMED_NAME);
        }
        if value.iter().any(|byte| matches!(byte, b'\0' | b'\r' | b'\n')) {
            return Err(MALFORMED_VALUE);
        }
        if CONNECTION_HEADERS.contains(&name) {
            return Err(Http2Error::Protocol("header of a connection, which HTTP/2 does not have"));
        }
        if self.head_len > 0 {
            let name = HeaderName::from_bytes(name).map_err(|_| MALFORMED_NAME)?;
            let value = HeaderValue::from_bytes(value).map_err(|_| MALFORMED_VALUE)?;
            self.trailers.get_or_insert_default().append(name, value);
            return Ok(());
        }
        match name {
            b"content-length" => {
                let length = parse_length(value).ok_or(Http2Error::Protocol("malformed content-length"))?;
                if self.content_length.is_some_and(|known| known != length) {
                    return Err(Http2Error::Protocol("contradictory content-length"));
                }
                self.content_length = Some(length);
            }
            b"content-encoding" => self.known.content_encoding = true,
            b"set-cookie" => self.known.set_cookie = true,
            _ => {}
        }
        for part in [name, b": ", value, b"\r\n"] {
            self.whole.extend_from_slice(part);
        }
        Ok(())
    }

    /// Ends a block of fields. Returns whether the response is complete.
    pub(super) fn end_block(&mut self, ends_stream: bool, now: Instant) -> Result<bool, Http2Error> {
        if let Some(error) = self.block.error.take() {
            return Err(error);
        }
        if self.head_len > 0 {
            return if ends_stream {
                self.end()
            } else {
                Err(Http2Error::Protocol("trailers do not end the response"))
            };
        }
        match self.block.status {
            0 => return Err(Http2Error::Protocol("response without :status")),
            101 => return Err(Http2Error::Protocol("unrequested protocol switch")),
            100..=199 if ends_stream => return Err(Http2Error::Protocol("interim response ends the response")),
            100..=199 => {
                self.interim += 1;
                (self.content_length, self.known) = (None, KnownHeaders::default());
                if self.interim > self.limits.interim {
                    return Err(Http2Error::TooLarge { what: "interim responses", limit: self.limits.interim });
                }
                return Ok(false);
            }
            // A status outside 100-599 is as one of 5xx (RFC 9110, 15).
            _ => {}
        }
        self.whole.extend_from_slice(b"\r\n");
        self.head_len = self.whole.len();
        (self.status, self.first_byte) = (self.block.status, Some(now));
        if self.response_to == ResponseTo::Head || matches!(self.status, 204 | 304) {
            self.content_length = Some(0);
        }
        match self.content_length.map(usize::try_from) {
            Some(Ok(length)) if length <= self.limits.body && !self.is_discarded => {
                self.whole.reserve(length.min(AHEAD));
            }
            Some(_) => self.is_discarded = true,
            None => {}
        }
        if ends_stream { self.end() } else { Ok(false) }
    }

    /// Takes a piece of the body. Returns whether the response is complete.
    pub(super) fn take_data(&mut self, data: &[u8], ends_stream: bool) -> Result<bool, Http2Error> {
        if self.head_len == 0 {
            return Err(Http2Error::Protocol("DATA before HEADERS"));
        }
        self.length += data.len() as u64;
        if self.content_length.is_some_and(|length| self.length > length) {
            return Err(Http2Error::Protocol("body longer than its content-length"));
        }
        if !self.is_discarded && self.length > self.limits.body as u64 {
            self.is_discarded = true;
            // Releases the memory.
            self.whole = BytesMut::from(&self.whole[..self.head_len]);
        }
        if !self.is_discarded {
            self.whole.extend_from_slice(data);
        }
        if ends_stream { self.end() } else { Ok(false) }
    }

    fn end(&self) -> Result<bool, Http2Error> {
        if self.content_length.is_some_and(|length| self.length < length) {
            return Err(Http2Error::Protocol("body shorter than its content-length"));
        }
        Ok(true)
    }

    pub(super) const fn continues(&self) -> bool {
        self.head_len == 0 && self.block.status == CONTINUE
    }

    pub(super) const fn has_head(&self) -> bool {
        self.head_len > 0
    }

    /// The complete response, and the rest of its memory.
    pub(super) fn into_response(mut self, sent: Option<Instant>, finished: Instant) -> (RawResponse, BytesMut) {
        let whole: Bytes = self.whole.split().freeze();
        let discarded = if self.is_discarded { self.length } else { 0 };
        let first_byte = self.first_byte.unwrap_or(finished);
        let timings = Timings { sent: sent.unwrap_or(first_byte), first_byte, finished };
        let Self { status, head_len, known, trailers, whole: rest, .. } = self;
        (RawResponse { status, whole, head_len, known, discarded, trailers, timings }, rest)
    }
}

/// Bytes that a header name may have: those of a token, without capital letters.
const NAME_BYTES: [bool; 256] = {
    let (mut allowed, mut byte) = ([false; 256], 0);
    while byte < 256 {
        let character = byte as u8;
        allowed[byte] = character.is_ascii_lowercase()
            || character.is_ascii_digit()
            || matches!(
                character,
                b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
            );
        byte += 1;
    }
    allowed
};
