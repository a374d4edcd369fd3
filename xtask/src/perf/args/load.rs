//! Flags of the load and of its requests, and the variables that they become.

use std::path::PathBuf;
use std::time::Duration;

use monitoring::run::{self, Rate, Stage};

/// What a scenario's variable is set to; none takes one away that the environment has.
pub(super) type Override = (&'static str, Option<String>);

/// How much load, and when.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Load")]
pub(super) struct LoadArgs {
    /// Virtual users. Alone, it changes only the scenario's number of them; with --rate, those that are there from the start
    #[arg(short = 'u', long, value_parser = |value: &str| run::parse_vus("--vus", value))]
    vus: Option<u32>,
    /// How long, such as 30s or 1m30s. Replaces the scenario's whole load; with --iterations, how long at most
    #[arg(short = 'd', long, value_parser = |value: &str| run::parse_duration("--duration", value))]
    duration: Option<Duration>,
    /// Iterations in all, shared by the virtual users. Replaces the scenario's whole load
    #[arg(short = 'i', long, value_parser = |value: &str| run::parse_iterations("--iterations", value))]
    iterations: Option<u64>,
    /// A stage: reach so many virtual users within so long, such as 1m:10 (repeatable). Replaces the scenario's whole load
    #[arg(short = 's', long, value_name = "DURATION:VUS", value_parser = |value: &str| run::parse_stage("--stage", value))]
    stage: Vec<Stage>,
    /// Begin iterations at a constant rate, such as 500/s or 30/m, whatever became of those before. Replaces the
    /// scenario's whole load; lasts as long as that would, or for --duration
    #[arg(long, value_parser = |value: &str| run::parse_rate("--rate", value))]
    rate: Option<Rate>,
    /// The most virtual users that --rate may need; an iteration that finds all of them busy is dropped [default: --vus]
    #[arg(long, value_name = "VUS", value_parser = |value: &str| run::parse_vus("--max-vus", value))]
    max_vus: Option<u32>,
    /// What is due within so long from the beginning is warm-up: recorded, and by default not judged
    #[arg(long, value_name = "DURATION", value_parser = |value: &str| run::parse_duration("--warmup", value))]
    warmup: Option<Duration>,
    /// Begin each iteration of a rate when it is due, with a wake-up each, and not on a grid of 0.4 ms
    #[arg(long)]
    exact_arrivals: bool,
    /// Draw what is planned, and send nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Run the plan of an earlier run again: same seed, same load
    #[arg(long, value_name = "REPORT.JSON", conflicts_with = "seed")]
    pub(super) replay: Option<PathBuf>,
}

/// How requests are made.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Requests")]
pub(super) struct HttpArgs {
    /// The most requests a second, of all virtual users together; who may not yet waits
    #[arg(long)]
    rps: Option<u64>,
    /// A new connection for every request
    #[arg(long)]
    no_connection_reuse: bool,
    /// Take any certificate
    #[arg(long)]
    insecure_skip_tls_verify: bool,
    /// Trust the certificates of this file (PEM) in place of the system's
    #[arg(long, value_name = "FILE", conflicts_with = "insecure_skip_tls_verify")]
    ca_certificate: Option<PathBuf>,
    /// The header user-agent
    #[arg(long, value_parser = |value: &str| run::parse_user_agent("--user-agent", value))]
    user_agent: Option<String>,
    /// How many redirects are followed, each a request of its own [default: 0; k6 follows 10]
    #[arg(long, value_name = "N", value_parser = |value: &str| run::parse_max_redirects("--max-redirects", value))]
    max_redirects: Option<u32>,
    /// How long a request may take in all [default: 60s]
    #[arg(long, value_name = "DURATION", value_parser = |value: &str| run::parse_request_timeout("--request-timeout", value))]
    request_timeout: Option<Duration>,
    /// HTTP/2: by ALPN over TLS, by prior knowledge without
    #[arg(long)]
    http2: bool,
    /// Load that host although it is neither on this machine nor in a private network (repeatable)
    #[arg(long, value_name = "HOST")]
    allow_target: Vec<String>,
}

fn millis(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

/// A file as the scenario's process finds it, which does not run where we do.
fn absolute(path: &PathBuf) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string()
}

impl LoadArgs {
    pub(super) fn overrides(&self) -> Vec<Override> {
        let mut given: Vec<Override> = Vec::new();
        let mut set = |name, value: Option<String>| given.extend(value.map(|value| (name, Some(value))));
        set(run::VUS, self.vus.map(|vus| vus.to_string()));
        set(run::MAX_VUS_OF_RATE, self.max_vus.map(|vus| vus.to_string()));
        set(run::WARM_UP, self.warmup.map(millis));
        set(run::EXACT_ARRIVALS, self.exact_arrivals.then(|| "1".to_owned()));
        set(run::DRY_RUN, self.dry_run.then(|| "1".to_owned()));
        set(run::REPLAY, self.replay.as_ref().map(absolute));
        if self.duration.is_some() || self.iterations.is_some() || !self.stage.is_empty() || self.rate.is_some() {
            // Together they are the whole load, so that none of them may come from the environment.
            given.push((run::DURATION, self.duration.map(millis)));
            given.push((run::ITERATIONS, self.iterations.map(|iterations| iterations.to_string())));
            given.push((run::STAGES, (!self.stage.is_empty()).then(|| run::shown_stages(&self.stage))));
            given.push((run::RATE, self.rate.map(|rate| rate.to_string())));
        }
        given
    }
}

impl HttpArgs {
    pub(super) fn overrides(&self) -> Vec<Override> {
        let mut given: Vec<Override> = Vec::new();
        let mut set = |name, value: Option<String>| given.extend(value.map(|value| (name, Some(value))));
        let on = |switch: bool| switch.then(|| "1".to_owned());
        set(run::RPS, self.rps.map(|rps| rps.to_string()));
        set(run::NO_CONNECTION_REUSE, on(self.no_connection_reuse));
        set(run::INSECURE_SKIP_TLS_VERIFY, on(self.insecure_skip_tls_verify));
        set(run::CA_CERTIFICATE, self.ca_certificate.as_ref().map(absolute));
        set(run::USER_AGENT, self.user_agent.clone());
        set(run::MAX_REDIRECTS, self.max_redirects.map(|most| most.to_string()));
        set(run::REQUEST_TIMEOUT, self.request_timeout.map(millis));
        set(run::HTTP2, on(self.http2));
        set(run::ALLOW_TARGET, (!self.allow_target.is_empty()).then(|| self.allow_target.join(",")));
        given
    }
}
