//! Nothing empty: each query of each panel, variable, annotation, rule and alert has an answer for the run.

use std::collections::BTreeSet;
use std::time::Duration;

use dashboards::queries::{self, Question, QuestionKind};
use dashboards::service_dashboard;
use monitoring::catalogue::Catalogue;
use monitoring::label::{BACKEND_JOB, SCENARIO, TESTID};
use monitoring::prometheus::alerts;
use monitoring::prometheus::recording_rules::{self, Timing};
use monitoring::stack_limits::SCRAPE_INTERVAL;
use perf_report::Report;
use prometheus_store::response::Found;

use super::backend_metrics::BackendMetrics;
use super::source::Source;
use super::window::{RunWindow, step};
use super::{ProofContext, ProofItem, now_ms};
use crate::clock::Moment;

/// Looked at from a moment before the run, as the printed link does.
const MARGIN_MS: i64 = 5_000;

/// Why lines over time may rightly be empty.
const TOO_SHORT: Option<&str> = Some("a run of a few pushes draws no lines");

/// Why marks of a run's start and end may rightly be empty.
const UNSEEN_MARKS: Option<&str> = Some("a window of hours is drawn in longer steps than the marks are");

/// Whether a query looks at several moments: a line, or a table's cell that is made from one.
fn is_over_time(question: &Question) -> bool {
    !question.instant || question.expr.contains("[$__range:")
}

/// Whether a line over time could miss all that was pushed: Grafana's steps are as long as the time between pushes.
fn is_short(report: &Report) -> bool {
    let lasted = u64::try_from(report.ended_unix_ms - report.started_unix_ms).unwrap_or_default();
    Duration::from_millis(lasted) < monitoring::stack_limits::PUSH_INTERVAL * 2
}

/// Scraped this often by then, the backend's counters have a rate.
const SCRAPES: u32 = 5;

/// Why Prometheus may rightly know nothing of the backend; none if it has to.
pub(super) async fn scraped(
    report: &Report,
    backend: &BackendMetrics,
    source: &Source,
    context: &ProofContext<'_>,
) -> Option<&'static str> {
    if let BackendMetrics::Mute(_) = backend {
        return Some("the backend has no metrics");
    }
    let lasted = u64::try_from(report.ended_unix_ms - report.started_unix_ms).unwrap_or_default();
    if Duration::from_millis(lasted) < SCRAPE_INTERVAL * SCRAPES {
        return Some("the run was too short for the backend to be scraped often enough");
    }
    let up = format!("max_over_time(up{{job=\"{BACKEND_JOB}\"}}[1h])");
    let scrapes = source.value(&up, now_ms()).await;
    match scrapes {
        // Our own Prometheus is told of the backend; another's need not be.
        Ok(None) if !context.own_store => Some("this Prometheus does not scrape the backend"),
        Ok(Some(0.0)) if context.on_a_bridge => {
            Some("Prometheus, on a network of its own, does not reach the backend: it listens on 127.0.0.1 alone")
        }
        // What is wrong shows in the panels that have no data.
        _ => None,
    }
}

pub(super) async fn check(
    (catalogue, report): (&Catalogue, &Report),
    source: &Source,
    own_store: bool,
    no_scrapes: Option<&'static str>,
) -> ProofItem {
    const CHECK: &str = "nothing empty";
    let mut asked = QueryTally::default();
    let dashboard = service_dashboard::dashboard(catalogue);
    let from_ms = report.started_unix_ms - MARGIN_MS;
    let run = RunWindow { from_ms, to_ms: report.series_end_unix_ms() };
    let until_now = RunWindow { from_ms, to_ms: now_ms().max(report.ended_unix_ms) };
    for window in [run, until_now] {
        for question in queries::questions(&dashboard).into_iter().chain(rule_queries(catalogue, &Timing::USUAL)) {
            let may_be_empty = question.may_be_empty.or_else(|| {
                let of_backend = question.expr.contains(&format!("job=\"{BACKEND_JOB}\""));
                let no_lines = TOO_SHORT.filter(|_| is_short(report) && is_over_time(&question));
                let too_far_apart = UNSEEN_MARKS
                    .filter(|_| question.kind == QuestionKind::Annotation && step(window) > service_dashboard::MARK);
                no_scrapes
                    .filter(|_| of_backend)
                    .or(no_lines)
                    .or(too_far_apart)
                    .or_else(|| not_requested(catalogue, &question.expr, report))
            });
            let question = Question { expr: filled_in(&question.expr, report), may_be_empty, ..question };
            asked.put(source, question, window).await;
        }
        asked.variables(report, source, &dashboard, window).await;
    }
    if own_store {
        asked.rules_are_loaded(catalogue, source).await;
    }
    let through = if source.is_grafana() { "through Grafana" } else { "put to Prometheus" };
    let empty = asked.empty.len();
    let figures =
        format!("{} queries {through}, for the run's window and up to now; {empty} rightly without data", asked.count);
    let mut check = ProofItem::new(CHECK, figures, asked.wrong);
    check.excused = asked.empty.into_iter().collect();
    if let Some(why) = source.gave_up_on_grafana() {
        check.lines.insert(0, format!("Grafana was not asked, or not for all of it: {why}"));
    }
    check
}

/// Whether a query speaks of endpoints, and of none that the scenario requests.
fn not_requested(catalogue: &Catalogue, expr: &str, report: &Report) -> Option<&'static str> {
    let speaks_of = |name: &str| {
        ["latency", "success", "response_time"].iter().any(|metric| {
            let stem = format!("{name}_{metric}");
            expr.match_indices(&stem).any(|(at, _)| {
                let before = expr[..at].chars().next_back();
                before.is_none_or(|before| !before.is_alphanumeric() && before != '_')
            })
        })
    };
    let mentioned: Vec<_> = catalogue.endpoints.iter().filter(|endpoint| speaks_of(endpoint.name)).collect();
    let requested = |name: &str| report.endpoints.iter().any(|endpoint| endpoint.name == name);
    let none = !mentioned.is_empty() && !mentioned.iter().any(|endpoint| requested(endpoint.name));
    none.then_some("the scenario does not make such requests")
}

/// What rules and alerts ask, which is the same for all runs.
fn rule_queries(catalogue: &Catalogue, timing: &Timing) -> Vec<Question> {
    let recording = recording_rules::recording_rules(catalogue, timing);
    let alerts = alerts::alerts(catalogue, timing);
    let recorded = recording.groups.into_iter().flat_map(|group| group.rules).map(|rule| Question {
        kind: QuestionKind::Rule,
        place: format!("rule {}", rule.record),
        expr: rule.expr.to_string(),
        instant: false,
        may_be_empty: None,
    });
    let alerts = alerts.groups.into_iter().flat_map(|group| group.rules).map(|rule| Question {
        kind: QuestionKind::Rule,
        place: format!("alert {}", rule.alert),
        expr: rule.expr.to_string(),
        instant: false,
        may_be_empty: Some("nothing is wrong"),
    });
    recorded.chain(alerts).collect()
}

/// A query as a viewer who has chosen the run would put it. Grafana escapes values for regular expressions.
fn filled_in(expr: &str, report: &Report) -> String {
    let value = |text: &str| text.replace('.', "\\\\.").replace('+', "\\\\+");
    let of = |label: monitoring::label::Label| format!("${}", label.as_str());
    expr.replace(&of(TESTID), &value(&report.testid)).replace(&of(SCENARIO), &scenarios(report, &value))
}

/// The values of the label that the run's series have, as Grafana writes several chosen ones.
fn scenarios(report: &Report, value: &dyn Fn(&str) -> String) -> String {
    let names: Vec<_> = report.scenarios().into_iter().map(value).collect();
    match names.as_slice() {
        [one] => one.clone(),
        several => format!("({})", several.join("|")),
    }
}

/// Of the queries that may be empty after a run, those that had no data in a drill either, from its faulty run's beginning
/// up to now.
pub(crate) async fn unanswered(
    catalogue: &Catalogue,
    source: &Source,
    (testid, scenario): (&str, &str),
    (began, _): (Moment, Moment),
    now: Moment,
) -> anyhow::Result<Vec<String>> {
    let dashboard = service_dashboard::dashboard(catalogue);
    let window = RunWindow { from_ms: began.0, to_ms: now.0 };
    let mut unanswered = Vec::new();
    let all = queries::questions(&dashboard).into_iter().chain(rule_queries(catalogue, &Timing::DRILL));
    for question in all.filter(|question| question.may_be_empty.is_some()) {
        let expr = question.expr.replace("$testid", testid).replace("$scenario", scenario);
        let found = source.ask(&expr, question.instant, window).await?;
        if let Some(why) = found.why_not() {
            unanswered.push(format!("{}: {why}, in the drill either: {expr}", question.place));
        }
    }
    Ok(unanswered)
}

#[derive(Debug, Default)]
struct QueryTally {
    count: usize,
    empty: BTreeSet<String>,
    wrong: Vec<String>,
}

impl QueryTally {
    async fn put(&mut self, source: &Source, question: Question, window: RunWindow) {
        self.count += 1;
        let found = match source.ask(&question.expr, question.instant, window).await {
            Ok(found) => found,
            Err(error) => Found::Complaint(format!("{error:#}")),
        };
        match (found.why_not(), &found, question.may_be_empty) {
            (None, ..) => {}
            (Some(_), Found::Nothing | Found::OnlyNan, Some(reason)) => {
                self.empty.insert(format!("{}: {reason}", question.place));
            }
            (Some(why), ..) => self.complain(format!("{}: {why}: {}", question.place, question.expr)),
        }
    }

    /// Keeps what is wrong once, though both windows show it.
    fn complain(&mut self, text: String) {
        if !self.wrong.contains(&text) {
            self.wrong.push(text);
        }
    }

    async fn variables(
        &mut self,
        report: &Report,
        source: &Source,
        dashboard: &dashboards::grafana::Dashboard,
        window: RunWindow,
    ) {
        for variable in queries::label_values(dashboard) {
            self.count += 1;
            let wanted = if variable.label == TESTID.as_str() {
                report.testid.clone()
            } else {
                report.plan.parts.first().map_or_else(|| report.scenario.clone(), |part| part.name.clone())
            };
            let selector = filled_in(&variable.selector, report);
            match source.label_values(&variable.label, &selector, window).await {
                Ok(values) if values.contains(&wanted) => {}
                Ok(values) => self.complain(format!(
                    "variable {}: {wanted:?} is not among its {} values: {selector}",
                    variable.variable,
                    values.len()
                )),
                Err(error) => self.complain(format!("variable {}: {error:#}: {selector}", variable.variable)),
            }
        }
    }

    /// Whether Prometheus has each of our rules, and evaluates it.
    async fn rules_are_loaded(&mut self, catalogue: &Catalogue, source: &Source) {
        let loaded = match source.rules().await {
            Ok(loaded) => loaded,
            Err(error) => return self.complain(format!("rules: {error:#}")),
        };
        let recording = recording_rules::recording_rules(catalogue, &Timing::USUAL);
        let alerts = alerts::alerts(catalogue, &Timing::USUAL);
        let names = recording.groups.iter().flat_map(|group| &group.rules).map(|rule| &rule.record);
        for name in names.chain(alerts.groups.iter().flat_map(|group| &group.rules).map(|rule| &rule.alert)) {
            self.count += 1;
            match loaded.iter().find(|(known, _)| known == name) {
                None => self.complain(format!("rule {name}: Prometheus does not have it")),
                Some((_, Some(wrong))) => self.complain(format!("rule {name}: {wrong}")),
                Some((_, None)) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use monitoring::metric::Metric;
    use monitoring::services::stock_ai::STOCK_AI;
    use test_support::fake_server;
    use url::Url;

    use super::*;

    /// A store that has data for every query but those with a word in it, for which there is nothing.
    fn store_without(word: &'static str) -> Source {
        let url = fake_server::respond(move |request| {
            let body = match (request.contains("/label/"), request.contains(word)) {
                _ if request.contains("/api/v1/rules") => rules(word),
                (true, _) => r#"{"data":["20261123-053057-basic-df39","basic"]}"#.to_owned(),
                (false, true) => r#"{"data":{"result":[]}}"#.to_owned(),
                (false, false) => r#"{"data":{"result":[{"value":[1,"1"]}]}}"#.to_owned(),
            };
            ("200 OK", body)
        });
        Source::new(Url::parse(&url).unwrap(), None, &Default::default()).unwrap()
    }

    /// All rules but those of a name; that of p95 of joins does not work.
    fn rules(word: &str) -> String {
        let recording = recording_rules::recording_rules(&STOCK_AI, &Timing::USUAL);
        let alerts = alerts::alerts(&STOCK_AI, &Timing::USUAL);
        let names = recording.groups.into_iter().flat_map(|group| group.rules).map(|rule| rule.record);
        let names = names.chain(alerts.groups.into_iter().flat_map(|group| group.rules).map(|rule| rule.alert));
        let rules: Vec<_> = names
            .filter(|name| name != word)
            .map(|name| {
                let health = if name == "join_room_latency:p95" { "err" } else { "ok" };
                serde_json::json!({ "name": name, "health": health, "lastError": "many-to-many" })
            })
            .collect();
        serde_json::json!({ "data": { "groups": [{ "rules": rules }] } }).to_string()
    }

    #[tokio::test]
    async fn a_rule_that_is_not_loaded_or_does_not_work_is_named() {
        let report = test_support::report();
        let wrong = check((&STOCK_AI, &report), &store_without("get_news_latency:p95"), true, None).await.lines;
        assert!(wrong.contains(&"rule get_news_latency:p95: Prometheus does not have it".to_owned()), "{wrong:?}");
        assert!(wrong.contains(&"rule join_room_latency:p95: many-to-many".to_owned()), "{wrong:?}");
    }

    async fn wrong_without(word: &'static str) -> Vec<String> {
        let report = test_support::report();
        check((&STOCK_AI, &report), &store_without(word), false, None).await.lines
    }

    #[tokio::test]
    async fn a_series_that_is_not_there_is_named_by_each_panel_that_shows_it() {
        assert_eq!(wrong_without("nothing at all").await, Vec::<String>::new());
        let wrong = wrong_without(&Metric::vus().name.leak()[..]).await;
        let places: Vec<_> = wrong.iter().filter_map(|line| line.split(": no series").next()).collect();
        assert_eq!(places, ["panel \"Summary\", Q2", "panel \"Virtual users\", Q1", "annotation \"Run starts\""]);
        let wrong = wrong_without("get_news_latency%3Ap95").await;
        assert_eq!(wrong, Vec::<String>::new(), "alerts are rightly silent");
        let wrong = wrong_without("le%3D%22300.0%22").await;
        assert!(
            wrong.iter().any(|line| line.starts_with("rule slo:join_room:p95_under_300ms: no series")),
            "{wrong:?}"
        );
    }

    #[test]
    fn what_the_scenario_does_not_request_may_be_empty() {
        let mut report: Report = test_support::report();
        report.endpoints.retain(|endpoint| endpoint.name == "get_news");
        let reason = |expr: &str| not_requested(&STOCK_AI, expr, &report);
        assert!(reason("rate(join_room_latency_bucket[1m])").is_some());
        assert!(reason("join_room_success").is_some());
        for requested in [
            "get_news_latency_count",
            "join_room_latency_sum / get_news_latency_sum",
            "http_reqs",
            "x_join_room_latency",
        ] {
            assert_eq!(reason(requested), None, "{requested}");
        }
    }
}
