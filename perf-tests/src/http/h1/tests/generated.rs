//! Random responses. Well-formed ones are read back as generated; malformed ones do no harm.

use proptest::prelude::*;
use proptest::sample::Index;

use super::script::{End, LIMITS, ScriptOutcome, ScriptedStream, exchange, outcome, play, poll, split};
use crate::http::h1::{Connection, ResponseTo};

/// The transfer coding of a body.
#[derive(Debug, Clone)]
enum BodyCoding {
    Length,
    UntilClose,
    /// Lengths of the chunks, each with an extension, repeated until the body ends; and the
    /// trailers.
    Chunked(Vec<(usize, String)>, String),
}

/// A response and its parts.
#[derive(Debug, Clone)]
pub(super) struct GeneratedResponse {
    pub(super) raw: Vec<u8>,
    status: u16,
    body: Vec<u8>,
    open: bool,
}

fn chunked(body: &[u8], chunks: &[(usize, String)], trailers: &str) -> Vec<u8> {
    let mut raw = Vec::new();
    let mut rest = body;
    for (number, (length, extension)) in chunks.iter().cycle().enumerate() {
        if rest.is_empty() {
            break;
        }
        let (chunk, after) = rest.split_at((*length).min(rest.len()));
        // All extensions together must stay within their limit.
        let extension = if number < 60 { extension } else { "" };
        raw.extend(format!("{:x}{extension}\r\n", chunk.len()).bytes());
        raw.extend(chunk);
        raw.extend(b"\r\n");
        rest = after;
    }
    raw.extend(format!("0\r\n{trailers}\r\n").bytes());
    raw
}

fn make(status: u16, headers: &str, body: Vec<u8>, coding: &BodyCoding, interim: &str) -> GeneratedResponse {
    let mut raw = format!("{interim}HTTP/1.1 {status} Reason\r\n{headers}").into_bytes();
    let open = !matches!(coding, BodyCoding::UntilClose) && !headers.contains("close");
    match coding {
        BodyCoding::Length => {
            raw.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
            raw.extend(&body);
        }
        BodyCoding::UntilClose => {
            raw.extend(b"\r\n");
            raw.extend(&body);
        }
        BodyCoding::Chunked(chunks, trailers) => {
            raw.extend(b"Transfer-Encoding: chunked\r\n\r\n");
            raw.extend(chunked(&body, chunks, trailers));
        }
    }
    GeneratedResponse { raw, status, body, open }
}

fn body_coding() -> impl Strategy<Value = BodyCoding> {
    let extension = prop_oneof![3 => Just(String::new()), 1 => "[ \t]{0,2};[a-z]{1,5}(=\"[a-z;]{0,5}\")?"];
    let chunks = prop::collection::vec((1_usize..700, extension), 1..6);
    prop_oneof![
        Just(BodyCoding::Length),
        Just(BodyCoding::UntilClose),
        (chunks, "([A-Za-z-]{1,9}:[ a-z]{0,9}\r\n){0,3}")
            .prop_map(|(chunks, trailers)| { BodyCoding::Chunked(chunks, trailers) }),
    ]
}

/// A well-formed response with a status that allows a body.
pub(super) fn generated_response() -> impl Strategy<Value = GeneratedResponse> {
    let headers = prop_oneof![
        4 => "(x-[a-z]{1,9}:[ \t]?[ -~]{0,30}\r\n){0,4}",
        1 => Just("connection: a, close\r\n".to_owned()),
    ];
    let interim = "(HTTP/1[.]1 10[023] Wait\r\n(a: b\r\n)?\r\n){0,2}";
    let status = prop_oneof![Just(200_u16), Just(201), 205..=303_u16, 400..=599_u16];
    let body = prop_oneof![prop::collection::vec(any::<u8>(), 0..20), prop::collection::vec(any::<u8>(), 0..4096)];
    (status, headers, body, body_coding(), interim)
        .prop_map(|(status, headers, body, coding, interim)| make(status, &headers, body, &coding, &interim))
}

/// Mutations of a response: each replaces some of its bytes.
pub(super) fn mutations() -> impl Strategy<Value = Vec<(Index, usize, Vec<u8>)>> {
    let tokens = prop::sample::select(vec![
        &b"\r\n"[..],
        b"\n",
        b"\r",
        b":",
        b";",
        b",",
        b" ",
        b"0",
        b"5",
        b"f",
        b"\0",
        b"-",
        b"chunked",
        b"close",
        b"Content-Length: 3\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"HTTP/1.0",
        b"\r\n\r\n",
        b"204",
        b"101",
        b"999",
    ]);
    let new = prop_oneof![tokens.prop_map(<[u8]>::to_vec), prop::collection::vec(any::<u8>(), 0..4)];
    prop::collection::vec((any::<Index>(), 0_usize..4, new), 1..5)
}

pub(super) fn mutate(mut raw: Vec<u8>, mutations: &[(Index, usize, Vec<u8>)], in_head: bool) -> Vec<u8> {
    for (at, removed, new) in mutations {
        let end = if in_head { raw.len().min(120) } else { raw.len() };
        let at = at.index(end + 1);
        let until = raw.len().min(at + removed);
        raw.splice(at..until, new.iter().copied());
    }
    raw
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        prop::collection::vec(0_usize..5000, 0..20),
        prop::collection::vec(0_usize..200, 0..80),
        Just((0..5000).collect()),
    ]
}

proptest! {
    #[test]
    fn a_generated_response_is_read_back(generated in generated_response(), cuts in cuts()) {
        let (body, open) = (generated.body, generated.open);
        let expected = ScriptOutcome::Response { status: generated.status, body, discarded: 0, open };
        prop_assert_eq!(outcome(split(&generated.raw, cuts), ResponseTo::Other), expected);
    }

    #[test]
    fn one_connection_reads_several_responses(all in prop::collection::vec((generated_response(), cuts(), any::<bool>()), 1..6)) {
        let script = ScriptedStream::new([], End::Stall);
        let mut connection = Connection::new(script.clone(), LIMITS);
        // Some responses outlive later exchanges, and must not change.
        let mut kept = Vec::new();
        for (generated, cuts, keep) in all.into_iter().filter(|(generated, ..)| generated.open) {
            prop_assert!(connection.is_open());
            split(&generated.raw, cuts).into_iter().filter(|piece| !piece.is_empty()).for_each(|piece| script.push(piece));
            let response = exchange(&mut connection, ResponseTo::Other).unwrap().unwrap();
            prop_assert_eq!(response.body(), &generated.body[..]);
            if keep {
                kept.push((response, generated));
            }
        }
        for (response, generated) in kept {
            prop_assert_eq!((response.status, response.body()), (generated.status, &generated.body[..]));
        }
    }

    #[test]
    fn a_truncated_response_is_not_accepted(generated in generated_response(), cut in any::<Index>()) {
        let part = &generated.raw[..cut.index(generated.raw.len())];
        // A body that ends with the connection has no length, so any part of it with a whole head
        // is valid.
        let ended = matches!(outcome([&generated.raw[..]], ResponseTo::Other), ScriptOutcome::Response { open: true, .. });
        if ended {
            prop_assert_eq!(play([part], End::Stall, ResponseTo::Other), ScriptOutcome::Waits);
            let broken = matches!(play([part], End::Close, ResponseTo::Other), ScriptOutcome::Broken(_));
            prop_assert!(broken);
        }
    }

    #[test]
    fn a_mutated_response_does_no_harm(
        generated in generated_response(),
        mutations in mutations(),
        in_head in any::<bool>(),
        cuts in cuts(),
        head in any::<bool>(),
    ) {
        let raw = mutate(generated.raw, &mutations, in_head);
        let to = if head { ResponseTo::Head } else { ResponseTo::Other };
        // If all bytes and the end are available, one poll must complete the exchange.
        let at_once = play([&raw[..]], End::Close, to);
        prop_assert_ne!(&at_once, &ScriptOutcome::Waits);
        prop_assert_eq!(&play(split(&raw, cuts.clone()), End::Close, to), &at_once);
        prop_assert_eq!(outcome(split(&raw, cuts), to), outcome([&raw[..]], to));
        if let ScriptOutcome::Response { status, body, .. } = at_once {
            prop_assert!(matches!(status, 1..=99 | 200..=999) && body.len() <= LIMITS.body);
        }
    }

    #[test]
    fn random_bytes_do_no_harm(noise in prop::collection::vec(any::<u8>(), 0..300), to in any::<bool>()) {
        let to = if to { ResponseTo::Head } else { ResponseTo::Other };
        prop_assert_ne!(play([&noise[..]], End::Close, to), ScriptOutcome::Waits);
        let mut connection = Connection::new(ScriptedStream::new([&noise[..]], End::Close), LIMITS);
        prop_assert!(poll(connection.exchange(b"", to)).is_some());
    }
}
