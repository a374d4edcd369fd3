//! Responses of 10 GB. Peak memory is known on Linux.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use test_support::fake_server::accept_each;

use super::bodies::{FILE, scenario};
use super::*;

/// Bytes of a body that no memory holds.
const HUGE: u64 = 10_000_000_000;

/// Sends zeros: with a length, or in chunks if the path says so. Other paths have no body.
fn send_zeros(mut stream: TcpStream) {
    const BLOCK: usize = 1_000_000;
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut block = format!("{BLOCK:x}\r\n").into_bytes();
    let head = block.len();
    block.resize(head + BLOCK, 0);
    block.extend_from_slice(b"\r\n");
    loop {
        let mut request = String::new();
        while !request.ends_with("\r\n\r\n") {
            if reader.read_line(&mut request).unwrap_or(0) == 0 {
                return;
            }
        }
        let (framing, block, end) = match request.split(' ').nth(1) {
            Some("/file/chunked") => ("transfer-encoding: chunked".to_owned(), &block[..], "0\r\n\r\n"),
            Some("/file/length") => (format!("content-length: {HUGE}"), &block[head..head + BLOCK], ""),
            _ => ("content-length: 0".to_owned(), &[][..], ""),
        };
        write!(stream, "HTTP/1.1 200 OK\r\n{framing}\r\n\r\n").unwrap();
        (0..HUGE / BLOCK as u64).for_each(|_| stream.write_all(block).unwrap());
        stream.write_all(end.as_bytes()).unwrap();
    }
}

#[test]
#[ignore = "takes seconds of both processors: run with cargo xtask ci"]
fn a_body_of_10_gb_takes_bounded_memory() {
    const BOUND: u64 = 200 << 20;
    let url = format!("http://{}", accept_each(send_zeros));
    // Makes the present memory the peak (proc_pid_clear_refs(5)).
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let peak = || perf_host::proc::peak_memory(std::process::id()).unwrap().1;
    let before = peak();
    let settings = settings_at(&url, None, "huge-1", &[]);
    let finished = scenario(1).run_with(settings, async |vu: &mut Vu, (): &()| {
        let discarded = vu.request(FILE).path("size", "length").discard_body().send().await?;
        anyhow::ensure!(discarded.discarded() == HUGE);
        let beyond = vu.request(FILE).path("size", "chunked").send().await?;
        let error = beyond.json::<u64>().unwrap_err().to_string();
        anyhow::ensure!(
            error.contains("10,000,000,000 bytes was discarded") && error.contains("set --max-body"),
            "{error}"
        );
        Ok(())
    });
    let report = finished.report().unwrap();
    assert_eq!((report.iterations.completed, report.iterations.failed), (1, 0), "{:?}", report.findings);
    assert_eq!(report.endpoints[0].bodies.received, 2 * HUGE);
    let grown = peak() - before;
    assert!(grown < BOUND, "{grown} bytes");
}
