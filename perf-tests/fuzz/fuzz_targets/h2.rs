//! Reads any bytes as the frames of an HTTP/2 server. It never panics, respects the limits, and
//! gives the same result however the bytes are split.
//!
//! Input: a byte whose lowest bit makes this a response to HEAD, a byte that seeds the split
//! points, and the frames.

#![no_main]

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use libfuzzer_sys::fuzz_target;
use perf_tests::http::h1::{ResponseTo, ResponseLimits};
use perf_tests::http::h2::{Connection, Http2Request};
use perf_tests_fuzz::Bytes;

const LIMITS: ResponseLimits = ResponseLimits { head: 1024, headers: 16, body: 2048, interim: 3 };

fn play(frames: &[u8], seed: u32, response_to: ResponseTo) -> Result<(u16, Vec<u8>), String> {
    let mut connection = Connection::new(Bytes { rest: frames, seed }, LIMITS);
    let request = Http2Request { head: b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", has_body: false, is_tls: true, response_to };
    let exchange = pin!(connection.exchange(request, &[]));
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
    let [method, seed, frames @ ..] = input else { return };
    let to = if method & 1 == 1 { ResponseTo::Head } else { ResponseTo::Other };
    let cut = play(frames, u32::from(*seed).wrapping_mul(2_654_435_761).max(1), to);
    assert_eq!(play(frames, 0, to), cut);
});
