//! Compares with hyper, a widely used implementation, how responses are understood.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::runtime::{Builder, Runtime};

use super::generated::{generated_response, mutate, mutations};
use super::script::{End, ScriptOutcome, play};
use super::table;
use crate::http::h1::ResponseTo;

/// Responses that are rejected here and accepted by hyper: how the message begins, and the rule.
const STRICTER: &[(&str, &str)] = &[
    ("protocol error: not a status line of HTTP/1", "RFC 9112, 2.2: only servers ignore empty lines before a message"),
    ("protocol error: unrequested protocol switch", "RFC 9110, 7.8: only to a protocol that the client requested"),
    ("protocol error: transfer-encoding other than", "RFC 9112, 6.1 and 7.4: no coding except chunked was requested"),
    ("protocol error: both transfer-encoding and", "RFC 9112, 6.3: ought to be handled as an error"),
    ("protocol error: malformed content-length", "RFC 9112, 6.3: as above, but hyper reads only transfer-encoding"),
    (
        "protocol error: contradictory content-lengths",
        "RFC 9112, 6.3: as above, but hyper reads only transfer-encoding",
    ),
    ("protocol error: malformed chunk size", "RFC 9112, 7.1.1: whitespace only before an extension"),
    ("protocol error: chunk size with too many digits", "RFC 9112, 7.1: recipients must anticipate large numerals"),
    ("protocol error: trailer line ends without CR", "RFC 9112, 7.1.2: CRLF; 2.2 excepts heads only"),
    ("more than ", "RFC 9110, 2.3 and 5.4: a recipient sets its own limits"),
];

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// Hyper's result for these bytes, followed by the end of the connection.
async fn hyper(raw: &[u8], to: ResponseTo) -> Option<(u16, Vec<u8>)> {
    let (stream, mut server) = duplex(1 << 20);
    let method = if to == ResponseTo::Head { "HEAD" } else { "GET" };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let request = Request::builder().method(method).uri("/").header("host", "a").body(Empty::<Bytes>::new()).unwrap();
    let serving = async {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            server.read_buf(&mut request).await.unwrap();
        }
        server.write_all(raw).await.unwrap();
        server.shutdown().await.unwrap();
    };
    let client = async {
        let response = sender.send_request(request).await.ok()?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.ok()?;
        Some((status, body.to_bytes().to_vec()))
    };
    // The connection's own result does not matter. Hyper may drop the connection before the
    // response is taken.
    let (response, ..) = tokio::join!(client, serving, async { drop(connection.with_upgrades().await) });
    response
}

fn compare(runtime: &Runtime, raw: &[u8], to: ResponseTo) -> Result<(), String> {
    let ours = play([raw], End::Close, to);
    let theirs = runtime.block_on(hyper(raw, to));
    let agree = match (&ours, &theirs) {
        (ScriptOutcome::Response { status, body, discarded: 0, .. }, Some(theirs)) => {
            (*status, body) == (theirs.0, &theirs.1)
        }
        (ScriptOutcome::Response { status, discarded, .. }, Some(theirs)) => {
            (*status, *discarded) == (theirs.0, theirs.1.len() as u64)
        }
        (ScriptOutcome::Broken(cause), Some(_)) => STRICTER.iter().any(|(stricter, _)| cause.starts_with(stricter)),
        (ScriptOutcome::Broken(_), None) => true,
        // RFC 9112, 5.2: a client must accept folded lines.
        (ScriptOutcome::Response { .. }, None) if raw.windows(2).any(|two| matches!(two, b"\n " | b"\n\t")) => true,
        // RFC 9110, 15: as a status of 5xx.
        (ScriptOutcome::Response { status: ..100, .. }, None) => true,
        _ => false,
    };
    let raw = raw.escape_ascii();
    if agree { Ok(()) } else { Err(format!("{raw}\nhere: {ours:?}\nhyper: {theirs:?}")) }
}

#[test]
fn hyper_agrees_on_the_table() {
    let runtime = runtime();
    let differing = table::responses()
        .flat_map(|raw| [ResponseTo::Other, ResponseTo::Head].map(|to| compare(&runtime, &raw, to)))
        .filter_map(Result::err);
    assert_eq!(differing.collect::<Vec<_>>(), Vec::<String>::new());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn hyper_agrees_on_mutated_responses(
        generated in generated_response(),
        mutations in mutations(),
        in_head in any::<bool>(),
        head in prop::bool::weighted(0.1),
    ) {
        let raw = mutate(generated.raw, &mutations, in_head);
        let to = if head { ResponseTo::Head } else { ResponseTo::Other };
        prop_assert_eq!(compare(&runtime(), &raw, to), Ok(()));
    }

    #[test]
    fn hyper_agrees_on_well_formed_responses(generated in generated_response()) {
        prop_assert_eq!(compare(&runtime(), &generated.raw, ResponseTo::Other), Ok(()));
    }
}
