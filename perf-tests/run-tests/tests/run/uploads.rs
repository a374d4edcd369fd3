//! Bodies with files, forms with files, 100-continue and trailers, over HTTP/1.1 and HTTP/2.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::sync::Mutex;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use perf_tests::engine::FormField;
use test_support::fake_server::serve;

use super::*;
use test_support::exact_server::Given;

const UPLOAD: Endpoint = Endpoint::new("upload", "Upload", Method::Post, "/{name}");
const UPLOADS: Catalogue = Catalogue {
    endpoints: &[UPLOAD],
    critical: &[UPLOAD],
    slos: &[Slo::success_above(UPLOAD, Ratio::percent(99))],
    ..CATALOGUE
};

/// A request as the service received it.
#[derive(Debug, Clone, PartialEq)]
struct Upload {
    /// Method and path.
    line: String,
    content_type: String,
    content_length: String,
    body: Vec<u8>,
}

#[derive(Default)]
struct Received {
    uploads: Mutex<Vec<Upload>>,
    /// A file that becomes shorter when the body of a request to `/shrink` begins.
    file: Mutex<Option<PathBuf>>,
    connections: Arc<AtomicU64>,
}

/// A service that speaks both protocols, and the settings that use each.
fn start() -> (String, Arc<Received>, [Given; 2]) {
    let received = Arc::<Received>::default();
    let (state, connections) = (received.clone(), received.connections.clone());
    let router = Router::new()
        // The run asks whether its target responds.
        .route("/", any(|| async {}))
        .route("/refuse", any(|| async { StatusCode::PAYLOAD_TOO_LARGE }))
        .route("/trailers", any(trailers))
        .fallback(move |request| respond(state.clone(), request));
    let router =
        router.route(
            "/moved/{status}",
            any(|Path(status): Path<u16>| async move {
                (StatusCode::from_u16(status).unwrap(), [("location", "/arrived")])
            }),
        );
    (serve(router, Arc::default(), connections), received, [&[], &[("PERF_HTTP2", "1")]])
}

async fn respond(received: Arc<Received>, request: Request) -> Response {
    let (head, mut body) = request.into_parts();
    let file = received.file.lock().unwrap().take();
    if let Some(path) = file {
        body.frame().await.unwrap().unwrap();
        OpenOptions::new().write(true).open(path).unwrap().set_len(1000).unwrap();
    }
    // The client cuts off the body of a file that became shorter.
    let Ok(body) = to_bytes(body, usize::MAX).await else { return StatusCode::BAD_REQUEST.into_response() };
    let text = |headers: &HeaderMap, name| headers.get(name).map_or("", |it| it.to_str().unwrap()).to_owned();
    let content_type = text(&head.headers, CONTENT_TYPE);
    let content_length = text(&head.headers, CONTENT_LENGTH);
    let line = format!("{} {}", head.method, head.uri.path());
    let expects = text(&head.headers, EXPECT);
    received.uploads.lock().unwrap().push(Upload { line, content_type, content_length, body: body.to_vec() });
    ([("x-expects", expects)], "stored").into_response()
}

async fn trailers() -> Response {
    let pairs = [("grpc-status", "0"), ("x-sum", "abc"), ("x-sum", "def")];
    let trailers = pairs.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    let frames = [Frame::data(Bytes::from("body")), Frame::trailers(HeaderMap::from_iter(trailers))];
    let body = StreamBody::new(stream::iter(frames.map(Ok::<_, std::io::Error>)));
    ([("trailer", "grpc-status, x-sum")], Body::new(body)).into_response()
}

fn uploads(iterations: u64) -> Scenario {
    Scenario::new("uploads", &UPLOADS).exercises(&[UPLOAD]).load(shared_iterations(1, iterations))
}

/// Runs a scenario of iterations that all succeed.
fn run_uploads(
    settings: Settings,
    iteration: impl AsyncFn(&mut Vu) -> anyhow::Result<()> + Copy + Send + Sync + 'static,
) {
    let finished = uploads(20).run_with(settings, async move |vu: &mut Vu, (): &()| iteration(vu).await);
    let report = finished.report().unwrap_or_else(|(_, message)| panic!("{message}"));
    assert_eq!((code(&finished), report.iterations.failed), (ExitCode::Met, 0), "{:?}", report.findings);
}

/// A file with these bytes in the folder of the tests.
fn file(name: &str, bytes: &[u8]) -> String {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_form_with_files_arrives_as_browsers_send_it() {
    let mut of_both = Vec::new();
    let path: &'static str = file("photo 1.png", b"\x89PNG\r\n\0").leak();
    let (url, received, both) = start();
    for given in both {
        run_uploads(settings_at(&url, None, "form-1", given), async move |vu: &mut Vu| {
            let fields = [
                FormField::text("na\"me", "Zoë\nand Bob"),
                FormField::file("photo", path).content_type("image/png"),
                FormField::bytes("notes", "notes.csv", b"a,b").content_type("text/csv"),
            ];
            let request = vu.request(UPLOAD).path("name", "form").body("text/plain", b"replaced");
            request.multipart(fields).send().await?;
            Ok(())
        });
        let uploads = std::mem::take(&mut *received.uploads.lock().unwrap());
        assert_eq!(uploads.len(), 20);
        for upload in &uploads {
            let boundary = upload.content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
            let expected = format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"na%22me\"\r\n\r\nZoë\nand Bob\r\n\
                 --{boundary}\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"photo 1.png\"\r\n\
                 Content-Type: image/png\r\n\r\nPHOTO\r\n\
                 --{boundary}\r\nContent-Disposition: form-data; name=\"notes\"; filename=\"notes.csv\"\r\n\
                 Content-Type: text/csv\r\n\r\na,b\r\n--{boundary}--\r\n"
            );
            let (before, after) = expected.split_once("PHOTO").unwrap();
            assert_eq!(upload.body, [before.as_bytes(), b"\x89PNG\r\n\0", after.as_bytes()].concat());
            assert_eq!(upload.content_length, upload.body.len().to_string());
        }
        assert_ne!(uploads[0].content_type, uploads[1].content_type, "each iteration has its own boundary");
        of_both.push(uploads);
    }
    assert_eq!(of_both[0], of_both[1], "the same seed gives the same bytes");
}

#[test]
fn a_file_is_sent_again_by_redirects_that_keep_the_body() {
    let bytes: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let path: &'static str = file("moved.bin", &bytes).leak();
    let (url, received, both) = start();
    for given in both {
        let given = [given, &[("K6_MAX_REDIRECTS", "1")]].concat();
        run_uploads(settings_at(&url, None, "moved-file-1", &given), async move |vu: &mut Vu| {
            for (method, status) in [(Method::Put, "/moved/307"), (Method::Put, "/moved/303")] {
                vu.unjudged(method, status).body_file("image/png", path).send().await?;
            }
            vu.request(UPLOAD).path("name", "file").body_file("image/png", path).json(&1).send().await?;
            Ok(())
        });
        let uploads = std::mem::take(&mut *received.uploads.lock().unwrap());
        let of = |line: &str, content_type: &str, body: &[u8]| Upload {
            line: line.to_owned(),
            content_type: content_type.to_owned(),
            content_length: if body.is_empty() { String::new() } else { body.len().to_string() },
            body: body.to_vec(),
        };
        let expected = [
            of("PUT /arrived", "image/png", &bytes),
            of("GET /arrived", "", b""),
            of("POST /file", "application/json", b"1"),
        ];
        assert_eq!(uploads.len(), 60);
        uploads.chunks(3).for_each(|of_iteration| assert!(of_iteration == expected, "{:?}", of_iteration[1]));
    }
}

#[test]
fn a_file_that_cannot_be_opened_ends_the_run_with_its_path() {
    let (url, received, _) = start();
    let run = |iteration: fn(perf_tests::engine::Request<'_>) -> perf_tests::engine::Request<'_>| {
        let settings = settings_at(&url, None, "no-file-1", &[]);
        let finished = uploads(5).run_with(settings, async move |vu: &mut Vu, (): &()| {
            let _ = iteration(vu.request(UPLOAD).path("name", "x")).send().await;
            Ok(())
        });
        assert_eq!(code(&finished), ExitCode::BadConfiguration);
        finished.report().unwrap().findings[0].message.clone()
    };
    let missing = run(|request| request.body_file("text/plain", "no/such.txt"));
    assert!(missing.contains("perf-tests/data/no/such.txt cannot be read: No such file"), "{missing}");
    assert!(missing.contains("uploads.rs:"), "{missing}");
    let missing = run(|request| request.multipart([FormField::file("a", "none.txt")]));
    assert!(missing.contains("data/none.txt cannot be read"), "{missing}");
    let folder = run(|request| request.body_file("text/plain", "/"));
    assert!(folder.contains("file / cannot be read: it is not a file"), "{folder}");
    let injected = run(|request| request.multipart([FormField::text("a", "b").content_type("c\r\nd: e")]));
    assert!(injected.contains("field \"a\" cannot have the content type"), "{injected}");
    assert!(received.uploads.lock().unwrap().is_empty());
}

#[test]
fn a_file_that_shrinks_while_it_is_sent_is_named() {
    let (url, received, both) = start();
    for (number, given) in both.into_iter().enumerate() {
        let path: &'static str = file(&format!("shrinking-{number}.bin"), b"").leak();
        let settings = settings_at(&url, None, &format!("shrinking-{number}"), given);
        let state = received.clone();
        let finished = uploads(20).run_with(settings, async move |vu: &mut Vu, (): &()| {
            if vu.iteration() == 7 {
                OpenOptions::new().write(true).open(path)?.set_len(64 << 20)?;
                *state.file.lock().unwrap() = Some(path.into());
            }
            vu.request(UPLOAD).path("name", "file").body_file("image/png", path).send().await?;
            Ok(())
        });
        let report = finished.report().unwrap();
        assert_eq!((code(&finished), report.iterations.failed), (ExitCode::Inconclusive, 1), "{:?}", report.findings);
        let message = &report.problems().next().unwrap().message;
        assert!(message.contains(path) && message.contains("became shorter while it was sent"), "{message}");
        assert!(message.contains("it had 67108864 bytes, and has 1000 now"), "{message}");
        assert_eq!(report.requests.failed, 0, "the failure is not the service's");
    }
}

/// The server never sends 100 over HTTP/2, so the first body is sent unasked.
#[test]
fn a_body_is_sent_after_status_100_and_after_no_other() {
    let path: &'static str = file("expected.bin", &[7; 200_000]).leak();
    let (url, received, both) = start();
    // A refused body ends its connection over HTTP/1.1 only. One connection asks for the target
    // before the run.
    for (given, connections) in both.into_iter().zip([21, 2]) {
        received.connections.store(0, Ordering::Relaxed);
        run_uploads(settings_at(&url, None, "continue-1", given), async move |vu: &mut Vu| {
            if vu.iteration() == 0 || given.is_empty() {
                let stored = vu.request(UPLOAD).path("name", "file").body_file("image/png", path).expect_continue();
                anyhow::ensure!(stored.send().await?.header("x-expects") == Some(&b"100-continue"[..]));
            }
            let refused = vu.request(UPLOAD).path("name", "refuse").json(&[1, 2]).expect_continue().expect(413);
            anyhow::ensure!(refused.send().await?.status() == 413);
            Ok(())
        });
        let uploads = std::mem::take(&mut *received.uploads.lock().unwrap());
        assert_eq!(uploads.len(), if given.is_empty() { 20 } else { 1 });
        assert!(uploads.iter().all(|upload| upload.body == [7; 200_000]));
        assert_eq!(received.connections.load(Ordering::Relaxed), connections);
    }
}

#[test]
fn an_expectation_without_a_body_ends_the_run() {
    let (url, ..) = start();
    let finished = uploads(5).run_with(settings_at(&url, None, "no-continue-1", &[]), async |vu: &mut Vu, (): &()| {
        vu.request(UPLOAD).path("name", "x").body("text/plain", b"").expect_continue().send().await?;
        Ok(())
    });
    assert_eq!(code(&finished), ExitCode::BadConfiguration);
    assert!(finished.report().unwrap().findings[0].message.contains("expect_continue() needs a body"));
}

#[test]
fn trailers_are_read_over_both_protocols() {
    let (url, _, both) = start();
    for given in both {
        run_uploads(settings_at(&url, None, "trailers-1", given), async move |vu: &mut Vu| {
            for discards in [false, true] {
                let request = vu.request(UPLOAD).path("name", "trailers").header("te", "trailers");
                let response = if discards { request.discard_body() } else { request }.send().await?;
                let trailers = ["Grpc-Status", "x-sum", "x-none"].map(|name| response.trailer(name));
                anyhow::ensure!(trailers == [Some(&b"0"[..]), Some(b"abc"), None], "{response:?}");
                anyhow::ensure!(response.header("grpc-status").is_none());
            }
            let none = vu.request(UPLOAD).path("name", "file").send().await?;
            anyhow::ensure!(none.trailer("grpc-status").is_none());
            Ok(())
        });
    }
}
