//! Checks of the generated dashboard, similar to Grafana's dashboard-linter.

use std::collections::BTreeSet;

use dashboards::grafana::{Dashboard, Panel};
use dashboards::service_dashboard;
use monitoring::services;
use test_support::shop::SHOP;

/// Problems of a dashboard, one per line.
fn lint(dashboard: &Dashboard) -> Vec<String> {
    let mut problems = Vec::new();
    let (mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new());
    for panel in &dashboard.panels {
        let mut report = |problem: &str| problems.push(format!("{}: {problem}", panel.title));
        if !ids.insert(panel.id) {
            report("its ID is not unique");
        }
        if !titles.insert(&panel.title) {
            report("its title is not unique");
        }
        if panel.kind == "row" {
            continue;
        }
        if panel.description.split_whitespace().count() < 12 {
            report("its description is too short to say what it shows and what to do");
        }
        if panel.datasource.as_ref().is_none_or(|source| source.uid != "${datasource}") {
            report("its data source is not the selected one");
        }
        if panel.targets.is_empty() {
            report("it has no query");
        }
        panel.targets.iter().flat_map(|target| problems_of_query(panel, &target.expr)).for_each(report);
    }
    problems
}

fn problems_of_query(panel: &Panel, expr: &str) -> Vec<&'static str> {
    let mut problems = Vec::new();
    let single = matches!(panel.kind, "gauge" | "stat" | "table");
    // The last value in the time range, or the growth in it.
    let lasts = ["last_over_time(", "max_over_time("].iter().any(|function| expr.contains(function));
    if single && !lasts {
        problems.push("its value disappears after the run");
    }
    if expr.contains("rate(") && !expr.contains("[$__rate_interval]") {
        problems.push("a rate over a window other than $__rate_interval");
    }
    // Every second part is outside of quotes.
    let bare: String = expr.split('"').step_by(2).collect();
    let selectors = bare.matches('{').count();
    let scoped = bare.matches("testid=~").count() + bare.matches("job=").count();
    if selectors != scoped {
        problems.push("a series that is not limited to the selected runs");
    }
    if expr.contains("histogram_quantile") && !expr.contains("le)") {
        problems.push("a quantile of buckets that were aggregated without le");
    }
    problems
}

#[test]
fn the_dashboard_has_no_problems() {
    for catalogue in services::ALL.iter().chain([&&SHOP]) {
        assert_eq!(lint(&service_dashboard::dashboard(catalogue)), Vec::<String>::new(), "{}", catalogue.service);
    }
}

#[test]
fn each_problem_is_reported() {
    let dashboard = service_dashboard::dashboard(&SHOP);
    let broken = |change: &dyn Fn(&mut Panel)| {
        let mut dashboard = dashboard.clone();
        dashboard.panels.iter_mut().filter(|panel| panel.title == "Summary").for_each(change);
        lint(&dashboard)
    };
    let first = |panel: &mut Panel, expr: &str| panel.targets[0].expr = expr.to_owned();
    assert_eq!(broken(&|panel| panel.description.clear()).len(), 1);
    assert_eq!(broken(&|panel| panel.targets.clear()).len(), 1);
    assert_eq!(broken(&|panel| panel.id = 1).len(), 1);
    assert_eq!(broken(&|panel| first(panel, "sum(http_reqs{testid=~\"$testid\"})")).len(), 1);
    assert_eq!(broken(&|panel| first(panel, "last_over_time(http_reqs{name=\"x\"}[1m])")).len(), 1);
    assert_eq!(broken(&|panel| first(panel, "rate(last_over_time(x[5m])[1m])")).len(), 1);
}
