//! The command line of `cargo xtask perf`.

use std::io::{IsTerminal as _, stderr};
use std::path::Path;

use monitoring::prometheus::recording_rules::Timing;
use perf_settings::{Settings, SettingsError};
use url::Url;

mod gate;
mod settings;

use gate::{BaselineArgs, GateArgs};
use settings::SettingArgs;

use crate::scenarios::{PEAK_PROFILE, PROFILE};
use crate::stack::{GRAFANA_PORT, PROMETHEUS_PORT, StackChoice, StackOptions};
use crate::{reports, workspace};

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

Environment (a flag comes before its variable):
";

const OTHER_VARIABLES: &str = "  PERF_PROMETHEUS_IMAGE, PERF_GRAFANA_IMAGE
          Other images for the stack: a mirror's, say
  PERF_DOCKER_NETWORK
          host or bridge: which network containers get, where trying is not to decide
  CI
          If set: no Grafana, and the stack goes when the run is over
  NO_COLOR
          No color";

/// Run load scenarios and judge them.
///
/// Starts Prometheus and Grafana, and a stand-in for the backend unless there is a --target. Runs the scenarios, pushes
/// their metrics, and says for each objective whether it was met.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXIT_CODES}{}{OTHER_VARIABLES}", settings::variables()))]
pub(crate) struct PerfArgs {
    /// Scenarios to run, one after another [default: basic]
    #[arg(value_name = "SCENARIO")]
    pub(super) scenarios: Vec<String>,
    #[command(flatten)]
    run: SettingArgs,
    /// Where Prometheus and Grafana come from
    #[arg(long, value_enum, default_value_t = StackChoice::Auto)]
    stack: StackChoice,
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
    /// Build scenarios with the profile `peak`: minutes of building, for the least processor time per request
    #[arg(long)]
    peak: bool,
    /// Prove after the run that dashboard, rules and delivery work, or fail (the default is to prove if there is a store)
    #[arg(long)]
    proof: bool,
    /// Show that alerts fire: faults on schedule against the stand-in, with the rules at a faster pace (2 minutes)
    #[arg(long, conflicts_with_all = ["scenarios", "target", "prometheus-url", "list", "no_proof", "testid", "tag"])]
    pub(super) drill: bool,
    /// Prove nothing after the run
    #[arg(long, conflicts_with = "proof")]
    no_proof: bool,
    /// List the scenarios and run none
    #[arg(long)]
    pub(super) list: bool,
    // Last, as they have a heading of their own in the help, which what follows would come under.
    #[command(flatten)]
    pub(super) gate: GateArgs,
    #[command(flatten)]
    pub(super) baseline: BaselineArgs,
}

impl PerfArgs {
    /// The scenarios to run: those that are named, or the one of a report that is to be replayed.
    pub(super) fn scenarios(&self) -> anyhow::Result<Vec<String>> {
        let Some(path) = self.run.text("replay").filter(|_| self.scenarios.is_empty()) else {
            return Ok(self.scenarios.clone());
        };
        Ok(vec![reports::read(Path::new(path))?.scenario])
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
        let mut settings = self.settings_over(&|name| workspace::var(name))?;
        settings.out.get_or_insert_with(workspace::perf);
        // A scenario's process may run in another folder.
        let files = [&mut settings.out, &mut settings.replay, &mut settings.http.ca_certificate];
        for path in files.into_iter().flatten() {
            *path = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
        }
        settings.revision = workspace::revision();
        settings.command = command_line();
        Ok(settings)
    }

    fn settings_over(&self, environment: &dyn Fn(&str) -> Option<String>) -> Result<Settings, SettingsError> {
        let prometheus = self.run.text("prometheus-url").and_then(|url| perf_settings::parse_url(url).ok());
        Settings::from_flags(&self.run.0, &|name| match environment(name) {
            // Metrics may still go elsewhere: then the flag says only where questions go.
            None if name == perf_settings::REMOTE_WRITE => prometheus.as_ref().map(|url| write_url(url).into()),
            value => value,
        })
    }

    /// Where the service is, if somebody said so.
    pub(super) fn named_target<'a>(&self, settings: &'a Settings) -> Option<&'a Url> {
        (self.run.has("target") || workspace::var(perf_settings::TARGET).is_some()).then_some(&settings.target)
    }

    /// Refuses what contradicts itself.
    pub(super) fn check(&self, settings: &Settings) -> Result<(), String> {
        self.gate.check(self.run.has("target"))?;
        self.baseline.check(&self.gate, self.scenarios.len())?;
        let external = settings.remote_write.as_ref().map(|_| match self.run.has("prometheus-url") {
            true => "--prometheus-url",
            false => perf_settings::REMOTE_WRITE,
        });
        let of_our_stack = [
            ("--stack", self.stack != StackChoice::Auto),
            ("--prometheus-port", self.prometheus_port.is_some()),
            ("--grafana-port", self.grafana_port.is_some()),
            ("--ephemeral", self.ephemeral),
        ];
        if let (Some(external), Some((flag, _))) = (external, of_our_stack.iter().find(|(_, given)| *given)) {
            return Err(format!("{flag} is about a stack that we start, and {external} names one that runs already"));
        }
        let no_grafana = match self.stack {
            StackChoice::None => Some("none"),
            StackChoice::Native => Some("native"),
            StackChoice::Auto | StackChoice::Docker => None,
        };
        if let (Some(stack), true) = (no_grafana, self.grafana_port.is_some()) {
            return Err(format!("--grafana-port is about Grafana, and --stack {stack} has none"));
        }
        if self.stack == StackChoice::None && (self.prometheus_port.is_some() || self.ephemeral) {
            return Err("--prometheus-port and --ephemeral are about a stack, and --stack none starts none".to_owned());
        }
        if self.proof && self.stack == StackChoice::None {
            return Err("--proof asks a store, and --stack none starts none".to_owned());
        }
        let ports = (self.prometheus_port.unwrap_or(PROMETHEUS_PORT), self.grafana_port.unwrap_or(GRAFANA_PORT));
        if self.has_grafana() && ports.0 == ports.1 {
            return Err(format!("Prometheus and Grafana cannot both have port {}", ports.0));
        }
        Ok(())
    }

    pub(super) fn stack_options(&self) -> StackOptions {
        StackOptions {
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
}

/// Where a Prometheus takes remote write.
pub(super) fn write_url(prometheus: &Url) -> Url {
    let mut url = prometheus.clone();
    url.set_path(&format!("{}/api/v1/write", url.path().trim_end_matches('/')));
    url
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
    let shown = Url::parse(value).ok().filter(|_| value.contains("://")).map(|url| prometheus_store::shown_url(&url));
    format!("{flag}{}", shown.unwrap_or_else(|| value.to_owned()))
}

fn is_ci() -> bool {
    workspace::var("CI").is_some()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: PerfArgs,
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
            ("--rps 0", "--rps"),
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
        let variables =
            [(perf_settings::ITERATIONS, "50"), (perf_settings::STAGES, "1m:5"), (perf_settings::DURATION, "9s")];
        let load = |line: [&str; 3], hidden: &str| {
            let lookup = |name: &str| {
                let shown = variables.iter().find(|(key, _)| *key == name && name != hidden);
                shown.map(|(_, text)| (*text).to_owned())
            };
            Line::try_parse_from(line).unwrap().args.settings_over(&lookup).unwrap().load
        };
        let replaced = load(["perf", "-d", "5s"], "");
        assert_eq!(replaced.duration, Some(Duration::from_secs(5)));
        assert_eq!((replaced.iterations, replaced.stages), (None, vec![]));
        let kept = load(["perf", "-u", "5"], perf_settings::STAGES);
        assert_eq!((kept.iterations, kept.duration), (Some(50), Some(Duration::from_secs(9))));
    }

    #[test]
    fn an_error_names_the_flag_that_was_typed() {
        for (line, names) in [("--vus 0", "--vus: "), ("--target nowhere", "--target: "), ("--tag x", "--tag: ")] {
            assert!(refused(line).starts_with(names), "{line}");
        }
        let line = Line::try_parse_from(["perf", "--prometheus-url", "nowhere"]).unwrap();
        assert!(line.args.settings_over(&|_| None).unwrap_err().to_string().starts_with("--prometheus-url: "));
    }

    #[test]
    fn a_prometheus_gets_metrics_that_go_nowhere_else() {
        let line = Line::try_parse_from(["perf", "--prometheus-url", "http://p:1/prefix/"]).unwrap();
        let write = |given: Option<&str>| {
            let lookup = |name: &str| given.filter(|_| name == perf_settings::REMOTE_WRITE).map(str::to_owned);
            line.args.settings_over(&lookup).unwrap().remote_write.unwrap().to_string()
        };
        assert_eq!(write(None), "http://p:1/prefix/api/v1/write");
        assert_eq!(write(Some("http://q:2/push")), "http://q:2/push");
    }
}
