//! The result of a request for each kind of frames of a server.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use crate::http::h1::{ResponseLimits, ResponseTo};
use crate::http::h2::frame::{self, FrameHead};
use crate::http::h2::hpack::Encoder;
use crate::http::h2::{Connection, Http2Request, OutgoingBody, exchange_error};
use crate::measure::Failure;

const LIMITS: ResponseLimits = ResponseLimits { head: 2048, headers: 8, body: 4096, interim: 3 };
const GET: Http2Request<'_> = Http2Request {
    head: b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
    has_body: false,
    is_tls: false,
    response_to: ResponseTo::Other,
};

/// Plays these bytes, a piece at a time, then closes.
struct Script {
    bytes: Vec<u8>,
    piece: usize,
    written: Vec<u8>,
}

impl AsyncRead for Script {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let length = self.bytes.len().min(self.piece).min(buf.remaining());
        buf.put_slice(&self.bytes[..length]);
        self.bytes.drain(..length);
        Poll::Ready(Ok(()))
    }
}

/// Fails each read.
struct TimedOut;

impl AsyncRead for TimedOut {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.written.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame::put(kind, flags, stream, payload, &mut out);
    out
}

fn settings(settings: &[(u16, u32)]) -> Vec<u8> {
    let mut out = Vec::new();
    frame::put_settings(settings, &mut out);
    out
}

fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    fields.iter().for_each(|(name, value)| Encoder::new().put(name.as_bytes(), value.as_bytes(), &mut out));
    out
}

fn headers(flags: u8, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(frame::HEADERS, flags | frame::END_HEADERS, 1, &block(fields))
}

fn data(flags: u8, bytes: &[u8]) -> Vec<u8> {
    frame(frame::DATA, flags, 1, bytes)
}

/// Status, body, and whether the connection is open after it; or why there is no response.
type Outcome = Result<(u16, String, bool), String>;

const END: u8 = frame::END_STREAM;
const OK: &[(&str, &str)] = &[(":status", "200")];

/// Sends a request to a server that sends these frames after its SETTINGS.
fn play(request: Http2Request<'_>, frames: &[Vec<u8>], piece: usize) -> Outcome {
    let bytes = [settings(&[(99, 1)]), frames.concat()].concat();
    let mut connection = Connection::new(Script { bytes, piece, written: Vec::new() }, LIMITS);
    let result = match pin!(connection.exchange(request, &[])).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the exchange waits although all bytes are there"),
    };
    let is_reusable = connection.is_reusable();
    assert!(!connection.is_open(), "the server has closed it");
    let response = result.map_err(|cause| cause.to_string())?;
    let body = match response.discarded {
        0 => String::from_utf8_lossy(response.body()).into_owned(),
        length => format!("{length} bytes discarded"),
    };
    Ok((response.status, body, is_reusable))
}

/// The result, however the bytes are split.
fn outcome(request: Http2Request<'_>, frames: &[Vec<u8>]) -> Outcome {
    let outcome = play(request, frames, usize::MAX);
    for piece in [1, 2, 5, 9, 1000] {
        let cut = play(request, frames, piece);
        // Bytes after a response may not have been read yet.
        let without_rest = |outcome: &Outcome| outcome.clone().map(|(status, body, _)| (status, body));
        assert_eq!(without_rest(&cut), without_rest(&outcome), "in pieces of {piece}");
    }
    outcome
}

#[test]
fn responses_are_read_from_any_frames() {
    let (text, ends) = (data(END, b"hello"), |response: &str| Ok((200, response.to_owned(), true)));
    let length = |length| [(":status", "200"), ("content-length", length)];
    let with_padding = |bytes: &[u8]| frame(frame::DATA, END | frame::PADDED, 1, bytes);
    let priority = [&[0, 0, 0, 0, 9][..], &block(OK)].concat();
    let whole = block(&[(":status", "200"), ("x-a", "long enough")]);
    let (start, rest) = whole.split_at(6);
    let cases = [
        (vec![headers(END, OK)], ends("")),
        (vec![headers(0, OK), data(0, b"hel"), data(0, b""), data(END, b"lo")], ends("hello")),
        (vec![headers(0, &length("5")), text.clone()], ends("hello")),
        (vec![headers(0, OK), with_padding(b"\x02hello\0\0")], ends("hello")),
        (vec![frame(frame::HEADERS, END | frame::END_HEADERS | frame::PRIORITY, 1, &priority)], ends("")),
        (vec![frame(frame::HEADERS, END, 1, start), frame(frame::CONTINUATION, frame::END_HEADERS, 1, rest)], ends("")),
        (vec![headers(0, &[(":status", "103"), ("link", "a")]), headers(0, OK), text.clone()], ends("hello")),
        (vec![headers(0, OK), data(0, b"hello"), headers(END, &[("x-trailer", "a")])], ends("hello")),
        (vec![frame(77, 0, 0, b"new"), frame(frame::PING, 0, 0, &[1; 8]), headers(END, OK)], ends("")),
        (vec![frame(frame::WINDOW_UPDATE, 0, 0, &[0, 0, 0, 9]), headers(END, OK)], ends("")),
        (vec![headers(0, OK), data(END, &[b'x'; 5000])], ends("5000 bytes discarded")),
        (vec![headers(0, &length("5000")), data(END, &[b'x'; 5000])], ends("5000 bytes discarded")),
        (
            vec![frame(frame::GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]), headers(END, OK)],
            Ok((200, String::new(), false)),
        ),
        (vec![headers(0, &[(":status", "999")]), text.clone()], Ok((999, "hello".to_owned(), true))),
        (vec![headers(END, &[(":status", "099")])], Ok((99, String::new(), true))),
    ];
    for (at, (frames, expected)) in cases.into_iter().enumerate() {
        assert_eq!(outcome(GET, &frames), expected, "case {at}");
    }
    let head = Http2Request { response_to: ResponseTo::Head, ..GET };
    assert_eq!(outcome(head, &[headers(END, &length("5"))]), ends(""));
    let discarding = Http2Request { response_to: ResponseTo::Discarded, ..GET };
    assert_eq!(outcome(discarding, &[headers(0, OK), text]), ends("5 bytes discarded"));
}

/// Frames that end a request or its connection, and the message.
fn violations() -> Vec<(Vec<Vec<u8>>, &'static str)> {
    let field = |name, value| vec![headers(END, &[(":status", "200"), (name, value)])];
    let status = |status| vec![headers(END, &[(":status", status)])];
    let continuation = frame(frame::CONTINUATION, 0, 1, b"");
    let open = frame(frame::HEADERS, 0, 1, &block(OK));
    let interim = headers(0, &[(":status", "103")]);
    let many: Vec<_> = std::iter::once((":status", "200")).chain([("a", "b"); 9]).collect();
    let large = "x".repeat(2000);
    let stop = |code| [0, 0, 0, 0, 0, 0, 0, code];
    vec![
        (vec![], "connection closed before a response"),
        (vec![headers(0, OK), data(0, b"x")], "connection closed within the body"),
        (vec![frame(frame::RST_STREAM, 0, 1, &[0, 0, 0, 2])], "the server reset the request: INTERNAL_ERROR"),
        (vec![frame(frame::RST_STREAM, 0, 1, &[0, 0, 0, 99])], "the server reset the request: error 99"),
        (
            vec![frame(frame::GOAWAY, 0, 0, &stop(11))],
            "the server ended the connection before the request: ENHANCE_YOUR_CALM",
        ),
        (vec![frame(frame::GOAWAY, 0, 0, &[0; 7])], "protocol error: malformed GOAWAY"),
        (vec![data(0, b"x")], "protocol error: DATA before HEADERS"),
        (vec![frame(frame::DATA, 0, 3, b"x")], "protocol error: frame of a stream that does not exist"),
        (vec![frame(frame::HEADERS, 4, 2, &block(OK))], "protocol error: frame of a stream that does not exist"),
        (
            vec![FrameHead { length: 16_385, kind: 0, flags: 0, stream: 1 }.bytes().to_vec()],
            "protocol error: frame larger than 16 KiB",
        ),
        (vec![frame(frame::PUSH_PROMISE, 4, 1, &[0; 8])], "protocol error: PUSH_PROMISE, which the settings forbid"),
        (vec![frame(frame::PING, 0, 0, &[0; 7])], "protocol error: malformed PING"),
        (vec![frame(frame::SETTINGS, 0, 0, &[0; 7])], "protocol error: malformed SETTINGS"),
        (vec![settings(&[(frame::MAX_FRAME_SIZE, 1)])], "protocol error: malformed SETTINGS"),
        (vec![settings(&[(frame::INITIAL_WINDOW_SIZE, 1 << 31)])], "protocol error: malformed SETTINGS"),
        (vec![frame(frame::WINDOW_UPDATE, 0, 0, &[0; 4])], "protocol error: WINDOW_UPDATE of zero or beyond the limit"),
        (
            vec![frame(frame::WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff])],
            "protocol error: WINDOW_UPDATE of zero or beyond the limit",
        ),
        (vec![continuation.clone()], "protocol error: CONTINUATION without HEADERS"),
        (vec![open.clone(), data(0, b"")], "protocol error: block of fields without its end"),
        ([vec![open], vec![continuation; 300]].concat(), "more than 2048 bytes of head: set --max-head"),
        (vec![frame(frame::HEADERS, 4, 1, &[0x80])], "protocol error: malformed block of fields"),
        (vec![frame(frame::HEADERS, 4 | frame::PADDED, 1, &[9, 0])], "protocol error: malformed HEADERS"),
        (vec![headers(END, &[])], "protocol error: response without :status"),
        (status("20"), "protocol error: malformed :status"),
        (status("+20"), "protocol error: malformed :status"),
        (status("101"), "protocol error: unrequested protocol switch"),
        (status("103"), "protocol error: interim response ends the response"),
        (status("000"), "protocol error: malformed :status"),
        (vec![headers(END, &[("a", "b"), (":status", "200")])], "protocol error: misplaced :status"),
        (vec![headers(0, OK), headers(END, OK)], "protocol error: misplaced :status"),
        (vec![headers(0, OK), headers(0, &[("a", "b")])], "protocol error: trailers do not end the response"),
        (field(":path", "/"), "protocol error: malformed header name"),
        (field("X-A", "b"), "protocol error: malformed header name"),
        (field("x a", "b"), "protocol error: malformed header name"),
        (field("x-a", "b\r\nc: d"), "protocol error: malformed header value"),
        (field("connection", "close"), "protocol error: header of a connection, which HTTP/2 does not have"),
        (field("content-length", "1"), "protocol error: body shorter than its content-length"),
        (field("content-length", "+1"), "protocol error: malformed content-length"),
        (
            vec![headers(0, &[(":status", "200"), ("content-length", "1"), ("content-length", "2")])],
            "protocol error: contradictory content-length",
        ),
        (
            vec![headers(0, &[(":status", "200"), ("content-length", "1")]), data(0, b"xy")],
            "protocol error: body longer than its content-length",
        ),
        (vec![headers(END, &many)], "more than 8 header lines: set --max-head"),
        (vec![headers(END, &[(":status", "200"), ("x-a", &large)])], "more than 2048 bytes of head: set --max-head"),
        (vec![interim; 4], "more than 3 interim responses"),
    ]
}

#[test]
fn violations_of_http2_are_named() {
    for (frames, message) in violations() {
        assert_eq!(outcome(GET, &frames), Err(message.to_owned()));
    }
}

#[test]
fn a_closed_connection_is_named_with_the_code_of_its_goaway() {
    let goaway = frame(frame::GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 1]);
    for (frames, closed) in [(vec![], "before a response"), (vec![headers(0, OK)], "within the body")] {
        let message = format!("connection closed {closed}, after GOAWAY with PROTOCOL_ERROR");
        assert_eq!(outcome(GET, &[frames, vec![goaway.clone()]].concat()), Err(message));
    }
}

#[test]
fn a_wrong_window_of_a_stream_ends_only_the_stream() {
    for increment in [[0; 4], [0x7f, 0xff, 0xff, 0xff]] {
        let second = frame(frame::HEADERS, END | frame::END_HEADERS, 3, &block(OK));
        let frames = [settings(&[]), frame(frame::WINDOW_UPDATE, 0, 1, &increment), second];
        let script = Script { bytes: frames.concat(), piece: usize::MAX, written: Vec::new() };
        let (mut connection, mut context) = (Connection::new(script, LIMITS), Context::from_waker(Waker::noop()));
        let streams = [(); 2].map(|()| match connection.poll_begin(&mut context, GET) {
            Poll::Ready(stream) => stream.unwrap(),
            Poll::Pending => panic!("the stream waits"),
        });
        let [first, second] =
            streams.map(|id| match connection.poll_response(&mut context, id, &mut OutgoingBody::new(b"")) {
                Poll::Ready(result) => result.map(|response| response.status).map_err(|error| error.to_string()),
                Poll::Pending => panic!("the exchange waits although all bytes are there"),
            });
        assert_eq!(first, Err("protocol error: WINDOW_UPDATE of zero or beyond the limit".to_owned()));
        assert_eq!(second, Ok(200));
    }
}

#[test]
fn a_server_of_another_protocol_is_named() {
    for bytes in ["HTTP/1.1 400 Bad Request\r\n\r\n", "220 mail.example ESMTP"] {
        let script = Script { bytes: bytes.into(), piece: usize::MAX, written: Vec::new() };
        let mut connection = Connection::new(script, LIMITS);
        let exchange = pin!(connection.exchange(GET, &[]));
        let Poll::Ready(Err(cause)) = exchange.poll(&mut Context::from_waker(Waker::noop())) else { panic!() };
        assert_eq!(cause.to_string(), "protocol error: not HTTP/2: the server's first frame is not SETTINGS");
    }
}

#[test]
fn an_error_of_the_system_is_told_with_its_place() {
    for (frames, message) in [(vec![], "timed out"), (vec![headers(0, OK)], "timed out, within the body")] {
        let bytes = [settings(&[]), frames.concat()].concat();
        let script = Script { bytes, piece: usize::MAX, written: Vec::new() };
        let mut connection = Connection::new(tokio::io::join(script.chain(TimedOut), tokio::io::sink()), LIMITS);
        let polled = pin!(connection.exchange(GET, &[])).poll(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(Err(cause)) = polled else { panic!() };
        assert_eq!((cause.to_string().as_str(), exchange_error(&cause).failure), (message, Failure::Timeout));
    }
}

#[test]
fn each_cookie_of_a_response_is_known() {
    let fields = [(":status", "200"), ("set-cookie", "a=1"), ("content-encoding", "br"), ("set-cookie", "b=2")];
    let bytes = [settings(&[]), headers(END, &fields)].concat();
    let mut connection = Connection::new(Script { bytes, piece: usize::MAX, written: Vec::new() }, LIMITS);
    let polled = pin!(connection.exchange(GET, &[])).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Ok(response)) = polled else { panic!() };
    assert_eq!(response.header_all("Set-Cookie").collect::<Vec<_>>(), [b"a=1", b"b=2"]);
}

#[test]
fn unprocessed_requests_are_told_from_others() {
    let stop = |code| frame(frame::GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, code]);
    let reset = |code| frame(frame::RST_STREAM, 0, 1, &[0, 0, 0, code]);
    for (frames, expected) in [(stop(0), true), (stop(1), false), (reset(7), true), (reset(8), false)] {
        let bytes = [settings(&[]), frames].concat();
        let mut connection = Connection::new(Script { bytes, piece: usize::MAX, written: Vec::new() }, LIMITS);
        let exchange = pin!(connection.exchange(GET, &[]));
        let Poll::Ready(Err(cause)) = exchange.poll(&mut Context::from_waker(Waker::noop())) else { panic!() };
        assert_eq!(cause.is_unprocessed(), expected, "{cause}");
    }
}

#[test]
fn pings_and_settings_are_acknowledged() {
    let frames = [settings(&[]), frame(frame::PING, 0, 0, b"12345678"), headers(END, OK)];
    let script = Script { bytes: frames.concat(), piece: usize::MAX, written: Vec::new() };
    let mut connection = Connection::new(script, LIMITS);
    let polled = pin!(connection.exchange(GET, &[])).poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Ready(Ok(_))));
    let replies = [frame(frame::SETTINGS, frame::ACK, 0, b""), frame(frame::PING, frame::ACK, 0, b"12345678")].concat();
    assert!(connection.io().written.ends_with(&replies));
}

/// A list of frames of any of the cases, with some of its bytes changed, removed or repeated.
fn mutated_frames() -> impl Strategy<Value = Vec<u8>> {
    let cases: Vec<Vec<u8>> = violations().into_iter().map(|(frames, _)| frames.concat()).collect();
    let change = (any::<prop::sample::Index>(), 0..4_u8, any::<u8>());
    (prop::sample::select(cases), prop::collection::vec(change, 0..6)).prop_map(|(mut bytes, changes)| {
        for (at, kind, byte) in changes {
            let at = at.index(bytes.len() + 1);
            match kind {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 => bytes.extend_from_within(at..),
                _ if at < bytes.len() => bytes[at] ^= 1 << (byte % 8),
                _ => {}
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn any_bytes_have_one_result_however_they_are_split(bytes in mutated_frames(), piece in 1_usize..40) {
        let without_rest = |outcome: Outcome| outcome.map(|(status, body, _)| (status, body));
        let bytes = [bytes];
        let whole = play(GET, &bytes, usize::MAX);
        prop_assert_eq!(without_rest(play(GET, &bytes, piece)), without_rest(whole));
    }
}
