//! The first stage: everything that is decided before anything is started. Errors of configuration end here.

use std::path::PathBuf;

use perf_host::{Lock, LockError};
use perf_report::exit_code::ExitCode;
use perf_settings::Settings;
use tokio::sync::watch;

use super::args::PerfArgs;
use super::baseline;
use super::perf_error::{PerfError, configuration};
use crate::host::count_signals;
use crate::scenarios::{self, Built, ScenarioTest};
use crate::{generated_files, workspace};

/// The scenario that runs when none is named.
pub(super) const DEFAULT: &str = "basic";

/// What a command is to do.
pub(super) struct PerfPlan {
    pub(super) args: PerfArgs,
    pub(super) settings: Settings,
    /// Counts signals that ask the command to end.
    pub(super) signals: watch::Receiver<u32>,
    /// The scenarios to run, or all that there are if they are only listed.
    pub(super) scenarios: Vec<ScenarioTest>,
    /// The program of the scenarios.
    pub(super) generator: PathBuf,
    /// The program of the stub backend, where there is no other target.
    pub(super) stub: Option<PathBuf>,
}

/// Counts signals, and keeps other commands of this clone from making load at the same time: two would measure each other,
/// and each would take the other's stack for its own.
pub(super) fn take_turn(
    args: &PerfArgs,
    settings: &Settings,
) -> Result<(watch::Receiver<u32>, Option<Lock>), PerfError> {
    let signals = count_signals()?;
    if args.list || settings.dry_run {
        return Ok((signals, None));
    }
    match Lock::take(&workspace::command_lock(), "cargo xtask perf") {
        Ok(lock) => Ok((signals, Some(lock))),
        Err(LockError::Held(holder)) => Err(configuration(format!(
            "another load test runs in this clone ({holder}), and two would measure each other: wait for it"
        ))),
        Err(error) => Err(anyhow::Error::from(error).into()),
    }
}

impl PerfPlan {
    /// Builds the scenarios, and the stub backend if it is needed, and chooses the scenarios to run.
    pub(super) fn new(args: PerfArgs, settings: Settings, signals: watch::Receiver<u32>) -> Result<Self, PerfError> {
        baseline::check(&args)?;
        let sends = !args.list && !settings.dry_run;
        let named = args.scenarios().map_err(|error| configuration(format!("{error:#}")))?;
        let needs_stub = sends && args.named_target(&settings).is_none();
        let built = build(&args, needs_stub, &signals)?;
        let known = scenarios::list(&built.load)?;
        let scenarios = if args.list { known } else { choose(&named, &known).map_err(configuration)? };
        if sends && settings.remote_write.is_none() {
            check_generated_files()?;
        }
        Ok(Self { args, settings, signals, scenarios, generator: built.load, stub: built.backend })
    }

    /// Whether anything is sent.
    pub(super) const fn sends(&self) -> bool {
        !self.settings.dry_run
    }

    pub(super) fn is_interrupted(&self) -> bool {
        *self.signals.borrow() > 0
    }
}

/// Refuses a stack whose files are not what the catalogue says.
pub(super) fn check_generated_files() -> Result<(), PerfError> {
    let stale = generated_files::differences(&workspace::root())?;
    let what = || format!("generated files are not what the catalogue says ({})", stale.join(", "));
    if stale.is_empty() { Ok(()) } else { Err(configuration(format!("{}: run cargo xtask codegen", what()))) }
}

/// Builds the scenarios, and the stub backend if it is needed. A signal from the terminal ends cargo, too, and is no error
/// of the scenarios.
pub(super) fn build(args: &PerfArgs, with_stub: bool, signals: &watch::Receiver<u32>) -> Result<Built, PerfError> {
    scenarios::build(args.profile(), with_stub).map_err(|error| match *signals.borrow() {
        0 => configuration(error),
        _ => PerfError(ExitCode::Interrupted, "interrupted while the scenarios were compiling".to_owned()),
    })
}

pub(super) fn choose(named: &[String], known: &[ScenarioTest]) -> Result<Vec<ScenarioTest>, String> {
    let default = [DEFAULT.to_owned()];
    let named = if named.is_empty() { &default[..] } else { named };
    let find = |name: &String| {
        let names = || known.iter().map(|scenario| scenario.name.as_str()).collect::<Vec<_>>().join(", ");
        let found = known.iter().find(|scenario| scenario.name == *name).cloned();
        found.ok_or_else(|| format!("there is no scenario {name:?}; there are: {}", names()))
    };
    named.iter().map(find).collect()
}
