//! Services in Go, Node, Java and Rust, each with its usual metrics library.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use test_support::programs::Process;

use super::{Library, SCRAPED, assert_scraped, doctor, front, run_load};
use crate::real::{free_port, get, root, wait_for};

/// Seconds of a run that needs no data of the backend.
const SHORT: u64 = 5;

/// Options of the runs, of which several go on at once.
pub(super) const LOW_RATE: [&str; 2] = ["--rps", "60"];

/// A service of one make.
struct Make {
    name: &'static str,
    library: Library,
    /// The command that starts the service, without the port.
    command: fn() -> Command,
    /// Why delivery is not audited by endpoint if the definition names no mapping.
    without: &'static str,
    /// The mapping that the doctor finds.
    mapping: &'static str,
    /// Seconds of the run without the mapping.
    seconds: u64,
}

const MAKES: &[Make] = &[
    Make {
        name: "go",
        library: Library {
            name: "client_golang",
            file: "perf-tests/tests/backends/go/go.mod",
            before_version: "client_golang v",
        },
        command: || Command::new(provided("go-backend")),
        without: "not available by endpoint: the backend does not count by handler: add the label handler",
        mapping: "BackendMapping::GO",
        seconds: SCRAPED,
    },
    Make {
        name: "node",
        library: Library {
            name: "prom-client",
            file: "perf-tests/tests/backends/node/package.json",
            before_version: "prom-client\": \"",
        },
        command: || {
            let mut command = Command::new("node");
            command.arg("perf-tests/tests/backends/node/server.js");
            command.env("NODE_PATH", provided("node/node_modules"));
            command
        },
        without: "has no http_requests_total: the service's definition needs `mapping: BackendMapping::EXPRESS.status",
        mapping: "BackendMapping::EXPRESS.status(\"code\")",
        seconds: SHORT,
    },
    Make {
        name: "java",
        library: Library {
            name: "Micrometer",
            file: "perf-tests/tests/backends/java/pom.xml",
            before_version: "<artifactId>micrometer-registry-prometheus</artifactId>\n      <version>",
        },
        command: || {
            let mut command = Command::new("java");
            // Otherwise each response waits 40 ms for an acknowledgement.
            command.arg("-Dsun.net.httpserver.nodelay=true");
            command.arg("-cp").arg(format!(
                "{}/*:{}",
                provided("java/lib").display(),
                provided("java/classes").display()
            ));
            command.arg("Backend");
            command
        },
        without: "/metrics responded with 404 Not Found: serve metrics there",
        mapping: "BackendMapping::MICROMETER",
        seconds: SHORT,
    },
    Make {
        name: "axum",
        library: Library {
            name: "axum-prometheus",
            file: "perf-tests/tests/backends/axum/Cargo.toml",
            before_version: "axum-prometheus = \"",
        },
        command: || Command::new(provided("axum/debug/axum-backend")),
        without: "has no http_requests_total: the service's definition needs `mapping: BackendMapping::AXUM`",
        mapping: "BackendMapping::AXUM",
        seconds: SHORT,
    },
];

/// A file that `.ci/provide` made.
fn provided(name: &str) -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "the folder that .ci/provide exports")]
    let folder =
        std::env::var("PERF_BACKENDS").unwrap_or_else(|_| panic!("PERF_BACKENDS is not set: source .ci/provide"));
    PathBuf::from(folder).join(name)
}

struct Service {
    _process: Process,
    url: String,
}

impl Service {
    fn start(make: &Make) -> Self {
        let port = free_port();
        let mut command = (make.command)();
        let process = Process::spawn(command.arg(port.to_string()).current_dir(root()).stdin(Stdio::null()));
        let service = Self { _process: process, url: format!("http://127.0.0.1:{port}") };
        wait_for(make.name, Duration::from_secs(30), || get(&format!("{}/api/news", service.url)).map(drop));
        service
    }
}

/// Checks that only queries for series that the service does not expose are excused.
fn check_panels(make: &Make, check: &serde_json::Value) {
    assert_eq!(check["outcome"], "shown", "{}: {check}", make.name);
    if make.seconds != SCRAPED {
        return;
    }
    let excused = check["excused"].as_array().unwrap();
    let is_excused = |place: &str| excused.iter().any(|line| line.as_str().is_some_and(|line| line.starts_with(place)));
    assert!(is_excused("panel \"Time outside the backend by endpoint\""), "{check}");
    assert!(!is_excused("panel \"Backend request rate\""), "the service counts requests: {check}");
}

#[test]
#[ignore = "needs what .ci/provide installs: run with cargo xtask ci"]
fn services_of_other_makes_pass_with_and_without_a_mapping() {
    // At the same time, each with a Prometheus of its own. The scope waits for all of them, so that
    // each stops its service.
    thread::scope(|scope| {
        MAKES.iter().for_each(|make| drop(scope.spawn(|| check(make))));
        scope.spawn(front::check);
    });
}

/// Loads a service without a mapping, and with the one that the doctor finds.
fn check(make: &Make) {
    let (Make { name, library, without, mapping, seconds, .. }, service) = (make, Service::start(make));
    let found = run_load(&format!("{name}-without"), &service.url, *seconds, &LOW_RATE);
    assert_eq!(found.code, 0, "{name}: {}", found.text);
    let delivery = found.check("delivery")["figures"].as_str().unwrap().to_owned();
    assert!(delivery.contains(without), "{name}: {delivery}");
    check_panels(make, found.check("queries"));
    found.write_row(name, &library.describe(), "default");

    let advice = doctor(&service.url);
    let (_, line) = advice.split_once("--backend-metrics '").unwrap_or_else(|| panic!("{name}: {advice}"));
    let (line, _) = line.split_once('\'').unwrap();
    assert_eq!(line, *mapping, "{name}");
    let options = [&LOW_RATE[..], &["--backend-metrics", line]].concat();
    let found = run_load(&format!("{name}-with"), &service.url, SCRAPED, &options);
    assert_eq!(found.code, 0, "{name}: {}", found.text);
    let (delivery, clocks) = (found.check("delivery"), found.check("two clocks"));
    assert_eq!(delivery["outcome"], "shown", "{name}: {delivery}");
    // The queries for what the service exposes have data of it.
    assert_scraped(&found);
    // promhttp knows no routes.
    let by_route = *name != "go";
    assert_eq!(clocks["outcome"], if by_route { "shown" } else { "not_applicable" }, "{name}: {clocks}");
    assert_eq!(found.text.contains("not available by endpoint"), !by_route, "{name}: {}", found.text);
    found.write_row(name, &library.describe(), &format!("`{mapping}`"));
}
