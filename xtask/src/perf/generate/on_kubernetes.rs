//! A load by pods: the plan is checked here, the run is made there, and its files are written here
//! as a scenario's process writes them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use perf_host::files::{LATEST, point_latest_to};
use perf_report::outcome::Outcome;
use perf_report::outcome_log::LoggedOutcome;
use perf_report::render::files::{EVIDENCE, HISTOGRAMS};
use perf_settings::{OutcomePlace, Settings, new_testid};

use super::{PerfPlan, ScenarioTest};
use crate::host::clock::Moment;
use crate::host::{files, terminal, workspace};
use crate::kubernetes::{LaunchError, Launcher};
use crate::perf::child::{self, ChildOutcome};
use crate::perf::perf_error::{PerfError, configuration};

/// The folder of a pod that can be written to.
const POD_FOLDER: &str = "/tmp/perf";

/// Runs a scenario on the cluster.
pub(super) async fn run(
    plan: &PerfPlan,
    scenario: &ScenarioTest,
    settings: Settings,
) -> Result<ChildOutcome, PerfError> {
    let Some(agents) = settings.agents else { return Err(configuration("--agents has no number")) };
    // The plan's mistakes are found here, before anything is created in the cluster.
    let dry = Settings { dry_run: true, ..settings.clone() };
    let load = match child::run(&plan.generator, scenario, dry, plan.signals.clone()).await? {
        ChildOutcome::Drawing(_, longest) => longest,
        other => return Ok(other),
    };
    let longest = load + settings.setup_timeout + settings.teardown_timeout;
    let testid = settings.testid.clone();
    let testid = testid.unwrap_or_else(|| new_testid(&scenario.name, Moment::now().time(), rand::random()));
    let folder = settings.out.clone().unwrap_or_else(workspace::perf).join(&testid);
    if folder.join(EVIDENCE).exists() {
        let message = format!("{} exists: testid {testid:?} is in use, choose another --testid", folder.display());
        return Err(configuration(message));
    }
    let of_pod = serde_json::to_string(&of_coordinator(settings, testid)).context("failed to write settings")?;
    let launcher = Launcher::new(&plan.kubernetes, scenario, (agents, longest), of_pod, plan.signals.clone());
    match launcher.run().await {
        Ok(logged) => read(scenario, &folder, logged),
        Err(LaunchError::Interrupted) => Err(PerfError::Interrupted("interrupted before the load ended")),
        Err(error @ (LaunchError::Configuration(_) | LaunchError::Kubectl(_))) => Err(configuration(error)),
        Err(LaunchError::Lost(message)) => Ok(ChildOutcome::Crashed(message)),
    }
}

/// Writes the files of a run to its folder, and reads its outcome.
fn read(scenario: &ScenarioTest, folder: &Path, logged: LoggedOutcome) -> Result<ChildOutcome, PerfError> {
    match logged.outcome {
        Outcome::Failed { code, message } => Ok(ChildOutcome::Failed { code, message }),
        Outcome::Drawing(drawing, longest) => Ok(ChildOutcome::Drawing(drawing, longest)),
        Outcome::Evidence(_) => {
            files::make_folder(folder)?;
            // Names come from the cluster, so that only known ones become paths.
            for name in [EVIDENCE, HISTOGRAMS] {
                if let Some(contents) = logged.files.get(name) {
                    files::write(folder.join(name), contents)?;
                }
            }
            if let Err(error) = point_latest_to(folder) {
                terminal::print_line(&format!("warning: {LATEST} does not point to this run: {error}"));
            }
            child::measured(scenario, &folder.join(EVIDENCE), None)
        }
    }
}

/// The settings of the coordinator's pod.
fn of_coordinator(settings: Settings, testid: String) -> Settings {
    Settings {
        testid: Some(testid),
        on_kubernetes: false,
        listen: Some(SocketAddr::from((Ipv4Addr::UNSPECIFIED, Launcher::PORT))),
        out: Some(PathBuf::from(POD_FOLDER)),
        folder: PathBuf::from(POD_FOLDER),
        outcome: Some(OutcomePlace::Log),
        ..settings
    }
}
