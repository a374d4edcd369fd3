//! The check "queries": every query of every panel, variable, annotation, rule and alert has
//! data for the run.

use dashboards::queries::{self, QueryPlace};
use dashboards::service_dashboard;
use futures::{StreamExt as _, stream};
use monitoring::catalogue::Catalogue;
use monitoring::label::{SCENARIO, TESTID};
use monitoring::prometheus::recording_rules::Timing;
use perf_report::Report;
use prometheus_store::response::QueryResult;

use super::excuses::Excuses;
use super::proof_check::ProofCheck;
use super::query_tally::QueryTally;
use super::rules::{RuleState, loaded_rules, rule_queries};
use crate::perf::prove::proven_run::now_ms;
use crate::perf::prove::store::query_source::{AT_ONCE, QuerySource};
use crate::stack::dashboard_link::RunWindow;

pub(crate) async fn check(
    catalogue: &Catalogue,
    source: &QuerySource,
    own_store: bool,
    excuses: Excuses<'_>,
) -> ProofCheck {
    const CHECK: &str = "queries";
    let mut tally = QueryTally::default();
    let report = excuses.report;
    let dashboard = service_dashboard::dashboard(catalogue);
    let run = RunWindow::shown(report);
    let until_now = RunWindow { to_ms: now_ms().max(report.run.ended_unix_ms), ..run };
    let mut placed_queries = queries::placed_queries(&dashboard);
    placed_queries.extend(rule_queries(catalogue, &Timing::USUAL));
    for window in [run, until_now] {
        let asked = placed_queries.iter().map(async |placed| {
            let promql = fill_in_variables(&placed.query.expr.to_string(), &report.run.testid, &report.scenarios());
            let found = source.ask(&promql, placed.kind, excuses.window(placed, window)).await;
            (placed, promql, found.unwrap_or_else(|error| QueryResult::Complaint(format!("{error:#}"))))
        });
        let mut asked = stream::iter(asked).buffered(AT_ONCE);
        while let Some((placed, promql, found)) = asked.next().await {
            tally.add(placed, &promql, &found, excuses.find(placed, window));
        }
        check_variables(&mut tally, report, source, &dashboard, window).await;
    }
    if own_store {
        check_rules(&mut tally, catalogue, source).await;
    }
    let through = if source.is_grafana() { "through Grafana" } else { "in Prometheus" };
    let QueryTally { count, excused_count, failed, .. } = tally;
    let figures = format!(
        "{} of {} queries of dashboards and rules have data {through}; {excused_count} need none (reasons: proof.json)",
        count - excused_count - failed,
        count
    );
    let mut check = ProofCheck::new(CHECK, figures, tally.describe_problems());
    check.queries = tally.queries;
    check.excused = tally.excused_places;
    if let Some(why) = source.gave_up_on_grafana() {
        check.lines.insert(0, format!("some or all queries went to Prometheus instead of Grafana: {why}"));
    }
    check
}

/// Replaces the dashboard's variables in a query by a run's values. Like Grafana, escapes them for
/// regular expressions.
fn fill_in_variables(expr: &str, testid: &str, scenarios: &[&str]) -> String {
    let value = |text: &str| text.replace('.', "\\\\.").replace('+', "\\\\+");
    let variable = |label: monitoring::label::Label| format!("${}", label.as_str());
    let scenarios: Vec<_> = scenarios.iter().map(|name| value(name)).collect();
    // Grafana writes a multiple choice in parentheses.
    let scenarios = match scenarios.as_slice() {
        [one] => one.clone(),
        several => format!("({})", several.join("|")),
    };
    expr.replace(&variable(TESTID), &value(testid)).replace(&variable(SCENARIO), &scenarios)
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
        let expr = fill_in_variables(&placed.query.expr.to_string(), testid, &[scenario]);
        let found = source.ask(&expr, placed.kind, window).await?;
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
        let selector = fill_in_variables(&values.series.to_string(), &report.run.testid, &report.scenarios());
        let place = QueryPlace::Variable(variable.to_owned());
        match source.label_values(values.label.as_str(), &selector, window).await {
            Ok(values) if values.contains(&wanted) => {}
            Ok(values) => {
                tally.add_query(&place, &selector);
                let why = format!("{wanted:?} is not among its values ({})", values.len());
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
mod tests;
