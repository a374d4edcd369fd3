//! Expected statuses, of an endpoint and of a request, and the response of a failed one.

use monitoring::statuses::Statuses;
use perf_report::evidence::StatusKey;
use perf_report::verdict::Reason;
use perf_tests::engine::RequestError;
use test_support::raw_service::{Action, RawService};

use super::*;

const GONE: Endpoint =
    Endpoint::new("gone", "Gone", Method::Get, "/status/404").expecting(&[Statuses::only(404), Statuses::only(410)]);
const ANY: Endpoint = Endpoint::new("any", "Any", Method::Get, "/status/{status}");
const EXPECTING: Catalogue = Catalogue {
    endpoints: &[GONE, ANY],
    critical: &[GONE],
    slos: &[Slo::success_above(GONE, Ratio::percent(99)), Slo::success_above(ANY, Ratio::percent(99))],
    ..CATALOGUE
};

fn statuses(iterations: u64) -> Scenario {
    Scenario::new("statuses", &EXPECTING).exercises(&[GONE, ANY]).load(shared_iterations(1, iterations))
}

#[test]
fn an_expected_status_is_a_success_and_its_response_is_returned() {
    let (service, store) = (Service::start(), Store::start());
    let finished = statuses(20).run_with(settings(&service, Some(&store), "expected-1"), async |vu: &mut Vu, ()| {
        let gone = vu.request(GONE).check("has a body", |it| !it.body().is_empty()).send().await?;
        anyhow::ensure!((gone.status(), gone.body()) == (404, &b"it is 404"[..]), "{gone:?}");
        let same = vu.request(ANY).path("status", 304).expect(304).send().await?;
        anyhow::ensure!((same.status(), same.body()) == (304, &b""[..]), "{same:?}");
        for status in [204, 409, 302] {
            let any = vu.request(ANY).path("status", status).expect(200..=299).expect(409).expect(302);
            anyhow::ensure!(any.send().await?.status() == status);
        }
        Ok(())
    });
    let report = finished.report().unwrap();
    assert_eq!((code(&finished), report.requests.failed), (ExitCode::Met, 0), "{:?}", report.failures);
    assert_eq!(report.iterations.failed, 0, "{:?}", report.findings);
    assert_eq!(report.endpoints[0].by_status[&StatusKey::Code(404)], 20);
    assert_eq!((store.last_sum("gone_success"), store.last_sum("api_errors")), (20.0, 0.0));
}

#[test]
fn an_unexpected_status_fails_and_the_error_has_its_response() {
    let service = Service::start();
    let finished = statuses(20).run_with(settings(&service, None, "unexpected-1"), async |vu: &mut Vu, ()| {
        let failed = vu.request(ANY).path("status", 200).expect(404).send().await;
        let Err(RequestError::Failed { kind, status, response, .. }) = &failed else { anyhow::bail!("{failed:?}") };
        anyhow::ensure!((*kind, *status) == (FailureKind::Status, Some(200)));
        anyhow::ensure!(response.as_ref().unwrap().header("x-status") == Some(&b"200"[..]));
        failed?;
        Ok(())
    });
    let report = finished.report().unwrap();
    assert_eq!((code(&finished), report.requests.failed), (ExitCode::Missed, 20), "{:?}", report.findings);
    let cause = report.failures[0].describe();
    assert!(cause.starts_with("20 × 200 OK, expected 404 it is 200, first at "), "{cause}");
    let never_requested = Verdict::Inconclusive(Reason::NotReached { iterations: 20 });
    assert_eq!(verdict(report, "gone_success"), never_requested);
}

#[test]
fn a_status_above_599_fails_the_request_unless_it_is_expected() {
    let service = RawService::start(|_| Action::Deny);
    let base = format!("{}/base", service.url);
    let settings = |testid| settings_at(&base, None, testid, &[]);
    let finished = statuses(20).run_with(settings("denied-1"), async |vu: &mut Vu, ()| {
        let failed = vu.request(ANY).path("status", 999).send().await;
        anyhow::ensure!(matches!(&failed, Err(RequestError::Failed { status: Some(999), .. })), "{failed:?}");
        vu.request(GONE).expect(999).send().await?;
        Ok(())
    });
    let report = finished.report().unwrap();
    assert_eq!((code(&finished), report.requests.failed), (ExitCode::Missed, 20), "{:?}", report.findings);
    assert_eq!(report.endpoints[1].by_status[&StatusKey::Code(999)], 20);
    let cause = report.failures[0].describe();
    assert!(cause.starts_with("20 × 999 denied, first at "), "{cause}");
    assert!(cause.ends_with(" by GET /base/status/999"), "{cause}");
}

#[test]
fn a_status_that_no_response_has_ends_the_run() {
    let service = Service::start();
    let finished = statuses(20).run_with(settings(&service, None, "impossible-1"), async |vu: &mut Vu, ()| {
        vu.request(GONE).expect(1000).send().await?;
        Ok(())
    });
    let report = finished.report().unwrap();
    assert_eq!((code(&finished), report.requests.sent), (ExitCode::BadConfiguration, 0), "{:?}", report.findings);
}
