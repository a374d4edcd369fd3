//! A load by pods. The plan is checked on this machine, and the pods make the run. Its files are
//! written on this machine as a scenario's process writes them.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use monitoring::revision::Revision;
use perf_host::files::{LATEST, point_latest_to};
use perf_report::render::files::{EVIDENCE, HISTOGRAMS};
use perf_settings::{OutcomePlace, Settings, new_testid};

use super::{PerfPlan, ScenarioTest};
use crate::host::clock::Moment;
use crate::host::{files, terminal, workspace};
use crate::kubernetes::{LaunchedRun, Launcher};
use crate::perf::child::{self, ChildOutcome};
use crate::perf::judge::MeasuredRun;
use crate::perf::perf_error::PerfError;
use crate::perf::test_end::TestEnd;

/// The folder of a pod that can be written to.
const POD_FOLDER: &str = "/tmp/perf";

/// Runs a scenario on the cluster, with this number of agents.
pub(super) async fn run(
    plan: &PerfPlan,
    scenario: &ScenarioTest,
    settings: Settings,
    agents: u32,
) -> Result<ChildOutcome, PerfError> {
    // The plan's mistakes are found here, before anything is created in the cluster.
    let planned = child::summarize_plan(&plan.generator, scenario, &settings, plan.signals.clone()).await?;
    if settings.revision.as_ref().is_some_and(Revision::is_dirty) {
        terminal::print_line("warning: this checkout has uncommitted changes, and the image may lack them");
    }
    let longest = planned.longest + settings.setup_timeout + settings.teardown_timeout;
    let testid = settings.testid.clone();
    let testid = testid.unwrap_or_else(|| new_testid(&scenario.name, Moment::now().time(), rand::random()));
    let out = settings.out.clone().unwrap_or_else(workspace::state_folder);
    let folder = out.join(&testid);
    let pod_settings =
        serde_json::to_string(&coordinator_settings(settings, testid)).context("failed to write settings")?;
    let launcher = Launcher::new(&plan.kubernetes, scenario, agents, longest, pod_settings);
    read(scenario, &folder, launcher.run(plan.signals.clone()).await?)
}

/// Writes the files of a run to its folder, and reads its outcome.
fn read(scenario: &ScenarioTest, folder: &Path, run: LaunchedRun) -> Result<ChildOutcome, PerfError> {
    let LaunchedRun { logged, exit_code } = run;
    ChildOutcome::new(logged.outcome, |_| {
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
        MeasuredRun::read(scenario, &folder.join(EVIDENCE), TestEnd::in_pod(exit_code))
    })
}

/// The settings of the coordinator's pod.
fn coordinator_settings(settings: Settings, testid: String) -> Settings {
    Settings {
        testid: Some(testid),
        on_kubernetes: false,
        // Pods have addresses of IPv4, of IPv6, or of both.
        listen: Some(SocketAddr::from((Ipv6Addr::UNSPECIFIED, Launcher::PORT))),
        out: Some(PathBuf::from(POD_FOLDER)),
        folder: PathBuf::from(POD_FOLDER),
        outcome: Some(OutcomePlace::Log),
        ..settings
    }
}
