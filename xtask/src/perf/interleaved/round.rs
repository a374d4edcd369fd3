//! Rounds: short loads of one side, in pairs.

use std::cell::{Cell, RefCell};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::outcome::Outcome;
use perf_report::render::files::REPORT;
use perf_settings::{LoadOverride, Settings, new_testid, shown_duration};
use tokio::sync::watch;

use super::calibration::CalibrationSubject;
use super::service::{self, RunningService, SideService};
use crate::clock::Moment;
use crate::perf::args::PerfArgs;
use crate::perf::child::Child;
use crate::perf::perf_error::{PerfError, configuration};
use crate::scenarios::{Built, ScenarioTest};
use crate::{files, host, report_files, reports, workspace};

/// A round's load, where nobody says: how many, and for how long.
const VUS: u32 = 10;
const DURATION: Duration = Duration::from_secs(10);

/// A round's load: what was said of it, and the rest short, as a scenario's own may last for minutes.
fn load_of_round(said: &LoadOverride) -> LoadOverride {
    let mut load = said.clone();
    if load.iterations.is_none() && load.stages.is_empty() {
        load.duration = load.duration.or(Some(DURATION));
        load.vus = load.vus.or(load.rate.is_none().then_some(VUS));
    }
    load
}

/// One of the two that are compared.
#[derive(Debug, Clone)]
pub(super) struct Side {
    /// "base" or "head".
    pub(super) label: &'static str,
    /// What it is.
    pub(super) description: String,
    pub(super) service: SideService,
    /// Where its commands run.
    pub(super) folder: PathBuf,
}

/// What all rounds have in common.
pub(super) struct Rounds<'a> {
    args: &'a PerfArgs,
    settings: &'a Settings,
    built: &'a Built,
    scenario: &'a ScenarioTest,
    signals: watch::Receiver<u32>,
    /// The comparison's name, and its folder.
    pub(super) name: String,
    pub(super) folder: PathBuf,
    /// How long a pair takes, as the last one did.
    took: Cell<Duration>,
    warnings: RefCell<Vec<String>>,
}

/// Why something of a side is not there.
#[derive(Debug)]
pub(super) enum SideError {
    /// The side cannot be measured, and why.
    Unfit(String),
    /// The command ends.
    PerfError(PerfError),
}

impl SideError {
    /// What ends the command, given what an unfit side means for it.
    pub(super) fn or_unfit(self, unfit: impl FnOnce(String) -> PerfError) -> PerfError {
        match self {
            Self::Unfit(why) => unfit(why),
            Self::PerfError(stop) => stop,
        }
    }
}

impl<T: Into<PerfError>> From<T> for SideError {
    fn from(error: T) -> Self {
        Self::PerfError(error.into())
    }
}

/// Runs the command that builds a service in a checkout, if there is one. What it says goes to the terminal.
pub(super) async fn build(
    args: &PerfArgs,
    side: &str,
    folder: &Path,
    mut signals: watch::Receiver<u32>,
) -> Result<(), SideError> {
    let Some(command) = args.gate.build() else { return Ok(()) };
    let mut shell = service::shell(command, folder);
    shell.env("PERF_SIDE", side);
    tokio::select! {
        ended = service::run_to_end(&mut shell) => match ended {
            Ok(ended) if ended.success() => Ok(()),
            // Not the command itself, here and in all that is said of one: it may hold a secret, and this goes to a job's page.
            Ok(ended) => Err(SideError::Unfit(format!("--build failed ({ended})"))),
            Err(error) => Err(SideError::Unfit(format!("--build: {error:#}"))),
        },
        _ = signals.wait_for(|count| *count > 0) => Err(interrupted().into()),
    }
}

impl<'a> Rounds<'a> {
    pub(super) fn new(
        args: &'a PerfArgs,
        settings: &'a Settings,
        built: &'a Built,
        scenario: &'a ScenarioTest,
        signals: watch::Receiver<u32>,
    ) -> anyhow::Result<Self> {
        let what = if args.gate.calibrate { "calibration" } else { "comparison" };
        let id = std::process::id() & 0xffff;
        let name = settings.testid.clone().unwrap_or_else(|| {
            new_testid(&format!("{}-{what}", scenario.name), Moment::now().time(), u16::try_from(id).unwrap_or(0))
        });
        let folder = settings.out.clone().unwrap_or_else(workspace::perf).join(&name);
        fs::create_dir_all(folder.join("rounds")).with_context(|| format!("failed to make {}", folder.display()))?;
        let (took, warnings) = (Cell::new(Duration::ZERO), RefCell::default());
        Ok(Self { args, settings, built, scenario, signals, name, folder, took, warnings })
    }

    /// What a calibration has to be about, to say something of these rounds.
    pub(super) fn subject(&self) -> CalibrationSubject {
        let load = format!("{:?}", load_of_round(&self.settings.load));
        let service = match (self.args.gate.start(), self.args.named_target(self.settings)) {
            (Some(command), _) => command.to_owned(),
            (None, Some(target)) => prometheus_store::shown_url(target),
            (None, None) => "the stand-in".to_owned(),
        };
        // It is kept for us, and a command may hold what nobody else is to know.
        let service = workspace::hash(&[
            &service,
            self.args.profile(),
            &serde_json::to_string(&self.settings.http).unwrap_or_default(),
        ]);
        CalibrationSubject { scenario: self.scenario.name.clone(), load, machine: host::machine(), service }
    }

    /// How long the last pair took.
    pub(super) fn took(&self) -> Duration {
        self.took.get()
    }

    /// What should be known of the rounds so far.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.warnings.borrow().clone()
    }

    /// A round of each side. Which of them is first changes from pair to pair.
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
        eprintln!("round {} of {of}: {} left", pair + 1, shown_duration(left));
        Ok((base, head))
    }

    async fn round(&self, pair: usize, side: &Side) -> Result<Report, PerfError> {
        let name = format!("{}-{:02}", side.label, pair + 1);
        let unfit = |why: String| {
            // That the base cannot be measured says nothing of the head.
            let code = if side.label == "base" { ExitCode::Inconclusive } else { ExitCode::BadConfiguration };
            PerfError(code, format!("round {} of the {}, {}: {why}", pair + 1, side.label, side.description))
        };
        let log = self.folder.join("rounds").join(format!("{name}.log"));
        // A stand-in draws its latencies from a seed, and those of two rounds are two draws, as with any other service.
        let which = (pair * 2 + usize::from(side.label == "head")) as u64;
        let seed = self.settings.seed.wrapping_mul(1_000).wrapping_add(which);
        let mut signals = self.signals.clone();
        let started = tokio::select! {
            started = side.service.start(side.label, seed, &log) => started.map_err(|error| unfit(format!("{error:#}")))?,
            _ = signals.wait_for(|count| *count > 0) => return Err(interrupted()),
        };
        let reset = tokio::select! {
            reset = self.reset(side, &started) => reset.map_err(SideError::Unfit),
            _ = signals.wait_for(|count| *count > 0) => Err(interrupted().into()),
        };
        let loaded = match reset {
            Ok(()) => self.load(pair, &name, &started).await,
            Err(error) => Err(error),
        };
        if let Some(left) = started.stop().await? {
            let warning = format!("the {}: {left}", side.label);
            let mut warnings = self.warnings.borrow_mut();
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        loaded.map_err(|error| error.or_unfit(unfit))
    }

    async fn reset(&self, side: &Side, started: &RunningService) -> Result<(), String> {
        let Some(command) = self.args.gate.reset() else { return Ok(()) };
        let log = self.folder.join("rounds").join("reset.log");
        let file = File::create(&log).map_err(|error| format!("failed to write {}: {error}", log.display()))?;
        let mut shell = service::shell(command, &side.folder);
        let url = started.url();
        shell.env("PERF_SIDE", side.label).env("PERF_TARGET", url.as_str());
        if let Some(port) = url.port_or_known_default() {
            shell.env("PORT", port.to_string());
        }
        let both = file.try_clone().map_err(|error| error.to_string())?;
        // Into a file: a pipe would be held open by whatever it leaves running.
        let ended = service::run_to_end(shell.stdout(file).stderr(both)).await;
        match ended.map_err(|error| format!("--reset: {error:#}"))? {
            ended if ended.success() => Ok(()),
            ended => Err(format!("--reset failed ({ended}); {}", service::last_lines(&log))),
        }
    }

    /// Loads a side for a round.
    async fn load(&self, pair: usize, name: &str, started: &RunningService) -> Result<Report, SideError> {
        let rounds = self.folder.join("rounds");
        let outcome_file = rounds.join(format!("{name}.outcome"));
        let of_round = Settings {
            load: load_of_round(&self.settings.load),
            target: started.url().clone(),
            seed: self.settings.seed.wrapping_add(pair as u64),
            testid: Some(name.to_owned()),
            remote_write: None,
            prometheus: None,
            out: Some(rounds),
            outcome: Some(outcome_file.clone()),
            quiet: true,
            ..self.settings.clone()
        };
        let child = Child::new(&self.built.load, &self.scenario.test, &of_round)?;
        files::remove_file(&outcome_file)?;
        let ended = child.run(self.signals.clone()).await?;
        if *self.signals.borrow() > 0 {
            return Err(interrupted().into());
        }
        let Ok(text) = fs::read_to_string(&outcome_file) else {
            return Err(SideError::Unfit(format!("the scenario left no outcome; its process ended with {ended}")));
        };
        fs::remove_file(&outcome_file).context("failed to remove a round's outcome")?;
        let outcome: Outcome = serde_json::from_str(&text).context("failed to read a round's outcome")?;
        let Some(path) = outcome.evidence else {
            return Err(SideError::Unfit(
                outcome.message.unwrap_or_else(|| "no evidence, and no reason given".to_owned()),
            ));
        };
        // As after a run: a scenario that fails after its objectives were met has failed.
        if outcome.code == ExitCode::Met && !ended.success() {
            return Err(SideError::Unfit(format!(
                "the objectives were met, and the scenario failed all the same ({ended})"
            )));
        }
        let evidence = reports::read_evidence(&path).map_err(|error| SideError::Unfit(format!("{error:#}")))?;
        let report = reports::judge_evidence(evidence).map_err(configuration)?;
        report_files::write(&path.with_file_name(REPORT), &report, None)?;
        Ok(report)
    }
}

fn interrupted() -> PerfError {
    PerfError(ExitCode::Interrupted, "interrupted; what was measured so far is not judged".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_round_is_kept_and_the_rest_is_short() {
        let load = |flags: &[(&str, &str)]| {
            let lookup = |name: &str| flags.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            let load = load_of_round(&Settings::from_lookup(&lookup).unwrap().load);
            (load.duration, load.vus)
        };
        assert_eq!(load(&[]), (Some(DURATION), Some(VUS)));
        assert_eq!(load(&[(perf_settings::VUS, "200")]), (Some(DURATION), Some(200)));
        assert_eq!(load(&[(perf_settings::DURATION, "5s")]), (Some(Duration::from_secs(5)), Some(VUS)));
        assert_eq!(load(&[(perf_settings::RATE, "5/s")]), (Some(DURATION), None));
        assert_eq!(load(&[(perf_settings::ITERATIONS, "50")]), (None, None));
    }
}
