//! Clocks of a backend, and a store that has nothing of a run.

use super::super::backend::request_counters::RequestCounters;
use super::super::checks::clocks;
use super::*;

#[tokio::test]
async fn a_backend_that_works_on_after_its_response_contradicts_nothing() {
    // Half a second on average by the backend, and a millisecond by the client.
    let by_class = BTreeMap::from([("2xx".to_owned(), SENT)]);
    let counters = RequestCounters { by_class, seconds: Some(5.0), ..RequestCounters::default() };
    let counted = BTreeMap::from([(GET_CART.name, counters)]);
    let store =
        Url::parse(&fake_server::respond(|_| ("200 OK", r#"{"data":{"result":[{"value":[1,"1"]}]}}"#.to_owned())));
    let source = QuerySource::new(store.unwrap(), None, &StoreAccess::default()).unwrap();
    let report = make_report(200);
    let run = ProvenRun { catalogue: &SHOP, report: &report, source: &source };
    for (is_own, outcome) in [(false, ProofCheckOutcome::Passed), (true, ProofCheckOutcome::Failed)] {
        let check = clocks::check(run, &counted, is_own).await;
        assert_eq!(check.outcome, outcome, "{check:?}");
        assert!(check.lines[0].contains("it works on after its response"), "{check:?}");
    }
}

#[test]
fn a_run_that_the_store_lacks_has_no_proof() {
    let mut report = test_support::report();
    report.run.store.as_mut().unwrap().complete = true;
    assert!(has_proof(&report));
    report.findings.push(Finding::inconclusive(Subject::Store, FindingKind::StoreLacksRun, ""));
    assert!(!has_proof(&report));
}
