//! Tests of `generated_files`.

use monitoring::generated_files::BANNER;

use super::*;
use crate::host::workspace;

#[test]
fn committed_files_are_up_to_date() {
    assert_eq!(differences(&workspace::root()).unwrap(), [], "run `cargo xtask codegen`");
}

#[test]
fn every_difference_is_named_and_fixed() {
    let root = workspace::target().join("codegen-test");
    if root.exists() {
        fs::remove_dir_all(&root).unwrap();
    }
    assert_eq!(differences(&root).unwrap().len(), generated_files().unwrap().len());
    write(&root).unwrap();
    assert_eq!(differences(&root).unwrap(), []);
    fs::write(root.join("monitoring/prometheus/prometheus.yml"), format!("{BANNER}by hand {}", "x".repeat(60)))
        .unwrap();
    let service = services::ALL[0].service;
    let path = root.join(format!("dashboards/json/{service}.json"));
    let by_hand = fs::read_to_string(&path).unwrap().replacen("\"Summary\"", "\"Totals\"", 1);
    fs::write(&path, &by_hand).unwrap();
    let rules = root.join(format!("monitoring/prometheus/rules/{service}.yml"));
    let other_rules = fs::read_to_string(&rules).unwrap().replacen("sum by", "avg by", 1);
    fs::write(rules, other_rules).unwrap();
    fs::write(root.join("dashboards/json/old.json"), "{}").unwrap();
    let named = differences(&root).unwrap();
    assert_eq!(
        named.iter().map(Difference::to_string).collect::<Vec<_>>(),
        [
            &*format!(
                "differs: dashboards/json/{service}.json: panel \"Totals\" was removed, panel \"Summary\" was added"
            ),
            &*format!("differs: monitoring/prometheus/prometheus.yml: line 2, \"by hand {}\"", "x".repeat(52)),
            &*format!("differs: monitoring/prometheus/rules/{service}.yml: line 7"),
            "leftover: dashboards/json/old.json",
        ]
    );
    write(&root).unwrap();
    assert_eq!(differences(&root).unwrap(), []);
    let mut other_query: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    other_query["panels"][0]["targets"][0]["expr"] = "up".into();
    fs::write(&path, other_query.to_string()).unwrap();
    let [Difference::Differs(_, change)] = &differences(&root).unwrap()[..] else { panic!("one file differs") };
    assert!(change.ends_with(" changed") && !change.contains('\n'), "PromQL is shown: {change}");
}

#[test]
fn changes_that_are_not_shown_are_counted() {
    let panel = |number: u32| format!("{{\"title\": \"{number}\"}}");
    let dashboard = |panels: &[u32]| {
        format!("{{\"panels\": [{}]}}", panels.iter().map(|it| panel(*it)).collect::<Vec<_>>().join(","))
    };
    let file = GeneratedFile { path: "dashboards/json/x.json".to_owned(), contents: dashboard(&[1, 2, 3, 4, 5]) };
    assert!(describe_change(&dashboard(&[]), &file).ends_with("panel \"3\" was added and 2 more changes"));
    assert!(describe_change(&dashboard(&[1]), &file).ends_with("panel \"4\" was added and 1 more change"));
    assert!(describe_change(&dashboard(&[1, 2]), &file).ends_with("panel \"5\" was added"));
}
