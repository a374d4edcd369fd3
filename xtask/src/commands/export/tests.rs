//! Tests of `export`.

use super::*;

#[test]
fn an_export_has_the_rules_and_a_variable_data_source() {
    let files = files().unwrap();
    let paths: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
    let service = services::ALL[0].service;
    assert!(paths.contains(&format!("rules/{service}-alerts.yml").as_str()), "{paths:?}");
    let post = files.iter().find(|file| file.path.ends_with(".post.json")).unwrap();
    let body: serde_json::Value = serde_json::from_str(&post.contents).unwrap();
    assert_eq!((&body["dashboard"]["uid"], &body["overwrite"]), (&json!(service), &json!(true)));
    assert!(!post.contents.contains("localhost"), "the export links to this machine");
    let sources = post.contents.matches("\"uid\": \"${datasource}\"").count();
    assert!(sources > 20 && !post.contents.contains("\"uid\": \"prometheus\""), "{sources}");
}
