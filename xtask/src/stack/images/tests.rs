//! Tests of `images`.

use super::{GRAFANA, PROMETHEUS, split};
use crate::host::workspace;

#[test]
fn the_table_of_tested_versions_names_the_images() {
    let text = std::fs::read_to_string(workspace::root().join(".github/CONTRIBUTING.md")).unwrap();
    let row = format!("| images that are pulled by default | `{PROMETHEUS}`, `{GRAFANA}` |");
    assert!(text.contains(&row), "CONTRIBUTING.md names other images. Its row has to begin with: {row}");
    let claims = text.lines().filter(|line| line.contains("pulled by default"));
    assert_eq!(claims.count(), 1, "only this row names the images");
}

#[test]
fn an_image_is_split_into_name_and_tag() {
    assert_eq!(split("prom/prometheus:v3.13.2"), ("prom/prometheus", "v3.13.2"));
    assert_eq!(split("localhost:5000/prometheus"), ("localhost:5000/prometheus", "latest"));
    assert_eq!(split("localhost:5000/prometheus:v3"), ("localhost:5000/prometheus", "v3"));
}
