//! The command line of `cargo xtask perf`.

use std::io::{IsTerminal as _, stderr};
use std::path::Path;

use monitoring::backend_mapping::BackendMapping;
use perf_settings::{LOAD_HEADING, OUTPUT_HEADING, Settings, SettingsError, TARGET_HEADING};
use url::Url;

mod contradictions;
mod gate_flag;
mod help;
mod interleaved;
mod judging;
#[cfg(test)]
mod tests;

use interleaved::InterleavedArgs;
pub(crate) use interleaved::{MOST_ROUNDS, ROUNDS, ROUNDS_OF_CALIBRATION};
pub(crate) use judging::RunJudgingArgs;

use super::perf_error::PerfError;
use crate::backend::mapping_fit;
use crate::flags::setting_args::SettingArgs;
use crate::host::git;
use crate::host::workspace;
use crate::kubernetes::KubernetesArgs;
use crate::runs::reports;
use crate::scenarios::{PEAK_PROFILE, PROFILE};
use crate::stack::{PortArgs, StackArgs, StackOptions};

/// The drill's Prometheus port. It differs from the default, so that a running stack does not
/// conflict.
pub(crate) const DRILL_PORT: u16 = 9190;
/// The variable that CI services set.
const CI: &str = "CI";
/// Flags whose commands may hold secrets.
const COMMANDS: [&str; 3] = ["--start", "--build", "--reset"];

const NO_GRAFANA: &str = "Do not start Grafana\n\nThis is the default if the variable CI is set.";
/// Flags of commands that record no single run.
const NOT_RECORDED: [&str; 4] = ["drill", "list", "dry-run", "smoke"];
const JUDGING: &str = "Judging and comparing";

/// Flags of `cargo xtask perf`.
#[derive(Debug, clap::Args)]
#[command(
    mut_arg("baseline", |arg| arg.conflicts_with_all(NOT_RECORDED)),
    mut_arg("save_baseline", |arg| arg.conflicts_with_all(NOT_RECORDED)),
    mut_arg("no_grafana", |arg| arg.long_help(NO_GRAFANA)),
    mut_arg("prometheus_port", |arg| { let help = arg.get_help().cloned().unwrap_or_default(); arg.long_help(format!("{help}\n\nThe default for --drill is {DRILL_PORT}.")) }),
    after_help = help::describe_exit_codes(),
    after_long_help = format!(
        "{}\n\nEnvironment variables (a flag overrides its variable):\n{}",
        help::describe_exit_codes(),
        help::describe_variables()
    ),
)]
pub(crate) struct PerfArgs {
    /// Scenarios to run, one after another [default: the first by name]
    #[arg(value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<String>,
    #[command(flatten)]
    run: SettingArgs,
    #[command(flatten, next_help_heading = TARGET_HEADING)]
    stack: StackArgs,
    /// Stop the stack and delete its data after the run
    ///
    /// This is the default if the variable CI is set, or if standard error is not a terminal.
    #[arg(long, help_heading = TARGET_HEADING)]
    ephemeral: bool,
    #[command(flatten, next_help_heading = TARGET_HEADING)]
    pub(crate) ports: PortArgs,
    /// Mapping of the target's metrics, such as GO or EXPRESS
    ///
    /// Replaces the mapping in the service's definition and is written like it, for example
    /// 'EXPRESS.status("code")'. `cargo xtask stack doctor --target URL` prints the one that fits.
    /// Dashboards always use the definition.
    #[arg(
        long = "backend-metrics",
        value_name = "MAPPING",
        value_parser = |text: &str| mapping_fit::parse(text).map_err(|error| format!("{error:#}")),
        help_heading = TARGET_HEADING
    )]
    pub(crate) mapping: Option<BackendMapping>,
    /// Build the scenarios fully optimized (takes minutes)
    ///
    /// Uses the cargo profile `peak`, with which a request costs the least processor time.
    #[arg(long, help_heading = LOAD_HEADING)]
    peak: bool,
    /// Require the checks of dashboards, rules and delivery
    ///
    /// By default, each run that has a store is checked. With this flag, a missing store is an
    /// error.
    #[arg(long, help_heading = JUDGING)]
    proof: bool,
    /// Skip the checks of dashboards, rules and delivery
    #[arg(long, conflicts_with = "proof", help_heading = JUDGING)]
    no_proof: bool,
    /// Check that alerts fire (takes 2 minutes)
    ///
    /// Injects faults into the stub backend on a schedule.
    /// Prometheus evaluates the rules at a faster pace.
    #[arg(
        long,
        conflicts_with_all = ["scenarios", "target", "prometheus-url", "list", "smoke", "no_proof", "testid", "tag"],
        help_heading = JUDGING
    )]
    pub(crate) drill: bool,
    /// Print the PromQL queries of failed checks
    #[arg(long, short, help_heading = OUTPUT_HEADING)]
    pub(crate) verbose: bool,
    /// List the scenarios and their services without running them
    #[arg(long, help_heading = OUTPUT_HEADING)]
    pub(crate) list: bool,
    #[command(flatten)]
    pub(crate) kubernetes: KubernetesArgs,
    // Last: the heading of these two also applies to every later argument that names no heading.
    #[command(flatten)]
    pub(crate) interleaved: InterleavedArgs,
    #[command(flatten, next_help_heading = JUDGING)]
    pub(crate) judging: RunJudgingArgs,
}

/// Whether a run is followed by its proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProofMode {
    Skipped,
    /// If the run has a store for queries.
    IfStored,
    /// A missing store is an error.
    Required,
}

impl PerfArgs {
    /// The named scenarios; without a name, the scenario of the report to replay.
    ///
    /// Fails if that report cannot be read.
    pub(crate) fn scenarios(&self) -> Result<Vec<String>, PerfError> {
        let Some(path) = self.run.text("replay").filter(|_| self.scenarios.is_empty()) else {
            return Ok(self.scenarios.clone());
        };
        Ok(vec![reports::read(Path::new(path)).map_err(PerfError::Replay)?.run.scenario])
    }

    pub(crate) const fn profile(&self) -> &'static str {
        if self.peak { PEAK_PROFILE } else { PROFILE }
    }

    /// The proof that is made after a run.
    pub(crate) const fn proof(&self) -> ProofMode {
        match (self.proof, self.no_proof) {
            (true, _) => ProofMode::Required,
            (false, true) => ProofMode::Skipped,
            (false, false) => ProofMode::IfStored,
        }
    }

    /// The settings of the run: a flag overrides its variable.
    pub(crate) fn settings(&self) -> Result<Settings, SettingsError> {
        let mut settings = self.settings_over(&|name| workspace::var(name))?;
        settings.folder = workspace::root().join(&settings.folder);
        settings.out.get_or_insert_with(|| settings.folder.clone());
        settings.revision = git::describe(&workspace::root());
        settings.command = command_line();
        Ok(settings)
    }

    fn settings_over(&self, environment: &dyn Fn(&str) -> Option<String>) -> Result<Settings, SettingsError> {
        let prometheus = self.run.text("prometheus-url").and_then(|url| perf_settings::parse_url(url).ok());
        Settings::from_flags(self.run.given(), &|name| match environment(name) {
            // If the variable names another store for pushes, --prometheus-url is for queries only.
            None if name == perf_settings::REMOTE_WRITE => prometheus.as_ref().map(|url| write_url(url).into()),
            value => value,
        })
    }

    /// The main target, if the user named one by flag or variable.
    pub(crate) fn named_target<'a>(&self, settings: &'a Settings) -> Option<&'a Url> {
        let named = self.run.text("target").map(str::to_owned).or_else(|| workspace::var(perf_settings::TARGET));
        named.is_some_and(|text| perf_settings::names_main_target(&text)).then_some(&settings.target)
    }

    pub(crate) fn stack_options(&self) -> StackOptions {
        StackOptions { grafana: self.has_grafana(), keep_data: !self.is_ephemeral(), ..self.ports.options(&self.stack) }
    }

    fn has_grafana(&self) -> bool {
        !self.stack.no_grafana && (!is_ci() || self.ports.grafana_port.is_some())
    }

    pub(crate) fn is_ephemeral(&self) -> bool {
        self.ephemeral || is_ci() || !stderr().is_terminal()
    }
}

pub(crate) fn write_url(prometheus: &Url) -> Url {
    let mut url = prometheus.clone();
    url.set_path(&format!("{}/api/v1/write", url.path().trim_end_matches('/')));
    url
}

/// The command line without secrets.
///
/// Users and passwords are removed from URLs. Shell commands
/// are removed, since they may set variables.
fn command_line() -> String {
    let mut words = vec!["cargo xtask".to_owned()];
    let mut is_command = false;
    for word in std::env::args().skip(1) {
        words.push(if is_command { "…".to_owned() } else { without_secrets(&word) });
        is_command = COMMANDS.contains(&word.as_str());
    }
    words.join(" ")
}

fn without_secrets(word: &str) -> String {
    let (flag, value) = match word.split_once('=') {
        Some((flag, value)) if flag.starts_with("--") => (format!("{flag}="), value),
        _ => (String::new(), word),
    };
    if COMMANDS.contains(&flag.trim_end_matches('=')) {
        return format!("{flag}…");
    }
    // Several targets may be in one word.
    let shown: Vec<_> = value.split_whitespace().map(target_without_secrets).collect();
    format!("{flag}{}", shown.join(" "))
}

/// A URL without user and password, or any other text. A URL may follow the name of its host.
fn target_without_secrets(text: &str) -> String {
    if !text.contains("://") {
        return text.to_owned();
    }
    let (name, url) = text.split_once('=').filter(|(name, _)| !name.contains(':')).unwrap_or(("", text));
    let shown = Url::parse(url).map_or_else(|_| "…".to_owned(), |url| prometheus_store::shown_url(&url));
    if name.is_empty() { shown } else { format!("{name}={shown}") }
}

fn is_ci() -> bool {
    workspace::var(CI).is_some()
}
