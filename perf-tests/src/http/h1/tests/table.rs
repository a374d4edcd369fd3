//! Responses and their expected outcomes, for any split into reads.

use std::io::ErrorKind;

use super::script::{End, LIMITS, ScriptOutcome, ScriptedStream, exchange, outcome, poll};
use crate::http::h1::{Connection, Http1Error, ResponseTo};

/// The expected outcome.
#[derive(Debug, Clone, Copy)]
enum Expected {
    /// This status and body, and the connection can be used again.
    Open(u16, &'static str),
    /// This status and body, and the connection cannot be used again.
    Shut(u16, &'static str),
    Broken(&'static str),
}

use Expected::{Broken, Open, Shut};

const CASES: &[(&str, Expected)] = &[
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Open(200, "hello")),
    ("HTTP/1.1 200\r\ncontent-length:0\r\n\r\n", Open(200, "")),
    ("HTTP/1.1 200 OK\ncontent-length: 2\n\nhi", Open(200, "hi")),
    ("HTTP/1.1 200 OK\r\ncontent-length: 2\n\r\nhi", Open(200, "hi")),
    ("HTTP/1.1 204 No Content\r\n\r\n", Open(204, "")),
    ("HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n", Open(204, "")),
    ("HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n", Open(304, "")),
    // Statuses outside 100-599.
    ("HTTP/1.1 999 Denied\r\ncontent-length: 2\r\n\r\nno", Open(999, "no")),
    ("HTTP/1.1 600 A\r\ncontent-length: 0\r\n\r\n", Open(600, "")),
    ("HTTP/1.1 099 A\r\ncontent-length: 0\r\n\r\n", Open(99, "")),
    // Interim responses.
    ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na", Open(200, "a")),
    ("HTTP/1.1 103 Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 204 N\r\n\r\n", Open(204, "")),
    ("HTTP/1.1 100 Continue\r\n\r\n", Broken("connection closed before a response")),
    ("HTTP/1.1 101 Switching Protocols\r\nupgrade: a\r\n\r\n", Broken("protocol error: unrequested protocol switch")),
    // Content-Length.
    ("HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nhi", Open(200, "hi")),
    ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 02\r\n\r\nhi", Open(200, "hi")),
    ("HTTP/1.1 200 OK\r\ncontent-length: 2, 3\r\n\r\nhi", Broken("protocol error: contradictory content-lengths")),
    (
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nhi",
        Broken("protocol error: contradictory content-lengths"),
    ),
    ("HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nhi", Broken("protocol error: malformed content-length")),
    ("HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nhi", Broken("protocol error: malformed content-length")),
    ("HTTP/1.1 200 OK\r\ncontent-length: 1 2\r\n\r\nhi", Broken("protocol error: malformed content-length")),
    ("HTTP/1.1 200 OK\r\ncontent-length: 0x2\r\n\r\nhi", Broken("protocol error: malformed content-length")),
    ("HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\nhi", Broken("protocol error: malformed content-length")),
    ("HTTP/1.1 200 OK\r\ncontent-length: 2,\r\n\r\nhi", Broken("protocol error: malformed content-length")),
    (
        "HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551616\r\n\r\n",
        Broken("protocol error: malformed content-length"),
    ),
    ("HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n", Broken("connection closed within the body")),
    ("HTTP/1.1 200 OK\r\ncontent-length: 4097\r\n\r\n", Broken("connection closed within the body")),
    ("HTTP/1.1 200 OK\r\ncontent-length: 4096\r\n\r\n", Broken("connection closed within the body")),
    ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nhi", Broken("connection closed within the body")),
    // Reuse of the connection.
    ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: CLOSE\r\n\r\nhi", Shut(200, "hi")),
    ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: x\r\nConnection: y, close\r\n\r\nhi", Shut(200, "hi")),
    ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: close, keep-alive\r\n\r\nhi", Shut(200, "hi")),
    ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: closed\r\n\r\nhi", Open(200, "hi")),
    ("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi", Shut(200, "hi")),
    ("HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: Keep-Alive\r\n\r\nhi", Open(200, "hi")),
    ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi!", Shut(200, "hi")),
    ("HTTP/1.1 204 N\r\n\r\nHTTP/1.1 204 N\r\n\r\n", Shut(204, "")),
    ("HTTP/1.1 200 OK\r\n\r\nall of it", Shut(200, "all of it")),
    ("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n\r\n", Shut(200, "")),
    // Transfer-Encoding.
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n2\r\nhi\r\n0\r\n\r\n", Open(200, "hi")),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        Broken("protocol error: transfer-encoding other than chunked"),
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        Broken("protocol error: transfer-encoding other than chunked"),
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        Broken("protocol error: transfer-encoding other than chunked"),
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding:\r\n\r\n0\r\n\r\n",
        Broken("protocol error: transfer-encoding other than chunked"),
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        Broken("protocol error: both transfer-encoding and content-length"),
    ),
    (
        "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        Broken("protocol error: transfer-encoding in HTTP/1.0"),
    ),
    // Folded lines.
    ("HTTP/1.1 200 OK\r\na: b\r\n c\r\ncontent-length: 2\r\n\r\nhi", Open(200, "hi")),
    ("HTTP/1.1 200 OK\r\ncontent-length:\r\n\t2\r\n \r\n\r\nhi", Open(200, "hi")),
    ("HTTP/1.1 204 N\na: b\n content-length: 9\n\n", Open(204, "")),
    ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n 3\r\n\r\nhi", Broken("protocol error: malformed content-length")),
    // Malformed heads.
    ("", Broken("connection closed before a response")),
    ("HTTP/1.1 200 OK\r\ncontent-len", Broken("connection closed within the head")),
    ("\r\nHTTP/1.1 204 N\r\n\r\n", Broken("protocol error: not a status line of HTTP/1")),
    ("<html>", Broken("protocol error: not a status line of HTTP/1")),
    ("HTTP/2 200 OK\r\n\r\n", Broken("protocol error: not a status line of HTTP/1")),
    ("HTTP/1.2 200 OK\r\n\r\n", Broken("protocol error: version other than HTTP/1.0 and HTTP/1.1")),
    ("HTTP/1.1 000 OK\r\n\r\n", Broken("protocol error: malformed status line")),
    ("HTTP/1.1 20 OK\r\n\r\n", Broken("protocol error: malformed status line")),
    ("HTTP/1.1 200 OK\r\na : b\r\n\r\n", Broken("protocol error: malformed header name")),
    ("HTTP/1.1 200 OK\r\n a: b\r\n\r\n", Broken("protocol error: malformed header name")),
    ("HTTP/1.1 200 OK\r\n\ta: b\r\nc: d\r\n\r\n", Broken("protocol error: malformed header name")),
    ("HTTP/1.1 200 OK\r\na: b\0c\r\n\r\n", Broken("protocol error: malformed header value")),
    ("HTTP/1.1 200 OK\r\na: b\rc\r\n\r\n", Broken("protocol error: malformed header value")),
    ("HTTP/1.1 200 OK\r\nnot a header\r\n\r\n", Broken("protocol error: malformed header name")),
    ("HTTP/1.1 204 N\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\n\r\n", Open(204, "")),
    (
        "HTTP/1.1 204 N\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\n\r\n",
        Broken("more than 8 header lines: set --max-head"),
    ),
];

/// Chunked bodies, after a head that announces one.
const CHUNKED: &[(&str, Expected)] = &[
    ("0\r\n\r\n", Open(200, "")),
    ("5\r\nhello\r\n6;a=b\r\n world\r\n000\r\n\r\n", Open(200, "hello world")),
    ("A \t;a=\"b;c\";d\r\n0123456789\r\n0;e\r\n\r\n", Open(200, "0123456789")),
    ("a\r\n01234\r\n789\r\n0\r\n\r\n", Open(200, "01234\r\n789")),
    ("0\r\na: b\r\nc: d\r\n\r\n", Open(200, "")),
    ("1\r\na\r\n0\r\n\r\nmore", Shut(200, "a")),
    ("1\r\na\r\n", Broken("connection closed within the body")),
    ("1\r\na\r\n0\r\n", Broken("connection closed within the body")),
    ("1\r\na\r\n0\r\na: b\r\n", Broken("connection closed within the body")),
    ("\r\n", Broken("protocol error: chunk without a size")),
    ("-1\r\na\r\n0\r\n\r\n", Broken("protocol error: chunk without a size")),
    ("0x1\r\na\r\n0\r\n\r\n", Broken("protocol error: malformed chunk size")),
    ("1 \r\na\r\n0\r\n\r\n", Broken("protocol error: malformed chunk size")),
    ("1\na\r\n0\r\n\r\n", Broken("protocol error: malformed chunk size")),
    ("1\ra\r\n0\r\n\r\n", Broken("protocol error: CR without LF in chunk framing")),
    ("1;a\na\r\n0\r\n\r\n", Broken("protocol error: chunk size line ends without CR")),
    ("1\r\nab\r\n0\r\n\r\n", Broken("protocol error: chunk does not end after its data")),
    ("1\r\na\n0\r\n\r\n", Broken("protocol error: chunk does not end after its data")),
    ("1\r\nab\n0\r\n\r\n", Broken("protocol error: chunk does not end after its data")),
    ("1\r\na\rb0\r\n\r\n", Broken("protocol error: chunk does not end after its data")),
    ("1\r\na0\r\n\r\n", Broken("protocol error: chunk does not end after its data")),
    ("0\r\n\n", Broken("protocol error: trailer line ends without CR")),
    ("0\r\na: b\n\r\n", Broken("protocol error: trailer line ends without CR")),
    ("0\r\na: b\r\r\n\r\n", Broken("protocol error: CR without LF in chunk framing")),
    ("0\r\nHTTP/1.1 200 OK\r\n\r\n", Broken("protocol error: malformed trailers")),
    ("00000000000000001\r\na\r\n0\r\n\r\n", Broken("protocol error: chunk size with too many digits")),
    ("ffffffffffffffff\r\n", Broken("connection closed within the body")),
    ("1\r\na\r\n1000\r\n", Broken("connection closed within the body")),
];

/// Every response of the tables with its expected outcome.
fn cases() -> impl Iterator<Item = (Vec<u8>, Expected)> {
    let whole = CASES.iter().map(|(raw, expected)| (raw.as_bytes().to_vec(), *expected));
    whole.chain(CHUNKED.iter().map(|(body, expected)| {
        (format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{body}").into_bytes(), *expected)
    }))
}

/// Every response of the tables.
pub(super) fn responses() -> impl Iterator<Item = Vec<u8>> {
    cases().map(|(raw, _)| raw)
}

/// Checks the response in one piece, in two pieces split anywhere, and byte by byte.
fn check(raw: &[u8], to: ResponseTo, expected: &ScriptOutcome) {
    let name = String::from_utf8_lossy(&raw[..raw.len().min(200)]).into_owned();
    assert_eq!(&outcome([raw], to), expected, "{name:?}");
    for (first, second) in (0..raw.len()).map(|cut| raw.split_at(cut)) {
        assert_eq!(&outcome([first, second], to), expected, "{name:?} cut at {}", first.len());
    }
    assert_eq!(&outcome(raw.chunks(1), to), expected, "{name:?} byte by byte");
}

#[test]
fn the_outcome_does_not_depend_on_how_bytes_are_split() {
    for (raw, expected) in cases() {
        let expected = match expected {
            Open(status, body) => ScriptOutcome::Response { status, body: body.into(), discarded: 0, open: true },
            Shut(status, body) => ScriptOutcome::Response { status, body: body.into(), discarded: 0, open: false },
            Broken(cause) => ScriptOutcome::Broken(cause.to_owned()),
        };
        check(&raw, ResponseTo::Other, &expected);
    }
}

/// The same body in all three framings, and whether the connection can be used after it.
fn framings(body: &str) -> [(String, bool); 3] {
    let head = "HTTP/1.1 200 OK\r\n";
    let (first, second) = body.split_at(body.len() / 3);
    let chunks = format!("{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\na: b\r\n\r\n", first.len(), second.len());
    [
        (format!("{head}content-length: {}\r\n\r\n{body}", body.len()), true),
        (format!("{head}transfer-encoding: chunked\r\n\r\n{chunks}"), true),
        (format!("{head}\r\n{body}"), false),
    ]
}

#[test]
fn a_body_beyond_the_limit_is_discarded_and_counted() {
    let outcome = |body: &str, is_kept: bool, open| {
        let (kept, discarded) = if is_kept { (body.into(), 0) } else { (Vec::new(), body.len() as u64) };
        ScriptOutcome::Response { status: 200, body: kept, discarded, open }
    };
    for length in [LIMITS.body, LIMITS.body + 1] {
        let body = "b".repeat(length);
        for (raw, open) in framings(&body) {
            check(raw.as_bytes(), ResponseTo::Other, &outcome(&body, length == LIMITS.body, open));
        }
    }
    for (raw, open) in framings("hello world") {
        check(raw.as_bytes(), ResponseTo::Discarded, &outcome("hello world", false, open));
        let twice = format!("{raw}HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        let shut = ScriptOutcome::Response { status: 200, body: Vec::new(), discarded: 11, open: false };
        let at_once = super::script::play([twice.as_bytes()], End::Close, ResponseTo::Discarded);
        assert!(!open || at_once == shut, "{at_once:?}");
    }
}

#[test]
fn a_response_to_head_has_no_body() {
    let open = ScriptOutcome::Response { status: 200, body: Vec::new(), discarded: 0, open: true };
    for header in ["content-length: 5", "content-length: 99999", "transfer-encoding: chunked", "a: b"] {
        check(format!("HTTP/1.1 200 OK\r\n{header}\r\n\r\n").as_bytes(), ResponseTo::Head, &open);
    }
}

#[test]
fn a_response_beyond_a_limit_is_rejected() {
    let head = |filler: usize| format!("HTTP/1.1 204 N\r\na: {}\r\n\r\n", "b".repeat(filler));
    let rest = head(0).len();
    let fits = ScriptOutcome::Response { status: 204, body: Vec::new(), discarded: 0, open: true };
    check(head(LIMITS.head - rest).as_bytes(), ResponseTo::Other, &fits);
    let large = |what: &str| ScriptOutcome::Broken(format!("more than {what}"));
    check(head(LIMITS.head - rest + 1).as_bytes(), ResponseTo::Other, &large("2048 bytes of head: set --max-head"));
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let line = "b".repeat(LIMITS.head);
    let extension = format!("{chunked}0;{line}c\r\n\r\n");
    check(extension.as_bytes(), ResponseTo::Other, &large("2048 bytes of chunk extensions"));
    check(format!("{chunked}0\r\na:{line}\r\n\r\n").as_bytes(), ResponseTo::Other, &large("2048 bytes of trailers"));
    let interim = "HTTP/1.1 100 C\r\n\r\n".repeat(LIMITS.interim);
    check(format!("{interim}{}", head(0)).as_bytes(), ResponseTo::Other, &fits);
    let interim = "HTTP/1.1 100 C\r\n\r\n".repeat(LIMITS.interim + 1);
    check(interim.as_bytes(), ResponseTo::Other, &large("3 interim responses"));
}

#[test]
fn headers_are_found_by_name_in_any_case() {
    let raw = b"HTTP/1.1 204 N: o\r\nFirst:  one \r\nsecond:\r\nfirst: t:\r\n wo\n\r\n";
    let mut connection = Connection::new(ScriptedStream::new([&raw[..]], End::Stall), LIMITS);
    let response = exchange(&mut connection, ResponseTo::Other).unwrap().unwrap();
    let expected: [(&str, &[u8]); 3] = [("First", b"one"), ("second", b""), ("first", b"t:   wo")];
    assert!(response.headers().eq(expected));
    assert_eq!(response.header("FIRST"), Some(&b"one"[..]));
    assert_eq!(response.header("third"), None);
}

const EARLY: &[u8] = b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno";

#[test]
fn an_early_response_ends_the_sending() {
    let script = ScriptedStream::new([&b"HTTP/1.1 100 Continue\r\n\r\n"[..], EARLY], End::Stall).with_room(10, None);
    let mut connection = Connection::new(script.clone(), LIMITS);
    let response = poll(connection.exchange(&[b'a'; 100], ResponseTo::Other)).unwrap().unwrap();
    assert_eq!((response.status, response.body(), script.written()), (413, &b"no"[..], 10));
    assert!(response.timings.first_byte <= response.timings.sent);
    assert!(!connection.is_open());
}

#[test]
fn a_response_is_read_even_if_writing_fails() {
    for kind in [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset] {
        let script = ScriptedStream::new([EARLY], End::Close).with_room(10, Some(kind));
        let mut connection = Connection::new(script, LIMITS);
        assert_eq!(poll(connection.exchange(&[b'a'; 100], ResponseTo::Other)).unwrap().unwrap().status, 413);
        assert!(!connection.is_open());
        let script = ScriptedStream::new([], End::Close).with_room(0, Some(kind));
        let broken = poll(Connection::new(script, LIMITS).exchange(b"a", ResponseTo::Other)).unwrap().unwrap_err();
        assert!(matches!(broken.cause, Http1Error::Io(error) if error.kind() == kind));
        assert!(!broken.sent_anything && !broken.received_anything);
    }
}

#[test]
fn a_connection_with_unexpected_data_is_not_reused() {
    let script = ScriptedStream::new([], End::Stall);
    let mut connection = Connection::new(script.clone(), LIMITS);
    for _ in 0..3 {
        assert!(connection.is_open());
        script.push(b"HTTP/1.1 204 N\r\n\r\n");
        assert_eq!(exchange(&mut connection, ResponseTo::Other).unwrap().unwrap().status, 204);
    }
    script.push(b"HTTP/1.1 408 T\r\n\r\n");
    assert!(!connection.is_open());
    let broken = exchange(&mut connection, ResponseTo::Other).unwrap().unwrap_err();
    assert_eq!(broken.to_string(), "connection closed before the request");
    assert!(!broken.sent_anything);
}

#[test]
fn a_dropped_exchange_ends_the_connection() {
    let script = ScriptedStream::new([&b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nh"[..]], End::Stall);
    let mut connection = Connection::new(script.clone(), LIMITS);
    assert!(exchange(&mut connection, ResponseTo::Other).is_none());
    assert!(!connection.is_open());
    script.push(b"i");
    assert!(exchange(&mut connection, ResponseTo::Other).unwrap().is_err());
}
