//! Whether hyper, which many have looked at, understands answers as we do.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::runtime::{Builder, Runtime};

use super::generated::{made, mutate, mutations};
use super::script::{End, ScriptOutcome, play};
use super::table;
use crate::http::h1::AnswerTo;

/// Where we refuse what hyper accepts: how our message begins, and why we may.
const STRICTER: &[(&str, &str)] = &[
    ("protocol error: not a status line of HTTP/1", "RFC 9112, 2.2: only servers ignore empty lines before a message"),
    ("protocol error: switch of protocols that was not", "RFC 9110, 7.8: only to what the client asked for"),
    ("protocol error: status out of range", "RFC 9110, 15: values outside 100 to 599 are invalid"),
    ("protocol error: transfer-encoding other than", "RFC 9112, 6.1 and 7.4: no coding but chunked was asked for"),
    ("protocol error: both transfer-encoding and", "RFC 9112, 6.3: ought to be handled as an error"),
    ("protocol error: malformed content-length", "RFC 9112, 6.3: as above, where hyper looks at the former only"),
    ("protocol error: contradictory content-lengths", "RFC 9112, 6.3: as above, where hyper looks at the former only"),
    ("protocol error: malformed chunk size", "RFC 9112, 7.1.1: whitespace only before an extension"),
    ("protocol error: chunk size with too many digits", "RFC 9112, 7.1: recipients must anticipate large numerals"),
    ("protocol error: trailer line ends without CR", "RFC 9112, 7.1.2: CRLF; 2.2 excepts heads only"),
    ("more than ", "RFC 9110, 2.3 and 5.4: a recipient sets limits of its own"),
];

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// What hyper makes of these bytes and the end of the connection.
async fn hyper(raw: &[u8], to: AnswerTo) -> Option<(u16, Vec<u8>)> {
    let (client, mut server) = duplex(1 << 20);
    let method = if to == AnswerTo::Head { "HEAD" } else { "GET" };
    let (mut sender, connection) = http1::handshake(TokioIo::new(client)).await.unwrap();
    let request = Request::builder().method(method).uri("/").header("host", "a").body(Empty::<Bytes>::new()).unwrap();
    let serving = async {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            server.read_buf(&mut request).await.unwrap();
        }
        server.write_all(raw).await.unwrap();
        server.shutdown().await.unwrap();
    };
    let asking = async {
        let answer = sender.send_request(request).await.ok()?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.ok()?;
        Some((status, body.to_bytes().to_vec()))
    };
    // What becomes of the connection as such is of no interest, and hyper may give it up before the answer is taken.
    let (answer, ..) = tokio::join!(asking, serving, async { drop(connection.with_upgrades().await) });
    answer
}

fn compare(runtime: &Runtime, raw: &[u8], to: AnswerTo) -> Result<(), String> {
    let ours = play([raw], End::Close, to);
    let theirs = runtime.block_on(hyper(raw, to));
    let agree = match (&ours, &theirs) {
        (ScriptOutcome::Answer { status, body, .. }, Some(theirs)) => (*status, body) == (theirs.0, &theirs.1),
        (ScriptOutcome::Broken(cause), Some(_)) => STRICTER.iter().any(|(stricter, _)| cause.starts_with(stricter)),
        (ScriptOutcome::Broken(_), None) => true,
        _ => false,
    };
    let raw = raw.escape_ascii();
    if agree { Ok(()) } else { Err(format!("{raw}\nwe: {ours:?}\nhyper: {theirs:?}")) }
}

#[test]
fn hyper_agrees_on_the_table() {
    let runtime = runtime();
    let differing = table::answers()
        .flat_map(|raw| [AnswerTo::Other, AnswerTo::Head].map(|to| compare(&runtime, &raw, to)))
        .filter_map(Result::err);
    assert_eq!(differing.collect::<Vec<_>>(), Vec::<String>::new());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn hyper_agrees_on_nonsense(
        made in made(),
        mutations in mutations(),
        in_head in any::<bool>(),
        head in prop::bool::weighted(0.1),
    ) {
        let raw = mutate(made.raw, &mutations, in_head);
        let to = if head { AnswerTo::Head } else { AnswerTo::Other };
        prop_assert_eq!(compare(&runtime(), &raw, to), Ok(()));
    }

    #[test]
    fn hyper_agrees_on_answers(made in made()) {
        prop_assert_eq!(compare(&runtime(), &made.raw, AnswerTo::Other), Ok(()));
    }
}
