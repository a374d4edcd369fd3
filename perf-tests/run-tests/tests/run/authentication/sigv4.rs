//! AWS Signature Version 4 of each request, by the crates `aws-sigv4` and `aws-credential-types`.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{self, SignableBody, SignableRequest, SigningSettings};
use aws_sigv4::sign::v4;
use perf_report::exit_code::ExitCode;
use perf_tests::data::Secret;
use perf_tests::engine::UnsignedRequest;
use perf_tests::{Scenario, ScenarioResult, Vu, per_vu_iterations};
use serde_json::json;

use super::super::code;
use super::sigv4_server::{KEY_ID, SigningServer};
use super::{DOCUMENTS, READ, WRITE, assert_no_secret, secret_file, settings};

#[expect(clippy::disallowed_methods, reason = "a signature has the time of day")]
fn signature(request: UnsignedRequest<'_>, key: &Secret) -> anyhow::Result<Vec<(String, String)>> {
    let identity = Credentials::new(KEY_ID, key.expose(), None, None, "scenario").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("eu-central-1")
        .name("execute-api")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()?;
    let content_type = request.content_type.map(|value| ("content-type", value));
    let body = request.body.map_or(SignableBody::UnsignedPayload, SignableBody::Bytes);
    let signable = SignableRequest::new(request.method, request.url, content_type.into_iter(), body)?;
    let (signed, _) = http_request::sign(signable, &parameters.into())?.into_parts();
    Ok(signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

async fn write_and_read(vu: &mut Vu, key: &Secret) -> anyhow::Result<()> {
    let id = format!("a b/ä {}", vu.id());
    let document = json!({ "title": "signed" });
    vu.request(WRITE).path("id", &id).json(&document).sign(|request| signature(request, key)).send().await?;
    let read = vu.request(READ).path("id", &id).query("z", "1 + 2").query("a", "ä&=");
    read.sign(|request| signature(request, key)).send().await?;
    Ok(())
}

fn run(http2: bool, key: &str, testid: &str) -> ScenarioResult {
    let (server, key) = (SigningServer::start(), secret_file(testid, key));
    let mut settings = settings(&format!("{}/base", server.url), testid);
    settings.http.http2 = http2;
    let finished = Scenario::new("signed", &DOCUMENTS)
        .exercises(&[READ, WRITE])
        .load(per_vu_iterations(2, 20))
        .setup(async move |_: &mut Vu| Ok(Secret::file(&key)?))
        .run_with(settings.clone(), write_and_read);
    assert_no_secret(&settings);
    finished
}

#[test]
fn a_server_with_the_same_key_computes_the_same_signatures() {
    for (http2, testid) in [(false, "auth-sigv4-1"), (true, "auth-sigv4-2")] {
        let finished = run(http2, "hunter2-key", testid);
        let report = finished.report().unwrap_or_else(|(_, message)| panic!("{message}"));
        assert_eq!(code(&finished), ExitCode::Met, "{:?}", report.failures);
        assert_eq!((report.requests.sent, report.requests.failed), (80, 0), "{:?}", report.failures);
    }
}

#[test]
fn a_signature_with_another_key_is_refused() {
    let finished = run(false, "hunter2-other", "auth-sigv4-3");
    let report = finished.report().unwrap();
    assert_eq!((code(&finished), report.requests.failed), (ExitCode::Missed, 40));
    assert_eq!(report.failures[0].detail.status(), Some(403), "{:?}", report.failures);
}

#[test]
fn a_signature_is_not_given_the_files_of_a_body() {
    let (server, file) = (SigningServer::start(), secret_file("auth-sigv4-4", "a file"));
    let settings = settings(&server.url, "auth-sigv4-4");
    let finished = Scenario::new("signed", &DOCUMENTS).exercises(&[WRITE]).load(per_vu_iterations(1, 1)).run_with(
        settings,
        async move |vu: &mut Vu, (): &()| {
            let given = Arc::<Mutex<Vec<Option<usize>>>>::default();
            let sign = |request: UnsignedRequest<'_>| {
                given.lock().unwrap().push(request.body.map(<[u8]>::len));
                anyhow::Ok(Vec::new())
            };
            vu.request(WRITE).path("id", 7).body_file("text/plain", &file).sign(sign).send().await?;
            vu.request(WRITE).path("id", 7).body("text/plain", b"text").sign(sign).send().await?;
            vu.request(WRITE).path("id", 7).sign(sign).send().await?;
            assert_eq!(*given.lock().unwrap(), [None, Some(4), Some(0)]);
            Ok(())
        },
    );
    assert_eq!(finished.report().unwrap().iterations.completed, 1, "{:?}", finished.report());
}
