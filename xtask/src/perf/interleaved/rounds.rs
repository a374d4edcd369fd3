//! Rounds of an interleaved comparison: pairs of short loads, one on each side.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use perf_compare::{ComparisonLabel, Pair};
use perf_host::machine::Machine;
use perf_report::Report;
use perf_report::comparison::{Comparison, ComparisonMethod};
use perf_report::exit_code::ExitCode;
use perf_report::render::files::REPORT;
use perf_settings::{LoadOverride, Settings, new_testid, shown_duration};

use super::calibration::{CalibratedService, CalibrationSubject, RequestPath};
use super::comparison_plan::ComparisonPlan;
use super::service::{self, RunningService};
use super::sides::{INTERRUPTED, Side, SideFailure, SideName, Sides};
use crate::host::clock::Moment;
use crate::host::{files, workspace};
use crate::perf::child;
use crate::perf::judge::{self, JudgedRun};
use crate::perf::perf_error::{PerfError, after_cleanup};
use crate::runs::report_files;

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

/// Everything that all rounds of a comparison share.
pub(super) struct Rounds<'a> {
    pub(super) plan: &'a ComparisonPlan<'a>,
    sides: Sides,
    pub(super) name: String,
    pub(super) folder: PathBuf,
    /// The time that the last pair took.
    took: Cell<Duration>,
    warnings: RefCell<Vec<String>>,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(plan: &'a ComparisonPlan<'a>, sides: Sides) -> anyhow::Result<Self> {
        let what = if plan.args.interleaved.calibrate { "calibration" } else { "comparison" };
        let id = std::process::id() & 0xffff;
        let name = plan.settings.testid.clone().unwrap_or_else(|| {
            let name = format!("{}-{what}", plan.scenario.name);
            new_testid(&name, Moment::now().time(), u16::try_from(id).unwrap_or(0))
        });
        let folder = plan.settings.out.clone().unwrap_or_else(workspace::state_folder).join(&name);
        files::make_folder(folder.join("rounds"))?;
        Ok(Self { plan, sides, name, folder, took: Cell::new(Duration::ZERO), warnings: RefCell::default() })
    }

    /// The subject of a calibration that applies to these rounds.
    pub(super) fn subject(&self) -> anyhow::Result<CalibrationSubject> {
        let ComparisonPlan { args, settings, target, scenario, .. } = self.plan;
        let service = match (args.interleaved.start(), target) {
            (Some(command), _) => CalibratedService::Command(command),
            (None, Some(target)) => CalibratedService::Target(prometheus_store::shown_url(target)),
            (None, None) => CalibratedService::Stub,
        };
        let path = RequestPath { service, profile: args.profile(), http: &settings.http };
        Ok(CalibrationSubject {
            scenario: scenario.name.clone(),
            load: round_load(&settings.load),
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
    pub(super) async fn pair(&self, pair: usize, of: usize) -> Result<(Report, Report), PerfError> {
        let (began, Sides { base, head }) = (Moment::now(), &self.sides);
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

    /// Compares the sides by pairs of rounds, at a significance level.
    pub(super) fn compare(&self, alpha: f64, pairs: &[(Report, Report)]) -> Comparison {
        let (base, head) = (self.sides.base.description.clone(), self.sides.head.description.clone());
        let (name, rule) = (self.name.clone(), self.plan.args.judging.rule());
        let label = ComparisonLabel { name, base, head, method: ComparisonMethod::Interleaved, rule, alpha };
        perf_compare::compare(label, &comparable(pairs))
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
        let seed = self.plan.settings.seed.wrapping_mul(1_000).wrapping_add(which);
        let mut signals = self.plan.signals.clone();
        let started = tokio::select! {
            started = side.service.start(label, seed, &log) => {
                started.map_err(|failed| error(SideFailure::unmeasured(&failed)))?
            }
            () = signals.interrupted() => return Err(INTERRUPTED),
        };
        let reset = tokio::select! {
            reset = self.reset(side, &started) => reset.map_err(|error| SideFailure::unmeasured(&error)),
            () = signals.interrupted() => Err(SideFailure::Other(INTERRUPTED)),
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

    async fn reset(&self, side: &Side, started: &RunningService) -> anyhow::Result<()> {
        let Some(command) = self.plan.args.interleaved.reset() else { return Ok(()) };
        let log = self.folder.join("rounds").join("reset.log");
        let file = File::create(&log).with_context(|| format!("failed to write {}", log.display()))?;
        let mut shell = service::shell(command, &side.folder);
        let url = started.url();
        shell.env("PERF_SIDE", side.name.label()).env("PERF_TARGET", url.as_str());
        if let Some(port) = url.port_or_known_default() {
            shell.env("PORT", port.to_string());
        }
        let both = file.try_clone()?;
        // To a file: a program that the command leaves running would hold a pipe open.
        let ended = service::run_to_end(shell.stdout(file).stderr(both)).await.context("--reset")?;
        ensure!(ended.success(), "--reset failed ({ended}); {}", service::last_lines(&log));
        Ok(())
    }

    /// Runs the load of a round. Returns its report.
    async fn load(&self, pair: usize, name: &str, started: &RunningService) -> Result<Report, SideFailure> {
        let plan = self.plan;
        let settings = Settings {
            load: round_load(&plan.settings.load),
            target: started.url().clone(),
            seed: plan.settings.seed.wrapping_add(pair as u64),
            testid: Some(name.to_owned()),
            remote_write: None,
            prometheus: None,
            out: Some(self.folder.join("rounds")),
            quiet: true,
            ..plan.settings.clone()
        };
        let outcome = child::run(&plan.built.generator, &plan.scenario, settings, plan.signals.clone()).await;
        if plan.signals.is_interrupted() {
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

/// The two reports of each pair, for statistics.
pub(super) fn comparable(pairs: &[(Report, Report)]) -> Vec<Pair<'_>> {
    pairs.iter().map(|(base, head)| Pair { base, head }).collect()
}

#[cfg(test)]
mod tests;
