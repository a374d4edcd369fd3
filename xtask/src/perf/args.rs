//! The command line of `cargo xtask perf`, and how it becomes a scenario's environment.

use std::fs;
use std::io::{IsTerminal as _, stderr};
use std::path::PathBuf;

use anyhow::Context as _;
use monitoring::judgement::Report;
use monitoring::label;
use monitoring::rule::Timing;
use monitoring::run::{self, Settings, SettingsError};
use url::Url;

mod gate;
mod load;

use gate::{BaselineArgs, GateArgs};
use load::{HttpArgs, LoadArgs, Override};

use super::child::Child;
use crate::scenarios::{PEAK_PROFILE, PROFILE};
use crate::stack::{Choice, GRAFANA_PORT, Options, PROMETHEUS_PORT};
use crate::values::UrlValue;
use crate::workspace;

const EXIT_CODES: &str = "\
Exit codes:
  0    every objective was met
  90   inconclusive: no data, too few requests, load not delivered, metrics not accepted by the store
  91   worse than what it was compared with (--against, --baseline)
  92   a panel, rule or query has no data, or requests got lost on the way: the proof failed
  99   an objective was missed
  104  bad configuration
  105  interrupted
  70   internal error
If several hold: 104, 105, 70, 99, 91, 92, 90.

Environment:
  K6_VUS, K6_DURATION, K6_ITERATIONS, K6_STAGES (1m:10,1m:0), K6_RPS, K6_NO_CONNECTION_REUSE, K6_USER_AGENT,
  K6_INSECURE_SKIP_TLS_VERIFY, K6_MAX_REDIRECTS, PERF_RATE, PERF_MAX_VUS, PERF_WARMUP, PERF_REQUEST_TIMEOUT,
  PERF_CA_CERTIFICATE, PERF_HTTP2, PERF_ALLOW_TARGET, PERF_EXACT_ARRIVALS, PERF_DRY_RUN, PERF_REPLAY
                                        as the flags of these names, which come first
  K6_PROMETHEUS_RW_SERVER_URL           push metrics there; no stack is started, and queries go to the same origin
                                        unless --prometheus-url names another
  K6_PROMETHEUS_RW_USERNAME, _PASSWORD, _BEARER_TOKEN, _HTTP_HEADERS (name:value,name:value), _HEADERS_<name>,
  _CLIENT_CERTIFICATE, _CLIENT_CERTIFICATE_KEY, _INSECURE_SKIP_TLS_VERIFY, _TLS_MIN_VERSION, PERF_STORE_CA_CERTIFICATE
                                        who pushes there and asks, sent to that host only, and whom it is to believe
  K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM
                                        as --native-histograms
  K6_PROMETHEUS_RW_PUSH_INTERVAL        how often metrics are pushed (default 5s)
  PERF_TARGET, PERF_TESTID, PERF_SEED, PERF_TAGS (one a line), PERF_OUT, PERF_QUIET, PERF_PROMETHEUS_URL
                                        as the flags of these names, which come first
  PERF_PROMETHEUS_IMAGE, PERF_GRAFANA_IMAGE
                                        other images for the stack: a mirror's, say
  PERF_DOCKER_NETWORK                   host or bridge: which network containers get, where trying is not to decide
  CI                                    if set: no Grafana, and the stack goes when the run is over
  NO_COLOR                              no colour";

/// Run load scenarios and judge them.
///
/// Starts Prometheus and Grafana, and a stand-in for the backend unless there is a --target. Runs the scenarios, pushes
/// their metrics, and says for each objective whether it was met.
#[derive(Debug, clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Args {
    /// Scenarios to run, one after another [default: basic]
    #[arg(value_name = "SCENARIO")]
    pub(super) scenarios: Vec<String>,
    /// Where the service is [default: a stand-in that is started for the run]
    #[arg(long, value_name = "URL", value_parser = UrlValue("--target"))]
    pub(super) target: Option<Url>,
    /// A label for every series of the run (repeatable)
    #[arg(long, value_name = "NAME=VALUE")]
    tag: Vec<String>,
    /// The run's name [default: date, time and scenario]
    #[arg(long, value_parser = run::parse_testid)]
    pub(super) testid: Option<String>,
    /// What the plan, all payloads and the stand-in's latencies are made from [default: 1]
    #[arg(long)]
    seed: Option<u64>,
    /// Where Prometheus and Grafana come from
    #[arg(long, value_enum, default_value_t = Choice::Auto)]
    stack: Choice,
    /// Use the Prometheus that runs there, with its remote write receiver on
    #[arg(long, value_name = "URL", value_parser = UrlValue("--prometheus-url"))]
    prometheus_url: Option<Url>,
    /// Push latencies as native histograms, too, besides those by bucket that objectives are judged by
    #[arg(long)]
    native_histograms: bool,
    /// Start no Grafana (the default when CI is set)
    #[arg(long, conflicts_with = "grafana_port")]
    no_grafana: bool,
    /// Stop the stack when the run is over, and keep no data (the default when CI is set, or without a terminal)
    #[arg(long)]
    ephemeral: bool,
    /// Prometheus' port on 127.0.0.1 [default: 9090, in a drill 9190]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) prometheus_port: Option<u16>,
    /// Grafana's port on 127.0.0.1 [default: 3001]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    grafana_port: Option<u16>,
    /// Where reports go, each run's in a folder of its own [default: target/perf]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Build scenarios with the profile `peak`: minutes of building, for the least processor time per request
    #[arg(long)]
    peak: bool,
    /// Show no progress
    #[arg(short = 'q', long)]
    quiet: bool,
    /// Prove after the run that dashboard, rules and delivery work, or fail (the default is to prove if there is a store)
    #[arg(long)]
    proof: bool,
    /// Show that alerts fire: faults on schedule against the stand-in, with the rules at a faster pace (2 minutes)
    #[arg(long, conflicts_with_all = ["scenarios", "target", "prometheus_url", "list", "no_proof", "testid", "tag"])]
    pub(super) drill: bool,
    /// Prove nothing after the run
    #[arg(long, conflicts_with = "proof")]
    no_proof: bool,
    /// List the scenarios and run none
    #[arg(long)]
    pub(super) list: bool,
    // Last, as each has a heading of its own in the help, which what follows would come under.
    #[command(flatten)]
    load: LoadArgs,
    #[command(flatten)]
    http: HttpArgs,
    #[command(flatten)]
    pub(super) gate: GateArgs,
    #[command(flatten)]
    pub(super) baseline: BaselineArgs,
}

impl Args {
    /// The scenarios to run: those that are named, or the one of a report that is to be replayed.
    pub(super) fn scenarios(&self) -> anyhow::Result<Vec<String>> {
        let Some(path) = self.load.replay.as_ref().filter(|_| self.scenarios.is_empty()) else {
            return Ok(self.scenarios.clone());
        };
        let text = fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
        let report: Report = serde_json::from_str(&text).with_context(|| format!("{} is no report", path.display()))?;
        Ok(vec![report.scenario])
    }

    /// What scenarios are built with.
    pub(super) const fn profile(&self) -> &'static str {
        if self.peak { PEAK_PROFILE } else { PROFILE }
    }

    /// Whether a run is followed by its proof, if there is a store.
    pub(super) const fn proves(&self) -> bool {
        !self.no_proof
    }

    /// Whether it is an error if there is no store to put questions to.
    pub(super) const fn must_prove(&self) -> bool {
        self.proof
    }

    /// What a run will be told: the command line over the environment.
    pub(super) fn settings(&self) -> Result<Settings, SettingsError> {
        let given = self.overrides();
        Settings::from_lookup(&|name| match given.iter().find(|(key, _)| *key == name) {
            Some((_, value)) => value.clone(),
            None => workspace::var(name),
        })
    }

    /// Refuses what contradicts itself.
    pub(super) fn check(&self, settings: &Settings) -> Result<(), String> {
        label::parse_tags(self.tag.iter().map(String::as_str)).map_err(|error| error.to_string())?;
        self.gate.check(self.target.is_some())?;
        self.baseline.check(&self.gate, self.scenarios.len())?;
        let external = match (&settings.remote_write, &self.prometheus_url) {
            (None, _) => None,
            (Some(_), Some(_)) => Some("--prometheus-url"),
            (Some(_), None) => Some(run::REMOTE_WRITE),
        };
        let of_our_stack = [
            ("--stack", self.stack != Choice::Auto),
            ("--prometheus-port", self.prometheus_port.is_some()),
            ("--grafana-port", self.grafana_port.is_some()),
            ("--ephemeral", self.ephemeral),
        ];
        if let (Some(external), Some((flag, _))) = (external, of_our_stack.iter().find(|(_, given)| *given)) {
            return Err(format!("{flag} is about a stack that we start, and {external} names one that runs already"));
        }
        let no_grafana = match self.stack {
            Choice::None => Some("none"),
            Choice::Native => Some("native"),
            Choice::Auto | Choice::Docker => None,
        };
        if let (Some(stack), true) = (no_grafana, self.grafana_port.is_some()) {
            return Err(format!("--grafana-port is about Grafana, and --stack {stack} has none"));
        }
        if self.stack == Choice::None && (self.prometheus_port.is_some() || self.ephemeral) {
            return Err("--prometheus-port and --ephemeral are about a stack, and --stack none starts none".to_owned());
        }
        if self.proof && self.stack == Choice::None {
            return Err("--proof asks a store, and --stack none starts none".to_owned());
        }
        let ports = (self.prometheus_port.unwrap_or(PROMETHEUS_PORT), self.grafana_port.unwrap_or(GRAFANA_PORT));
        if self.has_grafana() && ports.0 == ports.1 {
            return Err(format!("Prometheus and Grafana cannot both have port {}", ports.0));
        }
        Ok(())
    }

    pub(super) fn stack_options(&self) -> Options {
        Options {
            choice: self.stack,
            prometheus_port: self.prometheus_port.unwrap_or(PROMETHEUS_PORT),
            grafana_port: self.grafana_port.unwrap_or(GRAFANA_PORT),
            grafana: self.has_grafana(),
            keep_data: !self.is_ephemeral(),
            timing: Timing::USUAL,
            archive: None,
        }
    }

    fn has_grafana(&self) -> bool {
        !self.no_grafana && (!is_ci() || self.grafana_port.is_some())
    }

    pub(super) fn is_ephemeral(&self) -> bool {
        self.ephemeral || is_ci() || !stderr().is_terminal()
    }

    /// Hands the settings to a scenario's process.
    pub(super) fn to_environment(&self, child: &mut Child, settings: &Settings) {
        for (name, value) in self.overrides() {
            match value {
                Some(value) => child.set(name, &value),
                None => child.unset(name),
            }
        }
        let out = settings.out.clone().unwrap_or_else(workspace::perf);
        // The test runs where its package is.
        let out = std::path::absolute(&out).unwrap_or(out);
        child.set(run::OUT, &out.display().to_string());
        child.set(run::REVISION, &workspace::revision());
        child.set(run::COMMAND, &command_line());
    }

    /// Variables that the command line sets, or takes away.
    fn overrides(&self) -> Vec<Override> {
        let mut given: Vec<Override> = Vec::new();
        let mut set = |name, value: Option<String>| given.extend(value.map(|value| (name, Some(value))));
        set(run::TARGET, self.target.as_ref().map(Url::to_string));
        set(run::TAGS, (!self.tag.is_empty()).then(|| self.tag.join("\n")));
        set(run::TESTID, self.testid.clone());
        set(run::SEED, self.seed.map(|seed| seed.to_string()));
        set(run::OUT, self.out.as_ref().map(|out| out.display().to_string()));
        set(run::QUIET, self.quiet.then(|| "1".to_owned()));
        set(run::NATIVE_HISTOGRAMS, self.native_histograms.then(|| "true".to_owned()));
        if let Some(url) = &self.prometheus_url {
            set(run::PROMETHEUS, Some(url.to_string()));
            // Metrics may still go elsewhere: then this is only where questions go.
            if workspace::var(run::REMOTE_WRITE).is_none() {
                set(run::REMOTE_WRITE, Some(write_url(url)));
            }
        }
        given.extend(self.load.overrides());
        given.extend(self.http.overrides());
        given
    }
}

/// Where a Prometheus takes remote write.
pub(super) fn write_url(prometheus: &Url) -> String {
    format!("{}/api/v1/write", prometheus.as_str().trim_end_matches('/'))
}

/// What was typed, but for what may be secret: users and passwords in URLs, and commands, which may set variables.
fn command_line() -> String {
    let mut words = vec!["cargo xtask".to_owned()];
    let mut is_command = false;
    for word in std::env::args().skip(1) {
        words.push(if is_command { "…".to_owned() } else { without_secrets(&word) });
        is_command = ["--start", "--build", "--reset"].contains(&word.as_str());
    }
    words.join(" ")
}

fn without_secrets(word: &str) -> String {
    let (flag, value) = match word.split_once('=') {
        Some((flag, value)) if flag.starts_with("--") => (format!("{flag}="), value),
        _ => (String::new(), word),
    };
    if ["--start=", "--build=", "--reset="].contains(&flag.as_str()) {
        return format!("{flag}…");
    }
    let shown = Url::parse(value).ok().filter(|_| value.contains("://")).map(|url| run::shown(&url));
    format!("{flag}{}", shown.unwrap_or_else(|| value.to_owned()))
}

fn is_ci() -> bool {
    workspace::var("CI").is_some()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn refused(line: &str) -> String {
        let parsed = match Line::try_parse_from(format!("perf {line}").split_whitespace()) {
            Ok(line) => line.args,
            Err(error) => return error.to_string(),
        };
        let checked = parsed.settings().map_err(|error| error.to_string());
        checked.and_then(|settings| parsed.check(&settings)).expect_err(line)
    }

    #[test]
    fn nonsense_is_refused_and_named() {
        for (line, names) in [
            ("--vus 0", "--vus"),
            ("-d soon", "--duration"),
            ("-i -3", "-3"),
            ("--target localhost:1", "--target"),
            ("--tag le=1", "reserved"),
            ("--tag x", "name=value"),
            ("--testid ../x", "testid"),
            ("--vus 5 --iterations 4", "4 iterations"),
            ("--stage 1m", "--stage"),
            ("--stage 1m:5 --duration 5s", "stages"),
            ("--stage 1m:5 --iterations 5", "stages"),
            ("--rate fast", "--rate"),
            ("--rate 0/s", "--rate"),
            ("--rate 5/s --stage 1m:5", "rate"),
            ("--max-vus 5", "--rate"),
            ("--rate 5/s --vus 9 --max-vus 5", "--max-vus"),
            ("--warmup soon", "--warmup"),
            ("--rps 0", "K6_RPS"),
            ("--max-redirects -1", "-1"),
            ("--max-redirects 101", "--max-redirects"),
            ("--request-timeout 0s", "--request-timeout"),
            ("--user-agent \u{7f}", "--user-agent"),
            ("--replay x.json --seed 5", "--replay"),
            ("--replay x.json --rate 5/s", "replay"),
            ("--ca-certificate x --insecure-skip-tls-verify", "--ca-certificate"),
            ("--prometheus-url http://p:1 --stack docker", "--stack"),
            ("--prometheus-url http://p:1 --ephemeral", "--ephemeral"),
            ("--stack none --grafana-port 5", "--grafana-port"),
            ("--stack none --ephemeral", "--ephemeral"),
            ("--no-grafana --grafana-port 5", "--grafana-port"),
            ("--prometheus-port 3001 --grafana-port 3001", "3001"),
            ("--prometheus-port 0", "--prometheus-port"),
            ("--stack podman", "podman"),
            ("--stack none --proof", "--proof"),
            ("--proof --no-proof", "--no-proof"),
            ("basic endurance --baseline main", "one scenario"),
            ("--baseline main --against main", "--against"),
            ("--save-baseline ../x", "baseline"),
            ("--gate relative", "--gate"),
            ("--margin 3", "--margin"),
        ] {
            let message = refused(line);
            assert!(message.contains(names), "{line}: {message}");
        }
    }

    #[test]
    fn a_command_line_is_kept_without_secrets() {
        assert_eq!(without_secrets("--target=http://user:pass@host:1/"), "--target=http://host:1");
        assert_eq!(without_secrets("http://user:pass@host:1/a"), "http://host:1/a");
        assert_eq!(without_secrets("--start=KEY=x ./server"), "--start=…");
        assert_eq!(without_secrets("team=trading"), "team=trading");
    }

    #[test]
    fn a_load_on_the_command_line_replaces_one_in_the_environment_whole() {
        let line = Line::try_parse_from(["perf", "-d", "5s"]).unwrap();
        assert!(line.args.overrides().contains(&(run::ITERATIONS, None)));
        assert!(line.args.overrides().contains(&(run::STAGES, None)));
        let line = Line::try_parse_from(["perf", "-u", "5"]).unwrap();
        assert!(!line.args.overrides().iter().any(|(name, _)| [run::ITERATIONS, run::DURATION].contains(name)));
    }
}
