//! The drill: each alert is seen to become pending, to fire and to be resolved.

use crate::real::{free_port, run, xtask};

#[test]
#[ignore = "needs a Prometheus and two minutes: run with cargo xtask ci"]
fn each_alert_fires_when_it_should_and_only_then() {
    let port = free_port().to_string();
    let said = run(&mut xtask(&["perf", "--drill", "--stack", "native", "--prometheus-port", &port]));
    assert_eq!(said.code, 0, "{}", said.text);
    assert_eq!(said.text.matches("✓").count(), 9 + 2, "{}", said.text);
}
