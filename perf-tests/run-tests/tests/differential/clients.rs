//! The clients. Each sends all exchanges' requests and tells how it understood the responses.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use monitoring::backend_mapping::BackendMapping;
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Method};
use perf_settings::Settings;
use perf_tests::engine::RequestError;
use perf_tests::{Scenario, Vu, shared_iterations};
use serde::{Deserialize, Serialize};

use crate::exchanges::{Exchange, Request};
use crate::recorder::NUMBER;

/// A client's reading of a response.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Outcome {
    Response {
        status: u16,
        /// The values of the header `x-a`.
        values: Vec<String>,
        body: String,
    },
    /// No response that it accepts, with its reason.
    Error {
        #[serde(rename = "error")]
        _reason: String,
    },
}

impl Outcome {
    /// Whether both are errors, whatever their reasons, or equal responses.
    pub(crate) fn means_the_same_as(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Error { .. }, Self::Error { .. })) || self == other
    }
}

/// This project's client.
pub(crate) fn ours(base: &str, exchanges: &[Exchange]) -> Vec<Outcome> {
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let (collected, requests) = (outcomes.clone(), exchanges.iter().map(|it| it.request).collect::<Vec<_>>());
    run(base, async move |vu: &mut Vu, (): &()| {
        for (number, request) in requests.iter().enumerate() {
            let outcome = send(vu, number, request).await;
            collected.lock().unwrap().push(outcome);
        }
        Ok(())
    });
    outcomes.lock().unwrap().clone()
}

/// Runs one iteration.
pub(crate) fn run<F>(base: &str, iteration: F)
where
    F: AsyncFn(&mut Vu, &()) -> anyhow::Result<()> + Send + Sync + 'static,
{
    // The run needs an endpoint. All requests are of the scenario's own.
    const UNUSED: Endpoint = Endpoint::new("unused", "Unused", Method::Get, "/");
    const CATALOGUE: Catalogue = Catalogue {
        service: "differential",
        title: "Differential",
        endpoints: &[UNUSED],
        critical: &[],
        slos: &[],
        measures: &[],
        mapping: BackendMapping::FASTAPI,
        backend_slos: &[],
        caches: &[],
    };
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differential");
    let settings = Settings::from_lookup(&|name| match name {
        perf_settings::TARGET => Some(base.to_owned()),
        perf_settings::OUT => Some(out.display().to_string()),
        perf_settings::QUIET | "K6_NO_CONNECTION_REUSE" => Some("1".to_owned()),
        _ => None,
    });
    let scenario = Scenario::new("differential", &CATALOGUE).exercises(&[UNUSED]).load(shared_iterations(1, 1));
    // The verdict does not matter: many of the responses are faults.
    let _ = scenario.run_with(settings.unwrap(), iteration);
}

async fn send(vu: &mut Vu, number: usize, request: &Request) -> Outcome {
    // The other clients keep no cookies.
    vu.cookies().clear();
    let mut building = vu.unjudged(request.method, "/case/{value}").path("value", request.segment);
    for (name, value) in request.query {
        building = building.query(name, value);
    }
    for (name, value) in request.headers {
        building = building.header(name, value);
    }
    if let Some((content_type, body)) = request.body {
        building = building.body(content_type, body.as_bytes());
    }
    let response = match building.header(NUMBER, &number.to_string()).send().await {
        Ok(response) => response,
        Err(RequestError::Failed { response: Some(response), .. }) => *response,
        Err(error) => return Outcome::Error { _reason: error.to_string() },
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Outcome::Response {
        status: response.status(),
        values: response.header_all("x-a").map(text).collect(),
        body: text(response.body()),
    }
}

/// curl, one process for each exchange.
pub(crate) fn curl(base: &str, exchanges: &[Exchange]) -> Vec<Outcome> {
    exchanges.iter().enumerate().map(|(number, exchange)| curl_one(base, number, &exchange.request)).collect()
}

fn curl_one(base: &str, number: usize, request: &Request) -> Outcome {
    let mut url = url::Url::parse(&format!("{base}/case")).unwrap();
    url.path_segments_mut().unwrap().push(request.segment);
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--http1.1", "--noproxy", "*", "--max-time", "10"]);
    curl.args(["--request", request.method.as_str(), "--header", &format!("{NUMBER}: {number}")]);
    for (name, value) in request.query {
        // curl joins the pairs and appends them to the URL.
        curl.args(["--url-query", &format!("{name}={value}")]);
    }
    for (name, value) in request.headers {
        // curl removes a header with an empty value, unless a semicolon follows the name.
        let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
        curl.args(["--header", &header]);
    }
    if let Some((content_type, body)) = request.body {
        curl.args(["--header", &format!("content-type: {content_type}"), "--data-binary", body]);
    }
    // Tests run at the same time, each against its own port.
    let port = url.port().unwrap();
    let [head, body] =
        ["head", "body"].map(|part| Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("curl-{port}-{part}")));
    curl.arg("--dump-header").arg(&head).arg("--output").arg(&body);
    // curl writes no file for an empty body.
    fs::write(&body, "").unwrap();
    let output = curl.arg(url.as_str()).output().expect("curl on PATH");
    if !output.status.success() {
        return Outcome::Error { _reason: String::from_utf8_lossy(&output.stderr).into_owned() };
    }
    let [head, body] = [head, body].map(|file| fs::read_to_string(file).unwrap());
    // The last status line is that of the final response; trailers follow its headers.
    let from = head.lines().collect::<Vec<_>>().iter().rposition(|line| line.starts_with("HTTP/")).unwrap();
    let mut lines = head.lines().skip(from);
    let status = lines.next().unwrap().split_whitespace().nth(1).unwrap().parse().unwrap();
    let values = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("x-a").then(|| value.trim().to_owned())
    });
    Outcome::Response { status, values: values.collect(), body }
}

/// A case as the Python client reads it.
#[derive(Serialize)]
struct Case {
    #[serde(flatten)]
    request: Request,
    number: usize,
}

/// Python's httpx, one process for all exchanges.
pub(crate) fn httpx(base: &str, exchanges: &[Exchange]) -> Vec<Outcome> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-support/python/httpx_client.py");
    let mut command = Command::new("python3");
    let mut child =
        command.arg(script).arg(base).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 on PATH");
    let cases = exchanges.iter().enumerate().map(|(number, it)| Case { request: it.request, number });
    let cases = serde_json::to_vec(&cases.collect::<Vec<_>>()).unwrap();
    child.stdin.take().unwrap().write_all(&cases).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}
