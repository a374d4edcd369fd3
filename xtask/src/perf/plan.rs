//! The first stage: everything that is decided before anything starts. Each configuration error
//! that flags, files and the list of scenarios show is found here.
//!
//! Later stages find errors for which a program has to run. Examples are a stack that does not
//! start, and a target that does not respond.

use std::path::PathBuf;

use monitoring::backend_mapping::BackendMapping;
use monitoring::services::STUB;
use perf_host::Lock;
use perf_host::files::{TestidInUse, run_folder};
use perf_host::signals::Signals;
use perf_report::format::counted_more;
use perf_report::render::files::{EVIDENCE, REPORT};
use perf_settings::{Settings, StubTarget, TESTID};

use super::args::{PerfArgs, ProofMode};
use super::baseline_plan::BaselinePlan;
use super::perf_error::PerfError;
use crate::generated_files;
use crate::host::workspace;
use crate::kubernetes::KubernetesArgs;
use crate::scenarios::{self, BuiltPrograms, Programs, ScenarioTest};
use crate::stack::StackOptions;

/// The plan of a command.
pub(crate) struct PerfPlan {
    pub(crate) settings: Settings,
    /// The number of signals that asked the command to end.
    pub(crate) signals: Signals,
    pub(crate) scenarios: Vec<ScenarioTest>,
    /// The test binary with the scenarios.
    pub(crate) generator: PathBuf,
    /// The program of the stub backend, if it is the target.
    pub(crate) stub: Option<PathBuf>,
    /// The stack to start. `None`: metrics go to a running store, or nothing is sent.
    pub(crate) stack: Option<StackOptions>,
    /// Where pods run, if they make the load.
    pub(crate) kubernetes: KubernetesArgs,
    /// Whether the stack stops after the run.
    pub(crate) is_ephemeral: bool,
    /// The mapping of the target's metrics, if it is not the one of the service's definition.
    pub(crate) mapping: Option<BackendMapping>,
    pub(crate) proof: ProofMode,
    /// Whether the queries of failed checks are printed.
    pub(crate) is_verbose: bool,
    pub(crate) baseline: BaselinePlan,
    /// Requests per day in production, which reports compare with.
    pub(crate) requests_per_day: Option<u64>,
}

/// Begins to count signals, and locks this clone for load.
pub(crate) fn lock_clone(args: &PerfArgs, settings: &Settings) -> Result<(Signals, Option<Lock>), PerfError> {
    let signals = Signals::count().map_err(anyhow::Error::from)?;
    if args.list || settings.dry_run.is_some() {
        return Ok((signals, None));
    }
    Ok((signals, Some(Lock::take_for_load(&settings.folder, "cargo xtask perf")?)))
}

impl PerfPlan {
    /// Builds the scenarios, and the stub backend if it is needed, and chooses the scenarios to
    /// run.
    pub(crate) fn new(args: &PerfArgs, settings: Settings, signals: Signals) -> Result<Self, PerfError> {
        let baseline = args.judging.plan(settings.out.clone())?;
        let named = args.scenarios()?;
        // Checked before the build, which may take minutes.
        scenarios::check_names(&named)?;
        let is_for_stub = args.named_target(&settings).is_none();
        let needs_stub = is_for_stub && settings.dry_run.is_none();
        let is_stored = settings.remote_write.is_some() || settings.on_kubernetes || settings.shard.is_some();
        let needs_stack = settings.dry_run.is_none() && !is_stored;
        if needs_stack {
            check_generated_files()?;
        }
        let programs = if needs_stub { Programs::WithStub } else { Programs::Scenarios };
        let built = build(args.profile(), programs, &signals)?;
        let scenarios = match settings.smoke && named.is_empty() {
            true => built.list()?,
            false => built.select(&named)?,
        };
        if settings.dry_run.is_none() {
            check_folders(&settings, &scenarios)?;
        }
        let stub = is_for_stub.then(|| StubTarget { service: STUB.map(|stub| stub.service.to_owned()) });
        Ok(Self {
            settings: Settings { stub, ..settings },
            signals,
            scenarios,
            generator: built.generator,
            stub: built.stub,
            stack: needs_stack.then(|| args.stack_options()),
            is_ephemeral: args.is_ephemeral(),
            kubernetes: args.kubernetes.clone(),
            mapping: args.mapping,
            proof: args.proof(),
            is_verbose: args.verbose,
            baseline,
            requests_per_day: args.judging.production.requests_per_day,
        })
    }

    /// Whether requests are sent.
    pub(crate) const fn sends(&self) -> bool {
        self.settings.dry_run.is_none()
    }

    pub(crate) const fn judges(&self) -> bool {
        self.sends() && self.settings.shard.is_none()
    }

    /// The testid of a scenario's run, if the user gave one.
    pub(crate) fn testid(&self, scenario: &ScenarioTest) -> Option<String> {
        let given = self.settings.testid.as_deref()?;
        Some(run_testid(given, scenario, self.scenarios.len()))
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.signals.is_interrupted()
    }
}

/// The testid of one of N runs. Each of several scenarios is a run, and needs its own testid.
fn run_testid(given: &str, scenario: &ScenarioTest, runs: usize) -> String {
    if runs > 1 { format!("{given}-{}", scenario.name) } else { given.to_owned() }
}

/// Checks that no folder of a run has another run.
fn check_folders(settings: &Settings, scenarios: &[ScenarioTest]) -> Result<(), TestidInUse> {
    let Some(given) = &settings.testid else { return Ok(()) };
    let out = settings.out.clone().unwrap_or_else(workspace::state_folder);
    let name = settings.setting_name(TESTID);
    scenarios.iter().try_for_each(|scenario| {
        let testid = run_testid(given, scenario, scenarios.len());
        run_folder(&out, &testid, &[EVIDENCE, REPORT], &name).map(drop)
    })
}

/// Checks that the stack's generated files agree with the catalogue.
pub(crate) fn check_generated_files() -> Result<(), PerfError> {
    let stale = generated_files::differences(&workspace::root())?;
    let Some((first, others)) = stale.split_first() else { return Ok(()) };
    let more = counted_more(others.len(), "file").map(|more| format!(", and {more}")).unwrap_or_default();
    Err(PerfError::StaleFiles(format!("{first}{more}")))
}

/// Builds programs. A signal from the terminal also ends
/// cargo, which is not an error of the scenarios.
pub(crate) fn build(profile: &str, programs: Programs, signals: &Signals) -> Result<BuiltPrograms, PerfError> {
    scenarios::build(profile, programs).map_err(|error| match signals.number() {
        0 => error.into(),
        _ => PerfError::Interrupted("interrupted while the scenarios were compiling"),
    })
}

#[cfg(test)]
mod tests;
