//! Bodies of responses that are not kept, over HTTP/1.1 and HTTP/2.

use super::*;
use test_support::exact_server::ExactServer;

pub(crate) const FILE: Endpoint = Endpoint::new("file", "File", Method::Get, "/file/{size}");
const FILES: Catalogue = Catalogue {
    endpoints: &[FILE],
    critical: &[FILE],
    slos: &[Slo::success_above(FILE, Ratio::percent(99))],
    ..CATALOGUE
};

/// A body of as many bytes as the path says. Zeros in gzip for "zip".
fn respond(path: &str) -> (Vec<(&'static str, String)>, Vec<u8>) {
    let size = path.rsplit('/').next().unwrap();
    match size.parse() {
        Ok(size) => (Vec::new(), vec![b'7'; size]),
        Err(_) => (vec![("content-encoding", "zstd".to_owned())], zstd::encode_all(&*vec![0; 100_000], 3).unwrap()),
    }
}

/// A scenario of this number of iterations.
pub(crate) fn scenario(iterations: u64) -> Scenario {
    Scenario::new("files", &FILES).exercises(&[FILE]).load(shared_iterations(1, iterations))
}

#[test]
fn a_body_beyond_the_limit_is_counted_and_not_kept() {
    for (server, given) in ExactServer::both_protocols(respond) {
        let given = [given, &[("PERF_MAX_BODY", "10kB")]].concat();
        let settings = settings_at(&server.url, None, "large-1", &given);
        let finished = scenario(20).run_with(settings, async |vu: &mut Vu, (): &()| {
            let kept = vu.request(FILE).path("size", 10_000).send().await?;
            anyhow::ensure!((kept.body().len(), kept.discarded()) == (10_000, 0));
            let dropped = vu.request(FILE).path("size", 10_001).check("200", |it| it.status() == 200).send().await?;
            anyhow::ensure!(dropped.discarded() == 10_001);
            let error = dropped.json::<u64>().unwrap_err().to_string();
            anyhow::ensure!(error.contains("its body of 10,001 bytes was discarded"), "{error}");
            anyhow::ensure!(error.contains("more than 10000 bytes are not kept: set --max-body"), "{error}");
            let decoded = vu.request(FILE).path("size", "zip").send().await?;
            anyhow::ensure!(decoded.discarded() > 0 && decoded.json::<u64>().is_err());
            Ok(())
        });
        let report = finished.report().unwrap();
        assert_eq!((code(&finished), report.iterations.failed), (ExitCode::Met, 0), "{:?}", report.failures);
        let sent = [10_000, 10_001, respond("/zip").1.len()].iter().sum::<usize>() as u64;
        assert_eq!((report.endpoints[0].bodies.received, report.endpoints[0].bodies.decoded), (20 * sent, 20 * sent));
    }
}

#[test]
fn discard_body_counts_a_body_and_says_that_it_is_gone() {
    for (server, given) in ExactServer::both_protocols(respond) {
        let settings = settings_at(&server.url, None, "discarded-1", given);
        let finished = scenario(20).run_with(settings, async |vu: &mut Vu, (): &()| {
            let response = vu.request(FILE).path("size", 500).discard_body().send().await?;
            let error = response.json::<u64>().unwrap_err().to_string();
            anyhow::ensure!(
                error.contains("500 bytes was discarded, because the request has discard_body()"),
                "{error}"
            );
            let request = vu.request(FILE).path("size", 500).discard_body().expect(404);
            let error = request.send().await.unwrap_err().to_string();
            anyhow::ensure!(
                error.contains("GET /file/500 responded with 200 OK") && error.contains("discarded"),
                "{error}"
            );
            let next = vu.request(FILE).path("size", 3).send().await?;
            anyhow::ensure!(next.body() == b"777");
            Ok(())
        });
        let report = finished.report().unwrap();
        assert_eq!(report.iterations.failed, 0, "{:?}", report.failures);
        assert_eq!(report.endpoints[0].bodies.received, 20 * 1003);
    }
}

#[test]
fn reading_a_discarded_body_stops_the_virtual_user() {
    let (server, _) = &ExactServer::both_protocols(respond)[0];
    let settings = settings_at(&server.url, None, "unread-1", &[]);
    let finished = scenario(20).run_with(settings, async |vu: &mut Vu, (): &()| {
        vu.request(FILE).path("size", 500).discard_body().check("full", |it| !it.body().is_empty()).send().await?;
        Ok(())
    });
    let report = finished.report().unwrap();
    assert_eq!((report.exit_code, report.iterations.completed), (ExitCode::BadConfiguration, 0));
    let message = &report.findings[0].message;
    assert!(message.contains("file has no body to read") && message.contains("bodies.rs"), "{message}");
}
