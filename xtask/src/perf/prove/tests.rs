//! Tests of the proof with metrics of other makes: it never fails for what a backend does not
//! offer, and fails for what it offers and contradicts.

mod changing;
mod odd_metrics;
mod restarts;
mod scraping;
mod situations;
mod store_side;

use std::collections::BTreeMap;

use futures::future::join_all;
use monitoring::backend_mapping::BackendMapping;
use monitoring::backend_metrics::scraped;
use monitoring::backend_slo::{Amount, BackendSlo};
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::promql::Selector;
use monitoring::services;
use perf_report::Report;
use perf_report::evidence::{BackendValue, Slice, StatusKey};
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::judgement::{EndpointResult, ObjectiveResult, Requests};
use perf_report::verdict::Verdict;
use prometheus_store::StoreAccess;
use test_support::backend_text::{self, fastapi, go};
use test_support::counted_backend::{self, Counts, Metrics};
use test_support::fake_server;
use test_support::shop::{GET_CART, GET_OFFERS, SHOP};
use url::Url;

use self::odd_metrics::{
    binary, broken, busy_replicas, by_view, by_word, equal_replicas, go_in_handlers, in_turn, in_turn_before, lazy,
    limited, lossy_total, restarted_process, twice, uncountable, uncounted_handler, unsteady, without_start,
    workers_of_node,
};
use super::backend::backend_metrics::{BackendMetrics, MetricsByPath};
use super::backend::backend_scrapes::BackendScrapes;
use super::checks::delivery::{self, BackendTraffic};
use super::checks::proof_check::{ProofCheck, ProofCheckOutcome};
use super::checks::same_counts::{self, ComparedValues, compare_values, is_same_value};
use super::proven_run::{ProvenRun, now_ms};
use super::*;
use crate::backend::target_metrics::MetricsSource;
use crate::host::http;

/// Requests to each endpoint.
const SENT: u64 = 10;
/// The endpoints that are requested, each with a path.
const REQUESTED: [(&str, &str); 2] = [("get_offers", "/offers"), ("get_cart", "/carts/ABC")];

/// A report of requests to two endpoints; offers responded with `offers`.
fn make_report(offers: u16) -> Report {
    let mut report = test_support::report();
    let endpoint = report.endpoints[0].clone();
    let endpoints = REQUESTED.map(|(name, _)| {
        let status = if name == "get_offers" { offers } else { 200 };
        let (name, by_status) = (name.to_owned(), BTreeMap::from([(StatusKey::Code(status), SENT)]));
        let requests = Requests { sent: SENT, failed: 0, unknown: 0 };
        EndpointResult { name, by_status, requests, cut: 0, ..endpoint.clone() }
    });
    report.endpoints = endpoints.to_vec();
    report.unjudged = Requests::default();
    report
}

/// A service that this clone did not start.
fn backend(target: &Url) -> ProofBackend<'_> {
    ProofBackend {
        source: target.into(),
        is_own: false,
        mapping: None,
        follows_redirects: false,
        metrics: MetricsByPath::new(),
        still: Duration::ZERO,
        quiet: true,
    }
}

/// The store of this clone's stack.
fn own_store(url: Url, access: &StoreAccess) -> ProofStore<'_> {
    let origin = StoreOrigin::OwnStack { on_bridge: false };
    ProofStore { url, origin, by_pods: false, grafana: None, access }
}

/// Scrapes of the backend's counters in a store, as JSON: made from the backend's address and the
/// start of the run, in Unix seconds.
type Scrapes = fn(&str, i64) -> String;

/// Audits the requests to a service with these metrics.
async fn audited(no_offers: bool, metrics: fn(&Counts) -> Metrics) -> (ProofCheck, BackendTraffic) {
    audited_by(|_, _| String::new(), no_offers, metrics).await
}

/// The same with scrapes in the store. The run began 30 s ago; 2 requests came in its first 10 s,
/// and 18 in the next.
async fn audited_by(
    scrapes: Scrapes,
    no_offers: bool,
    metrics: fn(&Counts) -> Metrics,
) -> (ProofCheck, BackendTraffic) {
    audited_with(&SHOP, Duration::ZERO, scrapes, no_offers, metrics).await
}

/// The same of another catalogue, with a backend whose counters may be late.
async fn audited_with(
    catalogue: &Catalogue,
    still: Duration,
    scrapes: Scrapes,
    no_offers: bool,
    metrics: fn(&Counts) -> Metrics,
) -> (ProofCheck, BackendTraffic) {
    let target = Url::parse(&counted_backend::serve(&SHOP, no_offers.then_some(GET_OFFERS), metrics)).unwrap();
    let mut report = make_report(if no_offers { 404 } else { 200 });
    report.run.started_unix_ms = now_ms() - 30_000;
    let slice = |from_ms, requests| Slice { from_ms, to_ms: from_ms + 10_000, requests, ..Slice::default() };
    report.run.timeline.slices = vec![slice(0, 2), slice(10_000, 18)];
    let series = scrapes(target.authority(), report.run.started_unix_ms / 1_000);
    let store = fake_server::respond(move |request| match request.contains("query=http_requests_total") {
        true => ("200 OK", format!(r#"{{"data":{{"result":[{series}]}}}}"#)),
        false => ("200 OK", format!(r#"{{"data":{{"result":[{{"value":[1,"{SENT}"]}}]}}}}"#)),
    });
    let source = QuerySource::new(Url::parse(&store).unwrap(), None, &StoreAccess::default()).unwrap();
    let before = backend_metrics::read(&target, "/metrics", &[SHOP.mapping]).await;
    for (_, path) in REQUESTED {
        for _ in 0..SENT {
            let _ = http::text(&target, path, None).await;
        }
    }
    let backend = ProofBackend { still, ..backend(&target) };
    delivery::check(ProvenRun { catalogue, report: &report, source: &source }, before, &backend).await
}

#[tokio::test]
async fn endpoints_with_the_same_route_are_audited_together() {
    type Case = (fn(&Counts) -> Metrics, ProofCheckOutcome, &'static str);
    const SHARED: Catalogue = Catalogue { endpoints: &[GET_OFFERS, GET_CART.handled_by("/offers")], ..SHOP };
    fn together(counts: &Counts, share: u64) -> Metrics {
        let mut of_route = Counts::new();
        for ((method, _, status), count) in counts {
            *of_route.entry((method.clone(), "/offers".to_owned(), *status)).or_default() += count;
        }
        fastapi(&of_route, share, |_, _| true)
    }
    let cases: [Case; 2] = [
        (|counts| together(counts, 1), ProofCheckOutcome::Passed, "20 in Prometheus, 20 counted by the backend "),
        (
            |counts| together(counts, 2),
            ProofCheckOutcome::Failed,
            "get_offers and get_cart: 20 responses had status 2xx, and the backend counted 10: ",
        ),
    ];
    for (metrics, outcome, part) in cases {
        let (check, traffic) = audited_with(&SHARED, Duration::ZERO, |_, _| String::new(), false, metrics).await;
        let text = format!("{} {}", check.figures, check.lines.join(" "));
        assert!(check.outcome == outcome && text.contains(part), "{text}");
        assert!(traffic.counted.is_empty(), "one of both gets the durations of the other");
    }
}

#[tokio::test]
async fn delivery_fails_only_for_counters_that_the_backend_offers() {
    use ProofCheckOutcome::{Failed, NotApplicable, Passed};
    type Case = (bool, fn(&Counts) -> Metrics, ProofCheckOutcome, &'static str);
    const NOT_BY_ROUTE: &str = "20 counted by the backend; not available by endpoint: the backend does not count \
         by handler: add the label handler";
    let cases: [Case; 30] = [
        (false, lazy, Passed, "20 counted by the backend"),
        (false, unsteady, Passed, "20 counted by the backend"),
        (false, broken, Failed, "readable before the load, not after it: /metrics responded with 503"),
        (false, limited, NotApplicable, "readable before the load, and then /metrics responded with 429"),
        (false, in_turn, NotApplicable, "several processes (workers or replicas) respond"),
        (false, in_turn_before, NotApplicable, "several processes (workers or replicas) respond"),
        (false, equal_replicas, NotApplicable, "do not show whether several replicas respond in turn: expose"),
        (false, workers_of_node, NotApplicable, "do not show whether several replicas respond in turn"),
        (false, busy_replicas, NotApplicable, "several processes (workers or replicas) respond"),
        (false, |counts| without_start(fastapi(counts, 2, |_, _| true)), Failed, "and the backend counted 5"),
        (false, twice, Passed, "20 counted by the backend"),
        (false, by_word, Passed, "20 counted by the backend "),
        (false, uncountable, NotApplicable, "no value of the backend's http_requests_total is a count"),
        (false, |counts| go(counts, 1), Passed, NOT_BY_ROUTE),
        (false, uncounted_handler, Passed, "all endpoints: not available for 10 responses. The backend may count only"),
        (false, lossy_total, Failed, "all endpoints: 20 responses came, and the backend counted 18"),
        (
            true,
            go_in_handlers,
            Passed,
            "all endpoints: not available for 7 responses. The backend may not count responses",
        ),
        (true, |counts| without_start(go_in_handlers(counts)), Passed, "not available for 7 responses"),
        (false, |_| Metrics::text(backend_text::start_time()), NotApplicable, "the backend has no http_requests"),
        (false, |_| backend_text::failing(404), NotApplicable, "/metrics responded with 404"),
        (false, |_| backend_text::failing(401), NotApplicable, "/metrics needs authentication"),
        (false, backend_text::page, NotApplicable, "/metrics is not Prometheus' text format"),
        (false, binary, NotApplicable, "/metrics is not Prometheus' text format (it is not text)"),
        (false, backend_text::openmetrics, Passed, "20 counted by the backend"),
        (false, backend_text::compressed, Passed, "20 counted by the backend"),
        (
            false,
            |counts| fastapi(counts, 2, |_, _| true),
            Failed,
            "10 responses had status 2xx, and the backend counted 5",
        ),
        (true, |counts| fastapi(counts, 1, |_, _| true), Passed, "20 counted by the backend"),
        // The routes are counted, and no 404 anywhere.
        (true, |counts| fastapi(counts, 1, |_, status| status != 404), Passed, "not available for get_offers"),
        (
            false,
            |counts| fastapi(counts, 1, |route, _| route != "/offers"),
            Passed,
            "not available for get_offers: the backend",
        ),
        (false, by_view, NotApplicable, "the backend counts none of the requested endpoints; 20 sent"),
    ];
    // At the same time, because each waits for counters that do not change any more.
    let checks = join_all(cases.map(|(no_offers, metrics, ..)| audited(no_offers, metrics))).await;
    for (number, ((check, _), (.., outcome, part))) in checks.into_iter().zip(cases).enumerate() {
        assert_eq!(check.outcome, outcome, "case {number}: {check:?}");
        let text = format!("{} {}", check.figures, check.lines.join(" "));
        assert!(text.contains(part), "case {number}: {text}");
        let reasons: std::collections::BTreeSet<_> = text
            .match_indices("not available")
            .map(|(at, _)| text[at..].chars().take(50).collect::<String>())
            .collect();
        assert!(text.matches("not available").count() == reasons.len(), "each reason once: {text}");
    }
}

#[tokio::test]
async fn queries_of_series_that_are_not_exposed_may_be_empty() {
    let by_handler = BackendMapping::FASTAPI.endpoint_series("http_requests_total", &GET_OFFERS).unwrap();
    let (_, of_go) = audited(false, |counts| go(counts, 1)).await;
    assert!(!of_go.exposed.has_series(&by_handler));
    assert!(of_go.exposed.has_series(&scraped("http_requests_total")));
    let (_, of_fastapi) = audited(false, |counts| fastapi(counts, 1, |_, _| true)).await;
    assert!(of_fastapi.exposed.has_series(&by_handler));
    let (_, of_page) = audited(false, backend_text::page).await;
    assert!(of_page.exposed.unavailable_reason().is_some() && !of_page.exposed.has_series(&by_handler));
}

#[test]
fn sums_of_floats_are_compared_with_a_tolerance_and_integers_exactly() {
    assert!(is_same_value(69.933_333_333_333_33, 69.933_333_333_333_34));
    assert!(is_same_value(3.0, 3.0) && is_same_value(-0.0, 0.0));
    assert!(!is_same_value(1e12, 1e12 + 1.0), "integers are compared exactly");
    assert!(!is_same_value(69.933_3, 69.933_4) && !is_same_value(f64::NAN, 1.0));
}

/// The differences between a value in the report and a store that has `stored`.
async fn differences(slo: BackendSlo, measured: f64, stored: Option<&str>) -> Vec<String> {
    let catalogue = Catalogue { backend_slos: vec![slo].leak(), ..SHOP };
    let series = stored.map(|value| format!(r#"{{"value":[1,"{value}"]}}"#)).unwrap_or_default();
    let body = format!(r#"{{"data":{{"result":[{series}]}}}}"#);
    let store = Url::parse(&fake_server::respond(move |_| ("200 OK", body.clone()))).unwrap();
    let source = QuerySource::new(store, None, &StoreAccess::default()).unwrap();
    let value = BackendValue { value: measured, over_s: 5, at_unix_ms: 1_000 };
    let objectives = vec![ObjectiveResult::backend(&slo, Some(value), Verdict::Met)];
    let report = Report { objectives, ..test_support::report() };
    let run = ProvenRun { catalogue: &catalogue, report: &report, source: &source };
    let ComparedValues { count, differ, late } = compare_values(run, false).await;
    assert_eq!((count, late.len()), (1, 0));
    differ
}

#[tokio::test]
async fn the_last_digits_of_a_sum_of_rates_may_differ() {
    const SUM: &str = "sum(rate(a_total{job=\"backend\"}[15s]))";
    const RATE: BackendSlo = BackendSlo::at_least("rate", "Rate", SUM, Amount::Count(1)).on_average();
    // Relative differences of 1e-12, which another order of addition makes, and of 1e-8.
    for stored in ["69.93333333340326", "69.93333333326340"] {
        assert_eq!(differences(RATE, 69.933_333_333_333_33, Some(stored)).await, [""; 0]);
    }
    for stored in ["69.93333403266667", "69.93333263400000"] {
        let wrong = differences(RATE, 69.933_333_333_333_33, Some(stored)).await;
        assert!(wrong.len() == 1 && wrong[0].starts_with("backend:rate: 69.9333333333333"), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_missing_value_is_described_without_rust() {
    let differences = async |stored| differences(SHOP.backend_slos[0], 1.5, stored).await;
    assert_eq!(differences(None).await, ["backend:memory: 1.5 in the report, no value in Prometheus"]);
    assert_eq!(differences(Some("2.5")).await, ["backend:memory: 1.5 in the report, 2.5 in Prometheus"]);
    assert!(differences(Some("1.5000000001")).await.is_empty());
}

#[tokio::test]
async fn scrapes_that_arrive_late_contradict_nothing() {
    const UP: BackendSlo = BackendSlo::at_most("a", "A", "a_bytes", Amount::Count(9));
    const MEAN: BackendSlo = UP.on_average();
    const DOWN: BackendSlo = BackendSlo::at_least("a", "A", "a_free", Amount::Count(1));
    /// Compares a report's value with a store that has 1, 3, 2, 5 and 4 now, or -1, -3, -2, -5, -4.
    /// Each of them stands for a fifth of the run.
    async fn compared(slo: BackendSlo, own_store: bool, over_s: u64, measured: f64, stored: f64) -> ComparedValues {
        let catalogue = Catalogue { backend_slos: vec![slo].leak(), ..SHOP };
        let sign = stored.signum();
        let store = fake_server::respond(move |request| {
            let field = |name| request.split(name).nth(1)?.split('.').next()?.split('&').next()?.parse().ok();
            let step = BackendSlo::step(Duration::from_secs(over_s)).as_secs();
            let (from, step) = field("start=").zip(field("step=")).unwrap_or((5, step));
            let values = [1.0, 3.0, 2.0, 5.0, 4.0].map(|value| value * sign);
            let at_step = |at: u64| format!("[{at},\"{}\"]", values[usize::try_from((at - 3) * 5 / over_s).unwrap()]);
            let points: Vec<_> = (from..over_s + 3).step_by(usize::try_from(step).unwrap()).map(at_step).collect();
            let found = match request.contains("_over_time") {
                true => format!(r#"{{"value":[1,"{stored}"]}}"#),
                false => format!(r#"{{"metric":{{}},"values":[{}]}}"#, points.join(",")),
            };
            ("200 OK", format!(r#"{{"data":{{"result":[{found}]}}}}"#))
        });
        let source = QuerySource::new(Url::parse(&store).unwrap(), None, &StoreAccess::default()).unwrap();
        let value =
            BackendValue { value: measured, over_s, at_unix_ms: i64::try_from(over_s * 1_000).unwrap() + 3_000 };
        let objectives = vec![ObjectiveResult::backend(&slo, Some(value), Verdict::Met)];
        let report = Report { objectives, ..test_support::report() };
        compare_values(ProvenRun { catalogue: &catalogue, report: &report, source: &source }, own_store).await
    }
    for (slo, measured, stored) in [(UP, 3.0, 5.0), (DOWN, -3.0, -5.0), (MEAN, 2.0, 3.0)] {
        // The steps of a range query over the longer run begin at its first second.
        for over_s in [5, 40_000] {
            let late = compared(slo, false, over_s, measured, stored).await;
            assert!(late.differ.is_empty() && late.late[0].contains("later scrapes"), "{late:?}");
        }
        assert_eq!(compared(slo, true, 5, measured, stored).await.differ.len(), 1, "its own scrapes are never late");
    }
    for (slo, measured, stored) in [(UP, 6.0, 5.0), (DOWN, -6.0, -5.0), (MEAN, 4.5, 3.0)] {
        let wrong = compared(slo, false, 5, measured, stored).await;
        assert!(wrong.differ.len() == 1 && wrong.late.is_empty(), "{measured}: {wrong:?}");
    }
}

#[tokio::test]
async fn the_counts_are_those_that_the_run_compared_at_its_end() {
    use ProofCheckOutcome::{Failed, NotApplicable, Passed};
    let store = Url::parse(&fake_server::unreachable_url()).unwrap();
    let source = QuerySource::new(store, None, &StoreAccess::default()).unwrap();
    let differs = "the store's counts differ";
    for (agrees, findings, outcome) in [(Some(true), 0, Passed), (Some(false), 2, Failed), (None, 0, NotApplicable)] {
        let mut report = test_support::report();
        report.run.store.as_mut().unwrap().agrees = agrees;
        let finding = Finding::warning(Subject::Store, FindingKind::StoreDisagrees, differs);
        report.findings = vec![finding; findings];
        report.objectives.retain(|objective| objective.tally().is_some());
        let run = ProvenRun { catalogue: &SHOP, report: &report, source: &source };
        let check = same_counts::check(run, false, false).await;
        assert_eq!((check.outcome, check.lines), (outcome, vec![differs.to_owned(); findings]), "{agrees:?}");
        let required = same_counts::check(run, false, true).await.outcome;
        assert_eq!(required == Passed, agrees == Some(true), "{agrees:?}");
    }
}

#[tokio::test]
async fn a_store_that_only_pods_reach_is_one_line() {
    let store = Url::parse(&fake_server::unreachable_url()).unwrap();
    let (target, access) = (store.clone(), StoreAccess::default());
    let mut report = test_support::report();
    report.run.service = services::ALL[0].service.to_owned();
    report.run.store.as_mut().unwrap().complete = true;
    for (must_prove, outcome) in [(false, ProofCheckOutcome::NotApplicable), (true, ProofCheckOutcome::Failed)] {
        let context = ProofContext {
            store: ProofStore { by_pods: true, ..own_store(store.clone(), &access) },
            backend: backend(&target),
            push_interval: Duration::from_secs(5),
            must_prove,
        };
        let proof = Proof::make(&report, context).await.unwrap();
        assert_eq!((proof.checks.len(), proof.checks[0].outcome), (1, outcome), "{:?}", proof.checks);
        let text = [&[proof.checks[0].figures.clone()], &proof.checks[0].lines[..]].concat().join(" ");
        let expected = format!("this machine does not reach the store at {}", prometheus_store::shown_url(&store));
        assert!(text.contains(&expected) && text.contains("remove --proof") == must_prove, "{text}");
        // The verdict before this message says that the proof failed.
        let start = format!("{} failed: ", proof.checks[0].name);
        assert_eq!(proof.failed().is_some_and(|message| message.starts_with(&start)), must_prove);
    }
}

#[test]
fn other_words_change_no_outcome_of_a_check() {
    let outcomes = |word: &str| {
        let wrong = vec![word.to_owned()];
        let checks = vec![
            ProofCheck::new("queries", word.to_owned(), Vec::new()),
            ProofCheck::new("delivery", word.to_owned(), wrong),
            ProofCheck::not_applicable("two clocks", word),
        ];
        let proof = Proof { checks, finding: None };
        let signs: String = proof.render(false).lines().filter_map(|line| line.chars().next()).collect();
        (signs, proof.failed().is_some())
    };
    for word in ["failed: all", "not available: no route", "141 of 228 queries", "✗ missed"] {
        assert_eq!(outcomes(word), ("p✓✗ –".to_owned(), true), "{word}");
    }
}
