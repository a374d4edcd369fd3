//! Other load generators, and the command lines with which each makes the same load.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{fmt, fs};

use anyhow::Context as _;
use clap::ValueEnum as _;

use super::bench_protocol::BenchProtocol;
use super::bench_setup::BenchSetup;
use crate::host::{child, workspace};

/// Another load generator that this benchmark can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum PeerName {
    Wrk,
    H2load,
    Oha,
    Hey,
    K6,
}

impl PeerName {
    /// The peers that speak a protocol.
    pub(super) const fn all(protocol: BenchProtocol) -> &'static [Self] {
        match protocol {
            BenchProtocol::Http | BenchProtocol::Tls => &[Self::Wrk, Self::Oha, Self::Hey, Self::K6],
            BenchProtocol::Http2 => &[Self::H2load, Self::Oha, Self::Hey, Self::K6],
        }
    }

    /// The program, if it is on PATH.
    pub(super) fn find(self) -> Option<Peer> {
        Some(Peer { name: Some(self), program: workspace::program(&self.to_string())? })
    }
}

impl fmt::Display for PeerName {
    /// The name of the program.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().ok_or(fmt::Error)?.get_name())
    }
}

/// Another load generator, or another build of ours.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// `None` for a build of ours.
    name: Option<PeerName>,
    program: PathBuf,
}

impl Peer {
    /// Another build of our generator.
    pub(super) fn build(program: &Path) -> Self {
        Self { name: None, program: program.to_owned() }
    }

    /// The name in results.
    pub(super) fn name(&self) -> String {
        self.name.map_or_else(|| "build".to_owned(), |name| name.to_string())
    }

    /// The command that keeps `connections` busy for the duration.
    pub(super) fn command(&self, setup: &BenchSetup, connections: u32, duration: Duration) -> anyhow::Result<Command> {
        let (url, is_http2) = (setup.url().join("room")?.to_string(), setup.protocol == BenchProtocol::Http2);
        let Some(name) = self.name else { return Ok(setup.load_by(&self.program, connections, duration)) };
        let (connections, seconds) = (connections.to_string(), format!("{}s", duration.as_secs()));
        let mut command = child::foreground(&self.program);
        match name {
            PeerName::Wrk => command.args(["-t", "1", "-c", &connections, "-d", &seconds, &url]),
            PeerName::H2load => command.args(["-t", "1", "-c", &connections, "-m", "1", "-D", &seconds, &url]),
            PeerName::Hey => {
                command.args(is_http2.then_some("-h2"));
                command.args(["-cpus", "1", "-c", &connections, "-z", &seconds, &url])
            }
            PeerName::Oha => {
                command.args(is_http2.then_some("--http2")).args(["--insecure", "--no-tui"]);
                command.args(["-c", &connections, "-z", &seconds, &url]).env("TOKIO_WORKER_THREADS", "1")
            }
            PeerName::K6 => {
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
