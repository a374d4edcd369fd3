//! Parses any bytes as an HTTP/1.1 response. It never panics, respects the limits, and gives the
//! same result however the bytes are split.
//!
//! Input: a byte whose lowest bit makes this a response to HEAD, a byte that seeds the split
//! points, and the response.

#![no_main]

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use libfuzzer_sys::fuzz_target;
use perf_tests::http::h1::{ResponseTo, Connection, ResponseLimits};
use perf_tests_fuzz::Bytes;

const LIMITS: ResponseLimits = ResponseLimits { head: 1024, headers: 16, body: 2048, interim: 3 };

fn play(response: &[u8], seed: u32, to: ResponseTo) -> Result<(u16, Vec<u8>), String> {
    let mut connection = Connection::new(Bytes { rest: response, seed }, LIMITS);
    let exchange = pin!(connection.exchange(b"GET / HTTP/1.1\r\n\r\n", to));
    let Poll::Ready(result) = exchange.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("the exchange waits although all bytes are there");
    };
    let result = result.map_err(|error| error.to_string())?;
    assert!(result.body().len() <= LIMITS.body);
    assert!(result.headers().count() <= LIMITS.headers);
    assert!(matches!(result.status, 1..=99 | 200..=999));
    Ok((result.status, result.body().to_vec()))
}

fuzz_target!(|input: &[u8]| {
    let [method, seed, response @ ..] = input else { return };
    let to = if method & 1 == 1 { ResponseTo::Head } else { ResponseTo::Other };
    let cut = play(response, u32::from(*seed).wrapping_mul(2_654_435_761).max(1), to);
    assert_eq!(play(response, 0, to), cut);
});
