//! The generated Grafana files, and a short outline of the dashboard, as reviewers see them.

use dashboards::{artefact, multiplayer, outline};
use monitoring::catalogue::STOCK_AI;

#[test]
fn files() {
    for file in artefact::artefacts(&STOCK_AI).unwrap() {
        let name = file.path.rsplit('/').next().unwrap();
        insta::assert_snapshot!(name, file.contents);
    }
}

#[test]
fn dashboard_outline() {
    insta::assert_snapshot!(outline::outline(&multiplayer::dashboard(&STOCK_AI)));
}

#[test]
fn every_query_is_promql_once_its_variables_are_filled_in() {
    for panel in multiplayer::dashboard(&STOCK_AI).panels {
        assert!(!panel.targets.is_empty(), "{} asks nothing", panel.title);
        for target in panel.targets {
            let text =
                target.expr.replace("$__rate_interval", "20s").replace("$testid", ".+").replace("$scenario", ".+");
            assert!(promql_parser::parser::parse(&text).is_ok(), "{text}");
            assert!(!text.contains('$'), "a variable that the dashboard does not have: {text}");
        }
    }
}
