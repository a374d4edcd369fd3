//! Test of `cargo xtask perf --drill`: each alert becomes pending, fires and resolves.

use crate::real::{free_port, run, xtask};

#[test]
#[ignore = "needs a Prometheus and two minutes: run with cargo xtask ci"]
fn each_alert_fires_when_it_should_and_only_then() {
    let port = free_port().to_string();
    let output = run(&mut xtask(&["perf", "--drill", "--stack", "native", "--prometheus-port", &port]));
    assert_eq!(output.code, 0, "{}", output.text);
    assert_eq!(output.text.matches("✓").count(), 1 + 9 + 2, "{}", output.text);
}
