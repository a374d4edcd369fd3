//! Other load generators, and the command lines with which each makes the same load.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

use super::protocol::Protocol;
use super::setup::BenchSetup;
use crate::host::workspace;

/// Another load generator.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) name: &'static str,
    program: PathBuf,
}

/// The peers that this benchmark can run.
pub(super) const KNOWN: [&str; 5] = ["wrk", "h2load", "oha", "hey", "k6"];

/// The name of another build of our generator.
const BUILD: &str = "build";

impl Peer {
    /// Another build of our generator.
    pub(super) fn build(program: &Path) -> Self {
        Self { name: BUILD, program: program.to_owned() }
    }

    pub(super) fn is_build(&self) -> bool {
        self.name == BUILD
    }

    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// The peer of that name, if it is on PATH.
    pub(super) fn find(name: &str) -> Option<Self> {
        let name = KNOWN.into_iter().find(|known| *known == name)?;
        Some(Self { name, program: workspace::program(name)? })
    }

    /// The command that keeps `connections` busy for the duration.
    pub(super) fn command(&self, setup: &BenchSetup, connections: u32, duration: Duration) -> anyhow::Result<Command> {
        let (url, is_http2) = (setup.url().join("room")?.to_string(), setup.protocol == Protocol::Http2);
        let (connections, seconds) = (connections.to_string(), format!("{}s", duration.as_secs()));
        let mut command = Command::new(&self.program);
        match self.name {
            "wrk" => command.args(["-t", "1", "-c", &connections, "-d", &seconds, &url]),
            "h2load" => command.args(["-t", "1", "-c", &connections, "-m", "1", "-D", &seconds, &url]),
            "hey" => {
                command.args(is_http2.then_some("-h2"));
                command.args(["-cpus", "1", "-c", &connections, "-z", &seconds, &url])
            }
            "oha" => {
                command.args(is_http2.then_some("--http2")).args(["--insecure", "--no-tui"]);
                command.args(["-c", &connections, "-z", &seconds, &url]).env("TOKIO_WORKER_THREADS", "1")
            }
            _ => {
                let script = setup.folder.join("k6.js");
                fs::write(&script, k6_script(&url)).context("failed to write k6's script")?;
                command.args(["run", "--quiet", "--vus", &connections, "--duration", &seconds]);
                if let Some(store) = &setup.store {
                    command.args(["--out", "experimental-prometheus-rw"]);
                    command
                        .env("K6_PROMETHEUS_RW_SERVER_URL", store.as_str())
                        .env("K6_PROMETHEUS_RW_TREND_STATS", "p(95)");
                }
                command.arg(script).env("GOMAXPROCS", "1").env("K6_NO_USAGE_REPORT", "true")
            }
        };
        Ok(command)
    }
}

/// A k6 script that does the same as our generator.
fn k6_script(url: &str) -> String {
    format!(
        r#"import http from "k6/http";
import {{ check }} from "k6";
import {{ Trend }} from "k6/metrics";

const latency = new Trend("room_latency", true);

export const options = {{ insecureSkipTLSVerify: true, thresholds: {{ room_latency: ["p(95)<5000"], checks: ["rate>0.99"] }} }};

export default function () {{
  const response = http.get("{url}");
  latency.add(response.timings.duration);
  check(response, {{ "has a room": (it) => it.body.startsWith("{{\"room\"") }});
}}
"#
    )
}
