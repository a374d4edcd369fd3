//! Compressed responses: asked for or not, over HTTP/1.1 and HTTP/2.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use test_support::exact_server::ExactServer;

const JSON: Endpoint = Endpoint::new("json", "JSON", Method::Get, "/json/{coding}");
const COMPRESSED: Catalogue = Catalogue {
    endpoints: &[JSON],
    critical: &[JSON],
    slos: &[Slo::success_above(JSON, Ratio::percent(99))],
    ..CATALOGUE
};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn word() -> String {
    format!("{{\"word\":\"{}\"}}", "x".repeat(1000))
}

/// The body with the coding that the path names.
fn respond(path: &str) -> (Vec<(&'static str, String)>, Vec<u8>) {
    let coding = path.rsplit('/').next().unwrap();
    let (name, body) = match coding {
        "gzip" => ("gzip", gzip(word().as_bytes())),
        "zstd" => ("zstd", zstd::encode_all(word().as_bytes(), 3).unwrap()),
        "twice" => ("gzip, zstd", zstd::encode_all(&*gzip(word().as_bytes()), 3).unwrap()),
        "lie" => ("gzip", word().into_bytes()),
        "cut" => ("gzip", gzip(word().as_bytes())[..20].to_vec()),
        "unknown" => ("compress", vec![0x1f, 0x9d, 0x90]),
        _ => ("identity", word().into_bytes()),
    };
    (
        vec![("content-encoding", name.to_owned()), ("set-cookie", "a=1".to_owned()), ("Set-Cookie", "b=2".to_owned())],
        body,
    )
}

fn scenario() -> Scenario {
    Scenario::new("compressed", &COMPRESSED).exercises(&[JSON]).load(shared_iterations(1, 20))
}

#[test]
fn compressed_bodies_are_decoded_for_checks_and_json() {
    for (server, given) in ExactServer::both_protocols(respond) {
        let store = Store::start();
        let settings = settings_at(&server.url, Some(&store), "decoded-1", given);
        let finished = scenario().run_with(settings, async |vu: &mut Vu, (): &()| {
            for coding in ["gzip", "zstd", "twice", "none"] {
                let request = vu.request(JSON).path("coding", coding).check("is decoded", |it| it.body().len() == 1011);
                let response = request.send().await?;
                let json: serde_json::Value = response.json()?;
                anyhow::ensure!(json["word"].as_str().unwrap().len() == 1000);
                let cookies: Vec<_> = response.header_all("SET-cookie").collect();
                anyhow::ensure!(cookies == [b"a=1", b"b=2"], "{cookies:?}");
            }
            Ok(())
        });
        let report = finished.report().unwrap();
        assert_eq!((code(&finished), report.iterations.failed), (ExitCode::Met, 0), "{:?}", report.failures);
        let received: usize = ["gzip", "zstd", "twice", "none"].iter().map(|coding| respond(coding).1.len()).sum();
        let (bodies, received) = (report.endpoints[0].bodies, 20 * received as u64);
        assert_eq!((bodies.received, bodies.decoded), (received, 20 * 4 * 1011));
        assert!(received < 20 * 1300, "{received}");
        assert_eq!(store.last_sum("http_res_body_bytes"), received as f64);
        assert_eq!(store.last_sum("http_res_decoded_bytes"), 80_880.0);
        assert!(server.received("/json/gzip").iter().all(|(head, _)| !head.contains("accept-encoding")));
    }
}

#[test]
fn compression_sends_what_browsers_accept() {
    for (server, given) in ExactServer::both_protocols(respond) {
        let given = [given, &[("PERF_COMPRESSION", "1")]].concat();
        let finished =
            scenario().run_with(settings_at(&server.url, None, "accepted-1", &given), async |vu: &mut Vu, (): &()| {
                vu.request(JSON).path("coding", "gzip").send().await?;
                vu.request(JSON).path("coding", "none").header("accept-encoding", "identity").send().await?;
                Ok(())
            });
        assert_eq!(code(&finished), ExitCode::Met);
        let sent = |path: &str, line: &str| {
            let received = server.received(path);
            assert_eq!(received.len(), 20);
            received.iter().all(|(head, _)| head.matches("accept-encoding").count() == 1 && head.contains(line))
        };
        assert!(sent("/json/gzip", "\naccept-encoding: gzip, deflate, br, zstd"));
        assert!(sent("/json/none", "\naccept-encoding: identity"));
    }
}

#[test]
fn a_body_that_is_not_its_coding_fails_with_the_cause() {
    for (server, given) in ExactServer::both_protocols(respond) {
        let settings = settings_at(&server.url, None, "lies-1", given);
        let finished = scenario().run_with(settings, async |vu: &mut Vu, (): &()| {
            for (coding, expected) in
                [("lie", "the body is not gzip"), ("cut", "ends before its gzip data is complete")]
            {
                let failed = vu.request(JSON).path("coding", coding).send().await.unwrap_err();
                anyhow::ensure!(failed.to_string().contains(expected), "{failed}");
            }
            let unexpected = vu.request(JSON).path("coding", "lie").expect(404).send().await.unwrap_err();
            anyhow::ensure!(unexpected.to_string().contains("responded with 200 OK, expected 404"), "{unexpected}");
            let named = vu.request(JSON).path("coding", "unknown").send().await?.json::<u8>().unwrap_err();
            anyhow::ensure!(named.to_string().contains("content-encoding compress cannot be decoded"), "{named}");
            anyhow::ensure!(named.to_string().contains(&format!("the JSON that {}:", file!())), "{named}");
            Ok(())
        });
        let report = finished.report().unwrap();
        assert_eq!((code(&finished), report.iterations.failed), (ExitCode::Missed, 0), "{:?}", report.findings);
        let errors = &report.endpoints[0].errors;
        assert_eq!((errors[&FailureKind::Protocol], errors[&FailureKind::Status]), (40, 20));
    }
}
