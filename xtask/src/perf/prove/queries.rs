//! The check "queries": every query of every panel, variable, annotation, rule and alert has
//! data for the run.

use dashboards::queries::{self, QueryPlace};
use dashboards::service_dashboard;
use monitoring::catalogue::Catalogue;
use monitoring::label::{SCENARIO, TESTID};
use monitoring::prometheus::recording_rules::Timing;
use perf_report::Report;
use prometheus_store::response::Found;

use super::excuses::Excuses;
use super::item::ProofItem;
use super::now_ms;
use super::query_source::QuerySource;
use super::query_tally::QueryTally;
use super::rules::{RuleState, loaded_rules, rule_queries};
use super::window::RunWindow;
use crate::stack::dashboard_link;

pub(super) async fn check(
    catalogue: &Catalogue,
    source: &QuerySource,
    own_store: bool,
    excuses: Excuses<'_>,
) -> ProofItem {
    const CHECK: &str = "queries";
    let (mut tally, report) = (QueryTally::default(), excuses.report);
    let dashboard = service_dashboard::dashboard(catalogue);
    let (from_ms, to_ms) = dashboard_link::window(report);
    let run = RunWindow { from_ms, to_ms };
    let until_now = RunWindow { from_ms, to_ms: now_ms().max(report.run.ended_unix_ms) };
    for window in [run, until_now] {
        for placed in queries::placed_queries(&dashboard).into_iter().chain(rule_queries(catalogue, &Timing::USUAL)) {
            let promql = fill_in_variables(&placed.query.expr.to_string(), report);
            let found = source.ask(&promql, placed.instant, excuses.window(&placed, window)).await;
            let found = found.unwrap_or_else(|error| Found::Complaint(format!("{error:#}")));
            tally.add(&placed, &promql, &found, excuses.find(&placed, window));
        }
        check_variables(&mut tally, report, source, &dashboard, window).await;
    }
    if own_store {
        check_rules(&mut tally, catalogue, source).await;
    }
    let through = if source.is_grafana() { "through Grafana" } else { "to Prometheus" };
    let empty = tally.excused;
    let figures = format!(
        "{} of {} queries {through} have data; {empty} may be empty (reasons: proof.json)",
        tally.count - empty - tally.failed,
        tally.count
    );
    let mut check = ProofItem::new(CHECK, figures, tally.describe_problems());
    check.queries = tally.queries;
    check.excused = tally.empty;
    if let Some(why) = source.gave_up_on_grafana() {
        check.lines.insert(0, format!("some or all queries went to Prometheus instead of Grafana: {why}"));
    }
    check
}

/// Replaces the dashboard's variables in a query by the run's values. Like Grafana, escapes them
/// for regular expressions.
fn fill_in_variables(expr: &str, report: &Report) -> String {
    let value = |text: &str| text.replace('.', "\\\\.").replace('+', "\\\\+");
    let variable = |label: monitoring::label::Label| format!("${}", label.as_str());
    let expr = expr.replace(&variable(TESTID), &value(&report.run.testid));
    expr.replace(&variable(SCENARIO), &scenarios(report, &value))
}

/// The values of the label `scenario` of the run's series, as Grafana writes a multiple choice.
fn scenarios(report: &Report, value: &dyn Fn(&str) -> String) -> String {
    let names: Vec<_> = report.scenarios().into_iter().map(value).collect();
    match names.as_slice() {
        [one] => one.clone(),
        several => format!("({})", several.join("|")),
    }
}

/// The queries that may be empty after a run, and had no data in a drill either. The window begins
/// with the drill's faulty run and ends now.
pub(crate) async fn empty_queries(
    catalogue: &Catalogue,
    source: &QuerySource,
    testid: &str,
    scenario: &str,
    window: RunWindow,
) -> anyhow::Result<Vec<String>> {
    let dashboard = service_dashboard::dashboard(catalogue);
    let mut empty = Vec::new();
    let all = queries::placed_queries(&dashboard).into_iter().chain(rule_queries(catalogue, &Timing::DRILL));
    for placed in all.filter(|placed| placed.query.excuse.is_some()) {
        let expr = placed.query.expr.to_string().replace("$testid", testid).replace("$scenario", scenario);
        let found = source.ask(&expr, placed.instant, window).await?;
        if let Some(why) = found.why_not() {
            empty.push(format!("{}: {why}, even in the drill: {expr}", placed.place));
        }
    }
    Ok(empty)
}

/// Checks that each variable of the dashboard offers the run's value.
async fn check_variables(
    tally: &mut QueryTally,
    report: &Report,
    source: &QuerySource,
    dashboard: &dashboards::grafana::Dashboard,
    window: RunWindow,
) {
    for (variable, values) in queries::label_values(dashboard) {
        tally.count += 1;
        let wanted = if values.label == TESTID {
            report.run.testid.clone()
        } else {
            report.run.plan.parts.first().map_or_else(|| report.run.scenario.clone(), |part| part.name.clone())
        };
        let selector = fill_in_variables(&values.series.to_string(), report);
        let place = QueryPlace::Variable(variable.to_owned());
        match source.label_values(values.label.as_str(), &selector, window).await {
            Ok(values) if values.contains(&wanted) => {}
            Ok(values) => {
                tally.add_query(&place, &selector);
                let why = format!("{wanted:?} is not among its {} values", values.len());
                tally.add_problem(None, place, why);
            }
            Err(error) => {
                tally.add_query(&place, &selector);
                tally.add_problem(None, place, format!("{error:#}"));
            }
        }
    }
}

/// Checks that Prometheus has loaded each of our rules, and evaluates it without errors.
async fn check_rules(tally: &mut QueryTally, catalogue: &Catalogue, source: &QuerySource) {
    let rules = match loaded_rules(catalogue, source).await {
        Ok(rules) => rules,
        Err(error) => return tally.add_problem(None, QueryPlace::AllRules, format!("{error:#}")),
    };
    for (place, state) in rules {
        tally.count += 1;
        match state {
            RuleState::Missing => tally.add_problem(None, place, "Prometheus does not have it"),
            RuleState::Failing(why) => tally.add_problem(None, place, why),
            RuleState::Works => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use dashboards::queries::PlacedQuery;
    use dashboards::query::Query;
    use monitoring::endpoint::Endpoint;
    use monitoring::excuse::Excuse;
    use monitoring::intervals::PUSH_INTERVAL;
    use monitoring::metric::Metric;
    use monitoring::prometheus::{alerts, recording_rules};
    use monitoring::span::Span;
    use test_support::fake_server;
    use test_support::objectives::CATALOGUE;
    use test_support::shop::SHOP;
    use url::Url;

    use super::super::backend_metrics::BackendMetrics;
    use super::super::exposed_metrics::ExposedMetrics;
    use super::*;
    use crate::backend::target_metrics::NoMetrics;

    /// A store that has data for every query that does not contain `word`.
    fn store_without(word: &'static str) -> QuerySource {
        let url = fake_server::respond(move |request| {
            let body = match (request.contains("/label/"), request.contains(word)) {
                _ if request.contains("/api/v1/rules") => rules(word),
                (true, _) => r#"{"data":["20261123-053057-basic-df39","basic"]}"#.to_owned(),
                (false, true) => r#"{"data":{"result":[]}}"#.to_owned(),
                (false, false) => r#"{"data":{"result":[{"value":[1,"1"]}]}}"#.to_owned(),
            };
            ("200 OK", body)
        });
        QuerySource::new(Url::parse(&url).unwrap(), None, &Default::default()).unwrap()
    }

    /// All rules except the one named `word`. The rule for the p95 of added items has an error.
    fn rules(word: &str) -> String {
        let recording = recording_rules::recording_rules(&SHOP, &Timing::USUAL);
        let alerts = alerts::alerts(&SHOP, &Timing::USUAL);
        let names = recording.groups.into_iter().flat_map(|group| group.rules).map(|rule| rule.record);
        let names = names.chain(alerts.groups.into_iter().flat_map(|group| group.rules).map(|rule| rule.alert));
        let rules: Vec<_> = names
            .filter(|name| name != word)
            .map(|name| {
                let health = if name == "add_item_latency:p95" { "err" } else { "ok" };
                serde_json::json!({ "name": name, "health": health, "lastError": "many-to-many" })
            })
            .collect();
        serde_json::json!({ "data": { "groups": [{ "rules": rules }] } }).to_string()
    }

    #[tokio::test]
    async fn a_missing_or_failing_rule_is_reported_by_name() {
        let report = test_support::report();
        let (exposed, source) = (everything(), store_without("get_offers_latency:p95"));
        let wrong = check(&SHOP, &source, true, excuses(&report, &exposed)).await.lines;
        assert!(wrong.contains(&"rule get_offers_latency:p95: Prometheus does not have it".to_owned()), "{wrong:?}");
        assert!(wrong.contains(&"rule add_item_latency:p95: many-to-many".to_owned()), "{wrong:?}");
    }

    fn everything() -> ExposedMetrics {
        ExposedMetrics::new(BackendMetrics::Unavailable(NoMetrics::default()), SHOP.mapping, true)
    }

    fn excuses<'a>(report: &'a Report, exposed: &'a ExposedMetrics) -> Excuses<'a> {
        Excuses { report, push_interval: PUSH_INTERVAL, no_scrapes: None, exposed }
    }

    async fn wrong_without(word: &'static str) -> Vec<String> {
        let report = test_support::report();
        check(&SHOP, &store_without(word), false, excuses(&report, &everything())).await.lines
    }

    #[tokio::test]
    async fn a_missing_series_is_reported_for_each_panel_that_shows_it() {
        assert_eq!(wrong_without("nothing at all").await, Vec::<String>::new());
        let wrong = wrong_without(&Metric::vus().name.leak()[..]).await;
        let places: Vec<_> = wrong.iter().filter_map(|line| line.split(": no series").next()).collect();
        assert_eq!(places, ["panel \"Summary\", Q2", "panel \"Virtual users\", Q1", "annotation \"Run starts\""]);
        let wrong = wrong_without("get_offers_latency%3Ap95").await;
        assert_eq!(wrong, Vec::<String>::new(), "alerts may be empty");
        let wrong = wrong_without("le%3D%22300.0%22").await;
        let expected =
            "add_item: no series: panel \"Objectives over time\", Add item p95; rule slo:add_item:p95_under_300ms";
        assert!(wrong.contains(&expected.to_owned()), "{wrong:?}");
    }

    #[tokio::test]
    async fn an_endpoint_without_data_is_one_line() {
        let wrong = wrong_without("get_offers_latency").await;
        let of_endpoint: Vec<_> =
            wrong.iter().filter(|line| line.contains("Offers") || line.contains("offers")).collect();
        assert_eq!(of_endpoint.len(), 1, "{wrong:?}");
        assert!(of_endpoint[0].starts_with("get_offers: no series: panel"), "{wrong:?}");
        assert!(of_endpoint[0].ends_with(" more"), "{wrong:?}");
    }

    #[tokio::test]
    async fn no_line_shows_a_query() {
        let report = test_support::report();
        let url = fake_server::respond(|_| ("400 Bad Request", r#"{"status":"error","error":"bad"}"#.to_owned()));
        let source = QuerySource::new(Url::parse(&url).unwrap(), None, &Default::default()).unwrap();
        let check = check(&SHOP, &source, false, excuses(&report, &everything())).await;
        assert!(check.lines.iter().all(|line| !line.contains('{')), "{:?}", check.lines);
        assert!(check.queries.iter().any(|query| query.contains('{')), "the queries are kept for -v");
    }

    /// The endpoints whose series a query selects, found in its text.
    fn mentioned<'a>(catalogue: &'a Catalogue, promql: &str) -> Vec<&'a str> {
        let spans = [Span::Latency, Span::ResponseTime, Span::Connecting, Span::WithConnecting, Span::FirstByte];
        let names = |endpoint: &Endpoint| {
            spans.map(|span| Metric::span(endpoint, span)).into_iter().chain([Metric::success(endpoint)])
        };
        let is_mentioned = |endpoint: &&Endpoint| names(endpoint).any(|metric| promql.contains(&metric.name));
        catalogue.endpoints.iter().filter(is_mentioned).map(|endpoint| endpoint.name).collect()
    }

    #[test]
    fn every_query_says_which_endpoints_it_selects() {
        for catalogue in [&SHOP, &CATALOGUE] {
            let panels = queries::placed_queries(&service_dashboard::dashboard(catalogue));
            let (rules, panels) = (rule_queries(catalogue, &Timing::USUAL), panels.into_iter());
            for placed in panels.chain(rules) {
                let promql = placed.query.expr.to_string();
                assert_eq!(placed.query.subject.endpoints, mentioned(catalogue, &promql), "{}: {promql}", placed.place);
            }
        }
    }

    #[test]
    fn queries_about_endpoints_that_are_not_requested_may_be_empty() {
        let (mut report, exposed) = (test_support::report(), everything());
        report.endpoints.retain(|endpoint| endpoint.name == "get_offers");
        let run = RunWindow { from_ms: report.run.started_unix_ms, to_ms: report.run.ended_unix_ms };
        let mut counts = (0, 0);
        for placed in queries::placed_queries(&service_dashboard::dashboard(&SHOP)) {
            let placed = PlacedQuery { query: Query { excuse: None, ..placed.query }, ..placed };
            let endpoints = &placed.query.subject.endpoints;
            let expected =
                (!endpoints.is_empty() && !endpoints.contains(&"get_offers")).then_some(Excuse::NotRequested);
            assert_eq!(excuses(&report, &exposed).find(&placed, run), expected, "{}", placed.place);
            *if expected.is_some() { &mut counts.0 } else { &mut counts.1 } += 1;
        }
        assert!(counts.0 > 10 && counts.1 > 10, "{counts:?}");
    }
}
