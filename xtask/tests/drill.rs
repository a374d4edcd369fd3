//! The drill: each alert is seen to become pending, to fire and to be resolved.

#[expect(dead_code, reason = "shared with other tests, each of which needs a part")]
#[expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper that fails fails the test")]
mod real;

use real::{free_port, run, xtask};

#[test]
#[ignore = "needs a Prometheus and two minutes: run with cargo xtask ci"]
fn each_alert_fires_when_it_should_and_only_then() {
    let port = free_port().to_string();
    let said = run(&mut xtask(&["perf", "--drill", "--stack", "native", "--prometheus-port", &port]));
    assert_eq!(said.code, 0, "{}", said.text);
    assert_eq!(said.text.matches("✓").count(), 9 + 2, "{}", said.text);
}
