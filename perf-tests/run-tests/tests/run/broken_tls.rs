//! TLS that breaks off, chains in a wrong order, and files that cannot be used.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use perf_report::Report;
use perf_report::evidence::FailureCause;
use test_support::fake_server::accept_each;
use test_support::tls_server::{TlsServer, secure};

use super::tls::{assert_refused, assert_sent, authority, run, run_at, text};

const OK: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\n";

/// The messages of the failures of a run.
fn messages(report: &Report) -> Vec<String> {
    report.failures.iter().map(FailureCause::describe).collect()
}

/// Reads a request, and returns whether it is one of the scenario. `None` without a request, as on
/// the connection that asks for the protocol.
fn read_ping(stream: &mut impl std::io::Read) -> Option<bool> {
    let (mut request, mut piece) = (Vec::new(), [0; 1 << 10]);
    while !request.ends_with(b"\r\n\r\n") {
        let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&piece[..read]);
    }
    Some(request.starts_with(b"GET /ping "))
}

#[test]
fn a_response_that_is_cut_off_is_told_from_a_whole_one() {
    let authority = authority("cut-off");
    let identity = authority.sign("own.test");
    let no_end = Some("the server closed the connection without ending TLS (no close_notify)");
    let cases = [
        ("content-length: 9\r\n\r\nhalf", false, no_end),
        ("content-length: 9\r\n\r\nhalf", true, Some("connection closed within the body")),
        ("\r\nhalf", false, no_end),
        ("\r\nwhole", true, None),
        ("content-length: 5\r\n\r\nwhole", false, None),
    ];
    for (number, (rest, is_ended, expected)) in cases.into_iter().enumerate() {
        let secured = secure(&identity);
        let server = accept_each(move |tcp| {
            let mut stream = secured(tcp);
            let Some(is_ping) = read_ping(&mut stream) else { return };
            stream
                .write_all([OK, if is_ping { rest } else { "content-length: 0\r\n\r\n" }].concat().as_bytes())
                .unwrap();
            if is_ended || !is_ping {
                stream.conn.send_close_notify();
            }
            stream.flush().unwrap();
        });
        let testid = format!("cut-off-{number}");
        let finished = run_at(server.port(), &testid, &[("PERF_CA_CERTIFICATE", text(&authority.file))]);
        let Some(expected) = expected else {
            assert_sent(&finished);
            continue;
        };
        let report = finished.report().unwrap_or_else(|(_, message)| panic!("{message}"));
        assert_eq!((report.requests.sent, report.requests.failed), (4, 4), "{rest:?}");
        assert!(messages(report).iter().all(|message| message.contains(expected)), "{rest:?}: {:?}", messages(report));
    }
}

#[test]
fn http_is_not_advised_once_handshakes_succeeded() {
    let authority = authority("closing");
    let (secured, connections) = (secure(&authority.sign("own.test")), AtomicU64::new(0));
    let server = accept_each(move |tcp| {
        let mut stream = secured(tcp);
        match connections.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => {
                if read_ping(&mut stream).is_some() {
                    write!(stream, "{OK}content-length: 0\r\n\r\n").unwrap();
                }
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

#[test]
fn only_the_first_certificate_of_a_chain_has_a_place() {
    let root = authority("chains");
    let middle = root.intermediate("middle");
    let own = middle.sign("own.test");
    let given = [("PERF_CA_CERTIFICATE", text(&root.file))];
    let start = |files: &[&Path]| TlsServer::start(&own.with_chain(files), None, &["http/1.1"]);
    assert_sent(&run(&start(&[&own.certificate, &middle.file]), "chain-1", &given));
    assert_sent(&run(&start(&[&own.certificate, &root.file, &middle.file]), "chain-2", &given));
    let texts = ["does not trust the authority", "let the server send its intermediate certificates"];
    assert_refused(&run(&start(&[&own.certificate]), "chain-3", &given), &texts);
    let texts = ["the server's certificate is an authority's", "let the server send its own certificate first"];
    assert_refused(&run(&start(&[&middle.file, &own.certificate]), "chain-4", &given), &texts);
}

#[test]
fn a_client_certificate_must_be_the_first_in_its_file() {
    let (servers, root) = (authority("ordered-servers"), authority("ordered-clients"));
    let middle = root.intermediate("middle");
    let client = middle.sign("me");
    let server = TlsServer::start(&servers.sign("own.test"), Some(&root), &["http/1.1"]);
    let run = |testid, files: &[&Path]| {
        let chain = client.with_chain(files);
        let given = [
            ("PERF_CA_CERTIFICATE", text(&servers.file)),
            ("PERF_CLIENT_CERTIFICATE", text(&chain.certificate)),
            ("PERF_CLIENT_KEY", text(&client.key)),
        ];
        run(&server, testid, &given)
    };
    assert_sent(&run("ordered-1", &[&client.certificate, &middle.file]));
    let texts = [
        text(&client.key),
        "does not fit the client certificate, the first in ",
        "me.chain.pem: give",
        "put the client's own certificate first",
    ];
    assert_refused(&run("ordered-2", &[&middle.file, &client.certificate]), &texts);
}

/// A folder can be opened but not read, also by root.
#[test]
fn a_file_that_cannot_be_read_is_named_with_its_flag() {
    let authority = authority("unreadable");
    let client = authority.sign("me");
    let server = TlsServer::start(&authority.sign("own.test"), None, &["http/1.1"]);
    let folder = client.key.with_file_name("folder.pem");
    fs::create_dir_all(&folder).unwrap();
    let (missing, cut) = (client.key.with_file_name("missing.pem"), client.key.with_file_name("cut.pem"));
    let whole = fs::read_to_string(&client.certificate).unwrap();
    fs::write(&cut, whole.split("-----END").next().unwrap()).unwrap();
    let (certificate, trusted) = (("PERF_CLIENT_CERTIFICATE", text(&client.certificate)), text(&authority.file));
    for (file, why) in [(&missing, "No such file"), (&folder, "Is a directory"), (&cut, "has no line -----END")] {
        let texts =
            ["failed to read certificates from ", text(file), why, "give a PEM file with --ca-certificate FILE"];
        assert_refused(&run(&server, "unreadable-1", &[("PERF_CA_CERTIFICATE", text(file))]), &texts);
        let given = [("PERF_CA_CERTIFICATE", trusted), ("PERF_CLIENT_CERTIFICATE", text(file))];
        let texts = [texts[0], texts[1], why, "give a PEM file with --client-certificate FILE"];
        assert_refused(&run(&server, "unreadable-2", &given), &texts);
        let given = [("PERF_CA_CERTIFICATE", trusted), certificate, ("PERF_CLIENT_KEY", text(file))];
        let texts = ["failed to read the key of the client certificate from ", text(file), "--client-key FILE"];
        assert_refused(&run(&server, "unreadable-3", &given), &texts);
    }
    assert!(server.requests().is_empty());
}

#[test]
fn an_encrypted_key_is_named_with_the_way_to_decrypt_it() {
    let authority = authority("encrypted");
    let client = authority.sign("me");
    let server = TlsServer::start(&authority.sign("own.test"), None, &["http/1.1"]);
    let key = client.key.with_file_name("encrypted.key");
    // The formats of openssl from 1.0.0 on, and of older ones.
    let of_old = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,AB\n\nAAAA\n-----END EC \
                  PRIVATE KEY-----\n";
    let pem = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for content in [pem, of_old] {
        fs::write(&key, content).unwrap();
        let given = [("PERF_CLIENT_CERTIFICATE", text(&client.certificate)), ("PERF_CLIENT_KEY", text(&key))];
        let texts = [text(&key), "the key is encrypted", "openssl pkey -in", "--client-key FILE"];
        assert_refused(&run(&server, "encrypted", &given), &texts);
    }
}
