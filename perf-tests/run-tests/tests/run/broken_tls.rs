//! TLS that breaks off.

use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use perf_report::Report;
use perf_report::evidence::FailureCause;
use test_support::fake_server::accept_each;
use test_support::tls_server::secure;

use super::tls::{authority, run_at, text};

const OK: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n";

/// The messages of the failures of a run.
fn messages(report: &Report) -> Vec<String> {
    report.failures.iter().map(FailureCause::describe).collect()
}

/// Reads a request, and returns whether it is one of the scenario.
fn read_ping(stream: &mut impl std::io::Read) -> bool {
    let (mut request, mut piece) = (Vec::new(), [0; 1 << 10]);
    while !request.ends_with(b"\r\n\r\n") {
        let read = stream.read(&mut piece).unwrap();
        assert!(read > 0, "the request ends early");
        request.extend_from_slice(&piece[..read]);
    }
    request.starts_with(b"GET /ping ")
}

#[test]
fn http_is_not_advised_once_handshakes_succeeded() {
    let authority = authority("closing");
    let (secured, connections) = (secure(&authority.sign("own.test")), AtomicU64::new(0));
    let server = accept_each(move |tcp| {
        let mut stream = secured(tcp);
        match connections.fetch_add(1, Ordering::Relaxed) {
            // The connection that asks for the protocol has no request.
            0 => drop(stream.conn.complete_io(&mut stream.sock)),
            1 => {
                read_ping(&mut stream);
                write!(stream, "{OK}content-length: 0\r\n\r\n").unwrap();
            }
            2 => drop(stream.sock.read(&mut [0])),
            _ => stream.sock.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap(),
        }
    });
    let finished = run_at(server.port(), "closing", &[("PERF_CA_CERTIFICATE", text(&authority.file))]);
    let report = finished.report().unwrap_or_else(|(_, message)| panic!("{message}"));
    assert_eq!((report.requests.sent, report.requests.failed), (4, 4));
    let messages = messages(report);
    for part in [
        "the server closed the connection in the TLS handshake, unlike in earlier ones: check the server's log",
        "the server does not respond with TLS (InvalidContentType), unlike before: check the server's log",
    ] {
        assert!(messages.iter().any(|message| message.contains(part)), "{part:?} is not in {messages:?}");
    }
    assert!(messages.iter().all(|message| !message.contains("http://")), "{messages:?}");
}
