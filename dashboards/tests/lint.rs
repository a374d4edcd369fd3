//! What a reviewer of a dashboard looks for, in the spirit of Grafana's dashboard-linter.

use std::collections::BTreeSet;

use dashboards::grafana::{Dashboard, Panel};
use dashboards::service_dashboard;
use monitoring::services::stock_ai::STOCK_AI;

/// What is wrong, a line each.
fn lint(dashboard: &Dashboard) -> Vec<String> {
    let mut wrong = Vec::new();
    let (mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new());
    for panel in &dashboard.panels {
        let mut say = |what: &str| wrong.push(format!("{}: {what}", panel.title));
        if !ids.insert(panel.id) {
            say("its id is another's");
        }
        if !titles.insert(&panel.title) {
            say("its title is another's");
        }
        if panel.kind == "row" {
            continue;
        }
        if panel.description.split_whitespace().count() < 12 {
            say("its description does not say what it shows and what to do");
        }
        if panel.datasource.as_ref().is_none_or(|source| source.uid != "${datasource}") {
            say("its data source is not the one that is chosen");
        }
        if panel.targets.is_empty() {
            say("it asks nothing");
        }
        panel.targets.iter().flat_map(|target| target_is_wrong(panel, &target.expr)).for_each(say);
    }
    wrong
}

fn target_is_wrong(panel: &Panel, expr: &str) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    let single = matches!(panel.kind, "gauge" | "stat" | "table");
    // Over the whole window, or the growth in it.
    let lasts = ["last_over_time(", "max_over_time("].iter().any(|function| expr.contains(function));
    if single && !lasts {
        wrong.push("its value is gone when the run is over");
    }
    if expr.contains("rate(") && !expr.contains("[$__rate_interval]") {
        wrong.push("a rate over a window that does not follow the dashboard's");
    }
    // Outside of quotes, of which every second part is.
    let bare: String = expr.split('"').step_by(2).collect();
    let selectors = bare.matches('{').count();
    let scoped = bare.matches("testid=~").count() + bare.matches("job=").count();
    if selectors != scoped {
        wrong.push("a series of runs that were not chosen");
    }
    if expr.contains("histogram_quantile") && !expr.contains("le)") {
        wrong.push("a quantile of buckets that were added up without le");
    }
    wrong
}

#[test]
fn nothing_is_wrong_with_the_dashboard() {
    assert_eq!(lint(&service_dashboard::dashboard(&STOCK_AI)), Vec::<String>::new());
}

#[test]
fn what_is_wrong_is_named() {
    let dashboard = service_dashboard::dashboard(&STOCK_AI);
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
