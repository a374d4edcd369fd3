//! Number of memory allocations for each request of a settled load, each with its reason.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use monitoring::phase::Phases;
use test_support::fake_server::accept_each;
use test_support::shop::{ADD_ITEM, SHOP};

use super::run_against;
use crate::engine::vu::Vu;
use crate::plan::shared_iterations;

/// Sends the same response to every request. A request's head and body must arrive together.
fn server() -> String {
    format!("http://{}", accept_each(respond))
}

fn respond(mut stream: TcpStream) {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).unwrap() > 0 {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"id\": \"p-1\"}").unwrap();
    }
}

/// The parts of a request that are not in each.
#[derive(Debug, Clone, Copy, Default)]
struct Extras {
    json: bool,
    check: bool,
    file: Option<&'static str>,
}

/// Allocations of this thread while `iterations` ran. The server runs on another thread.
fn allocations(iterations: u64, Extras { json, check, file }: Extras) -> u64 {
    let url = server();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let counted = allocation_counter::measure(|| {
        let ran = runtime.block_on(run_against(&url, shared_iterations(1, iterations), None, move |vu| {
            Box::pin(async move {
                let mut request = vu.request(ADD_ITEM).path("cart", "ABCD");
                if json {
                    request = request.json(&["a", "b"]);
                }
                if let Some(file) = file {
                    request = request.body_file("image/png", file);
                }
                if check {
                    request = request.check("has an id", |response| response.body().starts_with(b"{\"id\""));
                }
                request.send().await?;
                Ok(())
            })
        }));
        let requests = ran.endpoint(Phases::ALL).requests();
        assert_eq!((requests.sent, requests.failed), (iterations, 0), "{:?}", ran.load.errors);
    });
    counted.count_total
}

/// Per request: the iteration's future, which is boxed so that a scenario is a plain closure; the
/// value of a path parameter as text, and the path made of it. Nothing for checks, head, body,
/// connection, timer, response or recording.
#[test]
fn a_settled_load_allocates_as_often_as_documented() {
    const ITERATION: u64 = 1;
    const PATH: u64 = 2;
    let json = Extras { json: true, ..Extras::default() };
    for (extras, expected) in [
        (Extras::default(), ITERATION + PATH),
        (json, ITERATION + PATH),
        (Extras { check: true, ..json }, ITERATION + PATH),
    ] {
        assert_settled(extras, expected);
    }
}

/// Asserts that each request of a settled load allocates as often as expected.
fn assert_settled(extras: Extras, expected: u64) {
    let settled = allocations(3_000, extras) - allocations(1_000, extras);
    // A few more or less, as a histogram may grow in one of the two runs only.
    assert!(settled.abs_diff(expected * 2_000) <= 40, "{extras:?}: {settled} for 2000 requests");
}

/// Beside those of a request with JSON: its content type, the path, and what is kept of the file
/// and its place until it was sent.
#[test]
fn a_settled_upload_allocates_as_often_as_documented() {
    const OTHERS: u64 = 1 + 2;
    const UPLOAD: u64 = 9;
    let path = std::env::temp_dir().join(format!("perf-tests-{}-settled-upload", std::process::id()));
    std::fs::write(&path, [7; 1000]).unwrap();
    assert_settled(
        Extras { file: path.to_str().map(|path| &*path.to_owned().leak()), ..Extras::default() },
        OTHERS + UPLOAD,
    );
    std::fs::remove_file(path).unwrap();
}

/// Allocations of this thread while `iterations` ran, each with six requests at once.
fn allocations_at_once(iterations: u64) -> u64 {
    let url = server();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let counted = allocation_counter::measure(|| {
        let ran = runtime.block_on(run_against(&url, shared_iterations(1, iterations), None, |vu| {
            Box::pin(async move {
                let request = |vu: &mut Vu| vu.request(ADD_ITEM).path("cart", "ABCD").prepare();
                let requests = std::array::from_fn::<_, 6, _>(|_| request(vu));
                vu.all(requests).await.into_iter().try_for_each(|response| response.map(drop))?;
                Ok(())
            })
        }));
        let requests = ran.endpoint(Phases::ALL).requests();
        assert_eq!((requests.sent, requests.failed), (6 * iterations, 0), "{:?}", ran.load.errors);
        let add_item = SHOP.endpoints.iter().position(|endpoint| *endpoint == ADD_ITEM).unwrap();
        assert_eq!(ran.part().most_per_iteration[add_item], 6);
    });
    counted.count_total
}

/// Per request: its path, as above; the results of its parallel virtual user; and its entry in the
/// set of futures. Per call: the iteration's future; the list of requests; the map, the list and
/// the queue of hosts, which grows once; the set of futures and its queue; and the list of results,
/// which grows once.
#[test]
fn settled_requests_at_once_allocate_as_often_as_documented() {
    const REQUEST: u64 = 2 + 2;
    const CALL: u64 = 1 + 1 + 4 + 2 + 2;
    let settled = allocations_at_once(1_500) - allocations_at_once(500);
    let expected = (6 * REQUEST + CALL) * 1_000;
    // A few more or less, as above.
    assert!(settled.abs_diff(expected) <= 40, "{settled} for 1000 times six requests");
}
