//! The client beside curl and Python's httpx: the same requests on the wire, the same understanding
//! of 200 exchanges, and the same to servers of five makes.
//!
//! They differ in headers of their own (`recorder::OWN`), and in the characters that they escape: a
//! space in a query is `+` here (URL standard, section 5.2) and `%20` in the others (RFC 3986,
//! section 2.1).

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper that fails fails the test")]

mod clients;
mod exchanges;
mod forms;
mod recorder;
mod servers;

use std::thread;

use clients::Outcome;
use exchanges::{Exchange, exchanges};
use recorder::{Recorder, WireRequest};

type Client = fn(&str, &[Exchange]) -> Vec<Outcome>;

const OTHERS: [(&str, Client); 2] = [("curl", clients::curl), ("httpx", clients::httpx)];

/// Runs a client. Returns its requests as they arrived, and how it understood the responses.
fn observe(client: Client, exchanges: &[Exchange]) -> (Vec<WireRequest>, Vec<Outcome>) {
    let recorder = Recorder::start(exchanges.iter().map(|exchange| exchange.response).collect());
    let outcomes = client(&recorder.url, exchanges);
    let requests = recorder.requests();
    let lost: Vec<_> = (0..exchanges.len()).filter(|at| !requests.contains_key(at)).collect();
    assert!(lost.is_empty() && outcomes.len() == exchanges.len(), "requests {lost:?} did not arrive: {outcomes:?}");
    (requests.into_values().collect(), outcomes)
}

#[test]
#[ignore = "needs curl, and httpx for python3: run with cargo xtask ci"]
fn requests_and_responses_mean_the_same_to_curl_and_httpx() {
    let exchanges = exchanges();
    assert_eq!(exchanges.len(), 200);
    let (our_requests, our_outcomes) = observe(clients::ours, &exchanges);
    let mut differences = Vec::new();
    for (name, client) in OTHERS {
        let (requests, outcomes) = observe(client, &exchanges);
        for (at, exchange) in exchanges.iter().enumerate() {
            let (ours, theirs) = (&our_requests[at], &requests[at]);
            if ours != theirs {
                differences.push(format!("{name}, exchange {at}: sent {theirs:?}, we {ours:?}"));
            }
            let (ours, theirs) = (&our_outcomes[at], &outcomes[at]);
            if !ours.means_the_same_as(theirs) {
                differences.push(format!("{name}, {:?}: understood {theirs:?}, we {ours:?}", exchange.response));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
#[ignore = "needs servers, curl, and httpx for python3: run with cargo xtask ci"]
fn servers_of_five_makes_read_the_same_requests() {
    // The servers make their own responses.
    let exchanges = &exchanges();
    assert_eq!(exchanges.len(), 200);
    for server in &servers::start() {
        let ours = clients::ours(&server.url, exchanges);
        for (Exchange { request, .. }, outcome) in exchanges.iter().zip(&ours) {
            let Outcome::Response { status: 200, body, .. } = outcome else { panic!("{}: {outcome:?}", server.name) };
            let is_read = |text: &str| body.contains(text);
            assert!(is_read(request.method.as_str()) && is_read(request.segment), "{}: {body}", server.name);
        }
        // The clients at the same time: curl is a process for each exchange.
        thread::scope(|scope| {
            let others = OTHERS.map(|(name, client)| (name, scope.spawn(move || client(&server.url, exchanges))));
            for (name, theirs) in others {
                assert!(theirs.join().unwrap() == ours, "{} reads requests of {name} differently", server.name);
            }
        });
    }
}
