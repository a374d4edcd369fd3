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
    fs::write(root.join("monitoring/prometheus/prometheus.yml"), format!("{BANNER}by hand")).unwrap();
    let service = services::ALL[0].service;
    let path = root.join(format!("dashboards/json/{service}.json"));
    let by_hand = fs::read_to_string(&path).unwrap().replacen("\"Summary\"", "\"Totals\"", 1);
    fs::write(path, by_hand).unwrap();
    fs::write(root.join("dashboards/json/old.json"), "{}").unwrap();
    let named = differences(&root).unwrap();
    assert_eq!(
        named.iter().map(Difference::to_string).collect::<Vec<_>>(),
        [
            &*format!(
                "differs: dashboards/json/{service}.json: panel \"Totals\" was removed, panel \"Summary\" was added"
            ),
            "differs: monitoring/prometheus/prometheus.yml: line 2, \"by hand\"",
            "leftover: dashboards/json/old.json",
        ]
    );
    write(&root).unwrap();
    assert_eq!(differences(&root).unwrap(), []);
}
