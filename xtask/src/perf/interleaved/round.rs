//! Rounds of an interleaved comparison: pairs of short loads, one on each side.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use perf_host::machine::Machine;
use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::render::files::REPORT;
use perf_settings::{LoadOverride, Settings, new_testid, shown_duration};
use tokio::sync::watch;

use super::calibration::{CalibratedService, CalibrationSubject, RequestPath};
use super::service::{self, RunningService, SideService};
use crate::host::clock::Moment;
use crate::host::{files, workspace};
use crate::perf::args::PerfArgs;
use crate::perf::child;
use crate::perf::judge::{self, JudgedRun};
use crate::perf::perf_error::{PerfError, after_cleanup};
use crate::runs::report_files;
use crate::scenarios::{BuiltPrograms, ScenarioTest};

/// The default virtual users of a round.
const VUS: u32 = 10;
/// The default duration of a round.
const DURATION: Duration = Duration::from_secs(10);

/// The load of a round: the given load with short defaults.
/// The scenario's own load may last minutes.
fn round_load(given: &LoadOverride) -> LoadOverride {
    let mut load = given.clone();
    if load.iterations.is_none() && load.stages.is_empty() {
        load.duration = load.duration.or(Some(DURATION));
        load.vus = load.vus.or(load.rate.is_none().then_some(VUS));
    }
    load
}

/// The name of a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SideName {
    Base,
    Head,
}

impl SideName {
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Head => "head",
        }
    }

    /// The error of a side that cannot be measured. That of the base is not the head's fault, so
    /// the comparison is inconclusive.
    pub(super) const fn error(self, message: String) -> PerfError {
        match self {
            Self::Base => PerfError::BaseNotMeasured(message),
            Self::Head => PerfError::HeadNotMeasured(message),
        }
    }
}

/// Why there is no report of a side.
pub(super) enum SideFailure {
    /// The side cannot be measured, for this reason.
    Unmeasured(String),
    /// Anything else, such as an interruption.
    Other(PerfError),
}

impl SideFailure {
    fn unmeasured(error: &anyhow::Error) -> Self {
        Self::Unmeasured(format!("{error:#}"))
    }

    /// The error of a side that failed. `describe` adds the place to the reason.
    pub(super) fn into_error(self, side: SideName, describe: impl FnOnce(String) -> String) -> PerfError {
        match self {
            Self::Unmeasured(why) => side.error(describe(why)),
            Self::Other(error) => error,
        }
    }
}

/// One side of the comparison.
#[derive(Debug, Clone)]
pub(super) struct Side {
    pub(super) name: SideName,
    /// The revision or service for users.
    pub(super) description: String,
    pub(super) service: SideService,
    /// The working folder of its shell commands.
    pub(super) folder: PathBuf,
}

/// Everything that all rounds of a comparison share.
pub(super) struct Rounds<'a> {
    args: &'a PerfArgs,
    settings: &'a Settings,
    built: &'a BuiltPrograms,
    scenario: &'a ScenarioTest,
    signals: watch::Receiver<u32>,
    /// The comparison's name.
    pub(super) name: String,
    pub(super) folder: PathBuf,
    /// The time that the last pair took.
    took: Cell<Duration>,
    warnings: RefCell<Vec<String>>,
}

/// Runs the `--build` command in a checkout, if there is one. Its output goes to the terminal.
pub(super) async fn build(
    args: &PerfArgs,
    side: SideName,
    folder: &Path,
    mut signals: watch::Receiver<u32>,
) -> Result<(), SideFailure> {
    let Some(command) = args.interleaved.build() else { return Ok(()) };
    let mut shell = service::shell(command, folder);
    shell.env("PERF_SIDE", side.label());
    tokio::select! {
        ended = service::run_to_end(&mut shell) => match ended {
            Ok(ended) if ended.success() => Ok(()),
            // Messages never contain the command itself: it may hold a secret, and messages go to
            // the job's page.
            Ok(ended) => Err(SideFailure::Unmeasured(format!("--build failed ({ended})"))),
            Err(error) => Err(SideFailure::unmeasured(&error.context("--build"))),
        },
        _ = signals.wait_for(|count| *count > 0) => Err(SideFailure::Other(INTERRUPTED)),
    }
}

impl<'a> Rounds<'a> {
    pub(super) fn new(
        args: &'a PerfArgs,
        settings: &'a Settings,
        built: &'a BuiltPrograms,
        scenario: &'a ScenarioTest,
        signals: watch::Receiver<u32>,
    ) -> anyhow::Result<Self> {
        let what = if args.interleaved.calibrate { "calibration" } else { "comparison" };
        let id = std::process::id() & 0xffff;
        let name = settings.testid.clone().unwrap_or_else(|| {
            new_testid(&format!("{}-{what}", scenario.name), Moment::now().time(), u16::try_from(id).unwrap_or(0))
        });
        let folder = settings.out.clone().unwrap_or_else(workspace::perf).join(&name);
        files::make_folder(folder.join("rounds"))?;
        let (took, warnings) = (Cell::new(Duration::ZERO), RefCell::default());
        Ok(Self { args, settings, built, scenario, signals, name, folder, took, warnings })
    }

    /// The subject of a calibration that applies to these rounds.
    pub(super) fn subject(&self) -> anyhow::Result<CalibrationSubject> {
        let service = match (self.args.interleaved.start(), self.args.named_target(self.settings)) {
            (Some(command), _) => CalibratedService::Command(command),
            (None, Some(target)) => CalibratedService::Target(prometheus_store::shown_url(target)),
            (None, None) => CalibratedService::Stub,
        };
        let path = RequestPath { service, profile: self.args.profile(), http: &self.settings.http };
        Ok(CalibrationSubject {
            scenario: self.scenario.name.clone(),
            load: round_load(&self.settings.load),
            machine: Machine::this(),
            service: path.hash()?,
        })
    }

    /// The time that the last pair took.
    pub(super) fn took(&self) -> Duration {
        self.took.get()
    }

    /// Warnings about the rounds so far.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.warnings.borrow().clone()
    }

    /// Runs a round of each side. The side that is first alternates from pair to pair.
    pub(super) async fn pair(
        &self,
        pair: usize,
        of: usize,
        base: &Side,
        head: &Side,
    ) -> Result<(Report, Report), PerfError> {
        let began = Moment::now();
        let (base, head) = if pair.is_multiple_of(2) {
            let base = self.round(pair, base).await?;
            (base, self.round(pair, head).await?)
        } else {
            let head = self.round(pair, head).await?;
            (self.round(pair, base).await?, head)
        };
        self.took.set(began.elapsed());
        let left = self.took.get() * u32::try_from(of - pair - 1).unwrap_or(0);
        let left = Duration::from_secs(left.as_secs());
        eprintln!("round {} of {of} is done, about {} left", pair + 1, shown_duration(left));
        Ok((base, head))
    }

    async fn round(&self, pair: usize, side: &Side) -> Result<Report, PerfError> {
        let label = side.name.label();
        let name = format!("{label}-{:02}", pair + 1);
        let place = format!("round {} of the {label}, {}", pair + 1, side.description);
        let error = |failure: SideFailure| failure.into_error(side.name, |why| format!("{place}: {why}"));
        let log = self.folder.join("rounds").join(format!("{name}.log"));
        // The stub backend draws its latencies from a seed. Each round gets another seed, so that
        // rounds are independent, as with any other service.
        let which = (pair * 2 + usize::from(side.name == SideName::Head)) as u64;
        let seed = self.settings.seed.wrapping_mul(1_000).wrapping_add(which);
        let mut signals = self.signals.clone();
        let started = tokio::select! {
            started = side.service.start(label, seed, &log) => {
                started.map_err(|failed| error(SideFailure::unmeasured(&failed)))?
            }
            _ = signals.wait_for(|count| *count > 0) => return Err(INTERRUPTED),
        };
        let reset = tokio::select! {
            reset = self.reset(side, &started) => reset.map_err(SideFailure::Unmeasured),
            _ = signals.wait_for(|count| *count > 0) => Err(SideFailure::Other(INTERRUPTED)),
        };
        let loaded = match reset {
            Ok(()) => self.load(pair, &name, &started).await,
            Err(failure) => Err(failure),
        };
        let loaded = loaded.map_err(error);
        let stopped = started.stop().await.map(|left| self.keep_warning(label, left));
        after_cleanup(loaded, |_| ExitCode::Met, stopped)
    }

    /// Keeps the warning that the service of a side left something, once.
    fn keep_warning(&self, label: &str, left: Option<String>) {
        let Some(warning) = left.map(|left| format!("the {label}: {left}")) else { return };
        let mut warnings = self.warnings.borrow_mut();
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    async fn reset(&self, side: &Side, started: &RunningService) -> Result<(), String> {
        let Some(command) = self.args.interleaved.reset() else { return Ok(()) };
        let log = self.folder.join("rounds").join("reset.log");
        let file = File::create(&log).map_err(|error| format!("failed to write {}: {error}", log.display()))?;
        let mut shell = service::shell(command, &side.folder);
        let url = started.url();
        shell.env("PERF_SIDE", side.name.label()).env("PERF_TARGET", url.as_str());
        if let Some(port) = url.port_or_known_default() {
            shell.env("PORT", port.to_string());
        }
        let both = file.try_clone().map_err(|error| error.to_string())?;
        // To a file: a program that the command leaves running would hold a pipe open.
        let ended = service::run_to_end(shell.stdout(file).stderr(both)).await;
        match ended.map_err(|error| format!("--reset: {error:#}"))? {
            ended if ended.success() => Ok(()),
            ended => Err(format!("--reset failed ({ended}); {}", service::last_lines(&log))),
        }
    }

    /// Runs the load of a round. Gives its report.
    async fn load(&self, pair: usize, name: &str, started: &RunningService) -> Result<Report, SideFailure> {
        let settings = Settings {
            load: round_load(&self.settings.load),
            target: started.url().clone(),
            seed: self.settings.seed.wrapping_add(pair as u64),
            testid: Some(name.to_owned()),
            remote_write: None,
            prometheus: None,
            out: Some(self.folder.join("rounds")),
            quiet: true,
            ..self.settings.clone()
        };
        let outcome = child::run(&self.built.generator, self.scenario, settings, self.signals.clone()).await;
        if *self.signals.borrow() > 0 {
            return Err(SideFailure::Other(INTERRUPTED));
        }
        let outcome = outcome.map_err(|error| match error {
            PerfError::Internal(error) => SideFailure::unmeasured(&error),
            PerfError::Scenario { message, .. } | PerfError::Crashed(message) => SideFailure::Unmeasured(message),
            error => SideFailure::Other(error),
        });
        let dry = || SideFailure::Unmeasured("a dry run measures nothing".to_owned());
        let run = outcome?.into_measured().ok_or_else(dry)?;
        let JudgedRun { folder, report, test_failed } = judge::run(*run).map_err(SideFailure::Other)?;
        if let Some(problem) = test_failed {
            return Err(SideFailure::Unmeasured(problem.message));
        }
        let written = report_files::write(&folder.join(REPORT), &report, None);
        written.map_err(|error| SideFailure::Other(error.into()))?;
        Ok(report)
    }
}

const INTERRUPTED: PerfError = PerfError::Interrupted("interrupted; the rounds so far are not judged");

#[cfg(test)]
mod tests;
