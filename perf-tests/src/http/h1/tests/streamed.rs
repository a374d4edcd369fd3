//! Requests that are sent in pieces, and the expectation of the status 100.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::{Instant, sleep, timeout};

use crate::clock::now;
use crate::http::h1::{
    BrokenExchange, Connection, Http1Error, RawResponse, ResponseLimits, ResponseTo, StreamedRequest,
};

const HEAD: &[u8] = b"PUT / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 6\r\n\r\n";
const FINAL: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Sends the head, and then the body in two pieces. Returns the response, and whether the
/// connection can be used again.
async fn put(stream: DuplexStream) -> (Result<RawResponse, BrokenExchange>, bool) {
    let mut pieces = ["abc", "def", ""].into_iter();
    let next = |piece: &mut Vec<u8>| {
        *piece = pieces.next().unwrap().into();
        Ok(())
    };
    let mut connection = Connection::new(stream, ResponseLimits::default());
    let request = StreamedRequest { head: Some(HEAD), next };
    let response = connection.exchange_streamed(request, ResponseTo::Other).await;
    (response, connection.is_open())
}

/// Reads the head, sends these responses with pauses of 300 ms before each, and expects the body.
/// Returns when the body arrived.
async fn serve(mut server: DuplexStream, responses: &[&[u8]]) -> Instant {
    let (mut head, mut body) = ([0; HEAD.len()], [0; 6]);
    server.read_exact(&mut head).await.unwrap();
    assert_eq!(head, HEAD);
    for response in responses {
        let early = timeout(Duration::from_millis(300), server.read(&mut body)).await;
        assert!(early.is_err(), "the body has begun: {body:?}");
        server.write_all(response).await.unwrap();
    }
    server.read_exact(&mut body).await.unwrap();
    assert_eq!(&body, b"abcdef");
    let arrived = now();
    server.write_all(FINAL).await.unwrap();
    // Otherwise the server has closed the connection when it is checked.
    sleep(Duration::from_secs(5)).await;
    arrived
}

#[tokio::test(start_paused = true)]
async fn the_body_is_sent_after_the_status_100_or_after_a_second() {
    let cases: [(&[&[u8]], u64); 4] = [
        (&[b"HTTP/1.1 100 Continue\r\n\r\n"], 300),
        // Other interim responses do not ask for the body.
        (&[b"HTTP/1.1 103 Hints\r\n\r\n", b"HTTP/1.1 100 C\r\n\r\n"], 600),
        (&[b"HTTP/1.1 102 Processing\r\n\r\n"], 1000),
        (&[], 1000),
    ];
    for (interim, expected) in cases {
        let (stream, server) = duplex(1 << 10);
        let begin = now();
        let (arrived, (response, is_open)) = tokio::join!(serve(server, interim), async {
            let (response, is_open) = put(stream).await;
            (response.unwrap(), is_open)
        });
        assert_eq!((arrived - begin).as_millis(), u128::from(expected), "{interim:?}");
        assert_eq!((response.status, response.body(), is_open), (200, &b"ok"[..], true));
        assert_eq!((response.timings.sent - begin).as_millis(), u128::from(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn a_final_status_in_place_of_100_prevents_the_body() {
    for status in ["413 Too Large", "417 Expectation Failed", "200 OK"] {
        let (stream, mut server) = duplex(1 << 10);
        let serving = async {
            server.read_exact(&mut [0; HEAD.len()]).await.unwrap();
            let response = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nno");
            server.write_all(response.as_bytes()).await.unwrap();
            let mut rest = Vec::new();
            server.read_to_end(&mut rest).await.unwrap();
            assert_eq!(rest, b"", "nothing follows the head");
        };
        let ((response, is_open), ()) = tokio::join!(put(stream), serving);
        let response = response.unwrap();
        assert_eq!((response.status.to_string().as_str(), response.body()), (&status[..3], &b"no"[..]));
        // The server may take the next request for the body.
        assert!(!is_open);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_while_it_is_asked_gets_no_body() {
    let (stream, mut server) = duplex(1 << 10);
    let serving = async move {
        server.read_exact(&mut [0; HEAD.len()]).await.unwrap();
    };
    let ((response, is_open), ()) = tokio::join!(put(stream), serving);
    let broken = response.unwrap_err();
    assert!(matches!(broken.cause, Http1Error::Closed("before a response")), "{broken}");
    assert_eq!((broken.sent_anything, broken.received_anything, is_open), (true, false, false));
}

#[tokio::test]
async fn a_piece_that_cannot_be_read_ends_the_connection() {
    let (stream, mut server) = duplex(1 << 10);
    let mut connection = Connection::new(stream, ResponseLimits::default());
    let mut count = 0;
    let next = |piece: &mut Vec<u8>| {
        count += 1;
        *piece = b"abc".to_vec();
        if count < 3 { Ok(()) } else { Err(io::Error::other("the file is gone")) }
    };
    let broken =
        connection.exchange_streamed(StreamedRequest { head: None, next }, ResponseTo::Other).await.unwrap_err();
    assert!(matches!(broken.cause, Http1Error::RequestBody(_)) && broken.sent_anything, "{broken}");
    assert_eq!((broken.to_string().as_str(), connection.is_open()), ("the file is gone", false));
    drop(connection);
    let mut received = Vec::new();
    server.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, b"abcabc");
}
