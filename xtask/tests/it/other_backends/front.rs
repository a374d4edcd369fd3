//! nginx in front of a service, and the exporter that counts its requests.

use std::process::{Command, Stdio};
use std::time::Duration;

use test_support::programs::{Process, nginx};

use super::makes::LOW_RATE;
use super::{SCRAPED, assert_scraped, doctor, run_load};
use crate::real::{Backend, free_port, get, out, wait_for};

/// nginx in front of the stub backend, and the exporter of its status.
struct Front {
    _processes: [Process; 2],
    _backend: Backend,
    url: String,
    metrics: String,
}

impl Front {
    fn start() -> Self {
        let backend = Backend::start(&[]);
        let [port, status, metrics] = [(); 3].map(|()| free_port());
        let servers = format!(
            "server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {}; }} }}
            server {{ listen 127.0.0.1:{status}; location / {{ stub_status; }} }}",
            backend.url
        );
        let nginx = nginx(&out("nginx-exporter"), &servers);
        let mut exporter = Command::new("prometheus-nginx-exporter");
        exporter.arg(format!("--nginx.scrape-uri=http://127.0.0.1:{status}/"));
        exporter.arg(format!("--web.listen-address=127.0.0.1:{metrics}")).stderr(Stdio::null());
        let [url, metrics] = [port, metrics].map(|port| format!("http://127.0.0.1:{port}"));
        let processes = [nginx, Process::spawn(exporter.stdin(Stdio::null()))];
        let front = Self { _processes: processes, _backend: backend, url, metrics };
        wait_for("nginx", Duration::from_secs(20), || get(&format!("{}/metrics", front.url)).map(drop));
        let is_up = |page: String| page.contains("nginx_up 1").then_some(());
        wait_for("its exporter", Duration::from_secs(20), || {
            get(&format!("{}/metrics", front.metrics)).and_then(is_up)
        });
        front
    }
}

/// Loads the service with the mapping that the doctor finds for the exporter, at its address.
pub(super) fn check() {
    let front = Front::start();
    let advice = doctor(&front.metrics);
    assert!(advice.contains("mapping: BackendMapping::NGINX, or for one run: --backend-metrics "), "{advice}");
    let mapping = format!("BackendMapping::NGINX.at(\"{}/metrics\")", front.metrics);
    let options = [&LOW_RATE[..], &["--backend-metrics", &mapping]].concat();
    let found = run_load("nginx", &front.url, SCRAPED, &options);
    assert_eq!(found.code, 0, "{}", found.text);
    let delivery = found.check("delivery");
    assert_eq!(delivery["outcome"], "shown", "{delivery}");
    assert_eq!(found.check("two clocks")["outcome"], "not_applicable", "{}", found.text);
    assert_scraped(&found);
    let excused = found.check("queries")["excused"].to_string();
    assert!(!excused.contains("panel \\\"Backend request rate\\\""), "nginx counts requests: {excused}");
    found.write_row("nginx in front", "nginx-prometheus-exporter", "`BackendMapping::NGINX.at(URL)`");
}
