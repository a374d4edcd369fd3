//! Runs of one iteration (`--smoke`).

use super::*;

#[test]
fn a_smoke_run_is_one_iteration_and_judges_no_percentile() {
    let service = Service::start();
    let smoke = |testid| Settings { smoke: true, ..settings(&service, None, testid) };
    let met = pings(50).run_with(smoke("smoke-1"), async |vu: &mut Vu, ()| ping(vu).await);
    let report = met.report().unwrap();
    assert_eq!((code(&met), report.requests.sent), (ExitCode::Met, 1));
    assert_eq!(verdict(report, "ping_latency"), Verdict::NotJudged);
    assert_eq!(verdict(report, "ping_success"), Verdict::Met);
    let idle = pings(50).run_with(smoke("smoke-2"), async |_: &mut Vu, ()| Ok(()));
    assert_eq!(code(&idle), ExitCode::Inconclusive, "nothing was requested");
    let failed = Scenario::new("moved", &CATALOGUE).exercises(&[ECHO]).load(shared_iterations(1, 30)).run_with(
        smoke("smoke-3"),
        async |vu: &mut Vu, ()| {
            vu.request(ECHO).path("word", "moved").json(&1).send().await?;
            Ok(())
        },
    );
    let report = failed.report().unwrap();
    let message = &report.problems().next().unwrap().message;
    assert!(code(&failed) == ExitCode::Missed && message.contains("1 × 303 See Other"), "{message}");
}
