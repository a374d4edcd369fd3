//! Tests of `config`.

use super::*;

#[test]
fn targets_at_one_address_differ_by_their_instance() {
    let json = |path| serde_json::to_string(&ScrapeTarget::new("10.0.0.1:80".to_owned(), false, path)).unwrap();
    let usual = r#"{"targets":["10.0.0.1:80"],"labels":{"__scheme__":"http"}}"#;
    assert_eq!(json("/metrics"), usual, "Prometheus makes the instance of the address");
    let other = r#"{"targets":["10.0.0.1:80"],"labels":{"__metrics_path__":"/actuator/prometheus","__scheme__":"http","instance":"10.0.0.1:80/actuator/prometheus"}}"#;
    assert_eq!(json("/actuator/prometheus"), other);
}
