//! A running VictoriaMetrics.

use std::process::{Command, Stdio};
use std::time::Duration;

use test_support::programs::Process;

use crate::real::{free_port, get, out, wait_for};

pub(super) struct VictoriaMetrics {
    _process: Process,
    pub(super) url: String,
}

impl VictoriaMetrics {
    pub(super) fn start(name: &str) -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new("victoria-metrics");
        command.arg("-storageDataPath").arg(out(name)).args(["-httpListenAddr", &address, "-loggerLevel", "ERROR"]);
        let process = Process::spawn(command.stdin(Stdio::null()));
        let started = Self { _process: process, url: format!("http://{address}") };
        wait_for("VictoriaMetrics", Duration::from_secs(30), || get(&format!("{}/health", started.url)).map(drop));
        started
    }
}

/// Why every query has two parameters: an instant query needs either of them, and a range query the
/// offset.
#[test]
#[ignore = "needs victoria-metrics on PATH: run with cargo xtask ci"]
fn two_parameters_show_the_last_thirty_seconds_of_victoria_metrics() {
    let store = VictoriaMetrics::start("store-offset");
    let url = &store.url;
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let last = |path: &str| {
        let text = get(&format!("{url}/api/v1/{path}")).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let result = &value["data"]["result"][0];
        let point = result["values"].as_array().map_or(&result["value"], |points| points.last().unwrap()).clone();
        point[1].as_str().unwrap().parse::<f64>().unwrap()
    };
    let instant = format!("query?query=vector(time())&time={now}");
    let range = format!("query_range?query=vector(time())&start={}&end={now}&step=1", now - 60);
    for (query, is_late) in [
        (instant.clone(), true),
        (format!("{instant}&nocache=1"), false),
        (range.clone(), true),
        (format!("{range}&nocache=1"), true),
        (format!("{range}&nocache=1&latency_offset=0.001"), false),
    ] {
        let age = now as f64 - last(&query);
        assert_eq!(age > 25.0, is_late, "{query}: {age} s");
    }
}
