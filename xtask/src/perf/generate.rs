//! The third stage: the scenario's process, or pods of a cluster, make the load and give its
//! evidence.

use monitoring::sanitize::sanitize;
use perf_report::exit_code::ExitCode;
use perf_settings::Settings;

mod on_kubernetes;

use super::args;
use super::child::{self, ChildOutcome};
use super::judge::MeasuredRun;
use super::perf_error::PerfError;
use super::perf_result::PerfResult;
use super::plan::PerfPlan;
use super::publish;
use super::services::Services;
use crate::host::terminal;
use crate::scenarios::ScenarioTest;

/// The output of a scenario's process.
pub(super) enum LoadOutput {
    Measured(Box<MeasuredRun>),
    /// The reason is printed, or it was a dry run.
    NothingToJudge(PerfResult),
}

/// Runs a scenario to its end. Prints its message or drawing, if any.
pub(super) async fn run(
    plan: &PerfPlan,
    services: &Services,
    scenario: &ScenarioTest,
) -> Result<LoadOutput, PerfError> {
    let settings = settings(plan, services, scenario);
    let pods = settings.agents.filter(|_| settings.on_kubernetes && plan.sends());
    let outcome = match pods {
        Some(agents) => on_kubernetes::run(plan, scenario, settings, agents).await,
        None => child::run(&plan.generator, scenario, settings, plan.signals.clone()).await,
    };
    Ok(match outcome {
        Ok(ChildOutcome::Measured(run)) => LoadOutput::Measured(run),
        Ok(ChildOutcome::Planned(summary)) => {
            summary.drawing.iter().for_each(|drawing| terminal::print_wrapped(drawing));
            LoadOutput::NothingToJudge(PerfResult::without_verdict(ExitCode::Met))
        }
        Ok(ChildOutcome::Sharded { code, made }) => {
            terminal::print_wrapped(&sanitize(&made));
            LoadOutput::NothingToJudge(PerfResult::without_verdict(code))
        }
        // The other scenarios run nevertheless.
        Err(PerfError::Scenario { code, message }) => {
            let verdict = format!("{}: {}", scenario.name, code.describe_stop());
            LoadOutput::NothingToJudge(publish::report_stop(code, verdict, &message))
        }
        Err(error) => return unmeasured(plan, scenario, error),
    })
}

/// The result of a run without measurements. If it was interrupted, prints why, and gives no error.
/// A second signal kills the process before it writes its outcome, which needs no explanation.
fn unmeasured(plan: &PerfPlan, scenario: &ScenarioTest, error: PerfError) -> Result<LoadOutput, PerfError> {
    let verdict = format!("{}: {}", scenario.name, ExitCode::Interrupted.describe_stop());
    match plan.signals.number() {
        0 => return Err(error),
        1 => terminal::print_stop(&verdict, &error.to_string()),
        _ => {}
    }
    Ok(LoadOutput::NothingToJudge(PerfResult::with_verdict(ExitCode::Interrupted, verdict)))
}

fn settings(plan: &PerfPlan, services: &Services, scenario: &ScenarioTest) -> Settings {
    let (target, testid) = (services.target.clone(), plan.testid(scenario));
    // Pods get these settings, too.
    let mut settings = Settings { target, testid, metrics_token: None, ..plan.settings.clone() };
    if let Some(prometheus) = &services.stack.prometheus {
        settings.remote_write = Some(args::write_url(prometheus));
        settings.prometheus = Some(prometheus.clone());
    }
    settings
}
