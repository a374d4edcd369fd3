//! Tests of `dashboard_changes`.

use dashboards::service_dashboard;
use test_support::shop::SHOP;

use super::*;

/// The described changes of a dashboard after a change.
fn changes_after(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let then = serde_json::to_value(service_dashboard::dashboard(&SHOP)).unwrap();
    let mut now = then.clone();
    change(&mut now);
    differences(&then, &now, QueryChange::WithPromql)
}

#[test]
fn each_change_is_described() {
    assert_eq!(changes_after(|_| {}), Vec::<String>::new());
    let set = |path: &str, value: Value| {
        let path = format!("/panels/0{path}");
        changes_after(move |now| *now.pointer_mut(&path).unwrap() = value)
    };
    assert_eq!(
        set("/fieldConfig/defaults/thresholds/steps/1/value", 250.into()),
        ["panel \"Add item latency\": objective line 300 -> 250"]
    );
    assert_eq!(set("/gridPos/w", 8.into()), ["panel \"Add item latency\": size 12x9 -> 8x9"]);
    assert_eq!(set("/gridPos/y", 8.into()), ["panel \"Add item latency\": moved from 0,0 to 0,8"]);
    assert_eq!(set("/fieldConfig/defaults/unit", "s".into()), ["panel \"Add item latency\": unit ms -> s"]);
    assert!(set("/targets/0/expr", "up".into())[0].contains("changed:\n    was "));
    assert_eq!(
        set("/fieldConfig/defaults/custom/lineWidth", 9.into()),
        ["panel \"Add item latency\": options or fields changed"]
    );
    assert_eq!(set("/title", "Other".into()), ["panel \"Add item latency\" was removed", "panel \"Other\" was added"]);
    assert_eq!(changes_after(|now| now["refresh"] = "1m".into()), ["refresh: \"5s\" -> \"1m\""]);
    assert_eq!(changes_after(|now| now["graphTooltip"] = 0.into()).len(), 1);
}
