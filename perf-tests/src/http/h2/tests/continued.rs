//! The expectation of the status 100, with a server that writes its own frames.

use std::cell::RefCell;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::{Instant, timeout};

use crate::clock::now;
use crate::http::RequestBody;
use crate::http::h1::{RawResponse, ResponseLimits, ResponseTo};
use crate::http::h2::frame::{self, FrameHead};
use crate::http::h2::hpack::Encoder;
use crate::http::h2::{Connection, WholeRequest, send};

/// Pause before each response.
const PAUSE: Duration = Duration::from_millis(300);

/// A server that reads frames and writes responses of one field, the status.
struct FrameServer(DuplexStream);

impl FrameServer {
    /// Reads the preface of the client, and writes SETTINGS.
    async fn start(mut io: DuplexStream) -> Self {
        io.read_exact(&mut [0; frame::PREFACE.len()]).await.unwrap();
        let mut settings = Vec::new();
        frame::put_settings(&[], &mut settings);
        io.write_all(&settings).await.unwrap();
        Self(io)
    }

    /// The next frame that is about a stream, with its payload.
    async fn next(&mut self) -> (FrameHead, Vec<u8>) {
        loop {
            let mut head = [0; frame::HEAD];
            self.0.read_exact(&mut head).await.unwrap();
            let head = FrameHead::parse(&head).unwrap();
            let mut payload = vec![0; head.length];
            self.0.read_exact(&mut payload).await.unwrap();
            if head.stream > 0 {
                return (head, payload);
            }
        }
    }

    async fn respond(&mut self, stream: u32, status: &str, ends: bool) {
        let (mut block, mut out) = (Vec::new(), Vec::new());
        Encoder::new().put(b":status", status.as_bytes(), &mut block);
        let flags = frame::END_HEADERS | if ends { frame::END_STREAM } else { 0 };
        frame::put(frame::HEADERS, flags, stream, &block, &mut out);
        self.0.write_all(&out).await.unwrap();
    }

    /// Expects that the client sends nothing for this time.
    async fn expect_silence(&mut self, time: Duration) {
        let early = timeout(time, self.next()).await;
        assert!(early.is_err(), "sent too early: {early:?}");
    }
}

async fn put(connection: &RefCell<Connection<DuplexStream>>) -> RawResponse {
    let request = WholeRequest {
        head: b"PUT / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 6\r\n\r\n",
        body: RequestBody { bytes: b"abcdef", files: &[] },
        response_to: ResponseTo::Other,
        is_idempotent: false,
        expects_continue: true,
    };
    send(connection, false, false, request).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_body_is_sent_after_the_status_100_or_after_a_second() {
    // Other interim responses do not ask for the body.
    let cases: [(&[&str], u64); 4] = [(&["100"], 300), (&["103", "100"], 600), (&["102"], 1000), (&[], 1000)];
    for (interim, expected) in cases {
        let (client, server) = duplex(1 << 10);
        let connection = RefCell::new(Connection::new(client, ResponseLimits::default()));
        let begin = now();
        let serving = async {
            let mut server = FrameServer::start(server).await;
            let (head, _) = server.next().await;
            assert_eq!((head.kind, head.flags, head.stream), (frame::HEADERS, frame::END_HEADERS, 1));
            for status in interim {
                server.expect_silence(PAUSE).await;
                server.respond(1, status, false).await;
            }
            let (head, body) = server.next().await;
            assert_eq!((head.kind, head.flags, &*body), (frame::DATA, frame::END_STREAM, &b"abcdef"[..]));
            let arrived = now();
            server.respond(1, "200", true).await;
            arrived
        };
        let (arrived, response) = tokio::join!(serving, put(&connection));
        let since = |moment: Instant| (moment - begin).as_millis();
        assert_eq!((since(arrived), response.status), (u128::from(expected), 200), "{interim:?}");
        assert_eq!(since(response.timings.sent), u128::from(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn a_final_status_in_place_of_100_resets_the_stream_only() {
    let (client, server) = duplex(1 << 10);
    let connection = RefCell::new(Connection::new(client, ResponseLimits::default()));
    let serving = async {
        let mut server = FrameServer::start(server).await;
        for (stream, is_slow) in [(1, false), (3, true)] {
            let (head, _) = server.next().await;
            assert_eq!((head.kind, head.stream), (frame::HEADERS, stream));
            server.respond(stream, "413", !is_slow).await;
            if is_slow {
                // The response lasts longer than the client would wait for a status.
                server.expect_silence(Duration::from_secs(3)).await;
                let mut end = Vec::new();
                frame::put(frame::DATA, frame::END_STREAM, stream, b"no", &mut end);
                server.0.write_all(&end).await.unwrap();
            }
            let (head, code) = server.next().await;
            assert_eq!((head.kind, head.stream, &*code), (frame::RST_STREAM, stream, &[0; 4][..]));
        }
    };
    let requests = async {
        for body in [&b""[..], b"no"] {
            let response = put(&connection).await;
            assert_eq!((response.status, response.body()), (413, body));
            assert!(connection.borrow().is_reusable());
        }
    };
    tokio::join!(serving, requests);
}
