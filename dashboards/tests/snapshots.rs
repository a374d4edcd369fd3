//! Snapshots for reviews: the generated Grafana files and a short outline of the dashboard.

use dashboards::{generated_files, outline, service_dashboard};
use monitoring::services;

#[test]
fn files() {
    for file in generated_files::files(services::ALL).unwrap() {
        let name = file.path.rsplit('/').next().unwrap();
        insta::assert_snapshot!(name, file.contents);
    }
}

#[test]
fn dashboard_outlines() {
    for catalogue in services::ALL {
        let outline = outline::outline(&service_dashboard::dashboard(catalogue));
        insta::assert_snapshot!(format!("{}_outline", catalogue.service), outline);
    }
}

#[test]
fn every_query_is_promql_after_its_variables_are_replaced() {
    let exprs = services::ALL.iter().flat_map(|catalogue| {
        let dashboard = service_dashboard::dashboard(catalogue);
        let annotations = dashboard.annotations.list.into_iter().map(|annotation| annotation.target.expr);
        let targets = dashboard.panels.into_iter().flat_map(|panel| panel.targets).map(|target| target.expr);
        annotations.chain(targets)
    });
    for expr in exprs {
        let text = ["$__rate_interval", "$__range"].iter().fold(expr, |text, window| text.replace(window, "20s"));
        let text = text.replace("$testid", ".+").replace("$scenario", ".+");
        assert!(promql_parser::parser::parse(&text).is_ok(), "{text}");
        assert!(!text.contains('$'), "unknown variable: {text}");
    }
}
