//! A run from plan to exit code: a pipeline with one stage per file. Each stage takes the value of
//! the stage before it.

pub(crate) mod args;
pub(crate) mod baseline_plan;
pub(crate) mod child;
pub(crate) mod compare;
mod generate;
pub(crate) mod interleaved;
pub(crate) mod judge;
pub(crate) mod list;
pub(crate) mod perf_error;
pub(crate) mod perf_result;
pub(crate) mod plan;
pub(crate) mod prove;
pub(crate) mod publish;
mod services;
pub(crate) mod test_end;

use perf_report::exit_code::ExitCode;

pub(crate) use args::PerfArgs;
use compare::BaselineComparison;
use generate::LoadOutput;
use perf_error::{PerfError, after_cleanup, catch_panic};
use perf_result::PerfResult;
use plan::PerfPlan;
use prove::ProofResult;
use publish::EndedRun;
use services::Services;

use crate::scenarios::ScenarioTest;

/// Runs the scenarios of a plan, one after another.
pub(crate) async fn run(plan: &PerfPlan) -> Result<PerfResult, PerfError> {
    compare::check_before(plan).await?;
    let services = Services::start(plan).await?;
    let result = catch_panic(run_all(plan, &services)).await;
    after_cleanup(result, |result| result.code, services.stop().await)
}

async fn run_all(plan: &PerfPlan, services: &Services) -> Result<PerfResult, PerfError> {
    let mut result = PerfResult::without_verdict(ExitCode::Met);
    for scenario in &plan.scenarios {
        result = result.and(run_scenario(plan, services, scenario).await?);
        if plan.is_interrupted() {
            return Ok(result.and(PerfResult::without_verdict(ExitCode::Interrupted)));
        }
    }
    Ok(result)
}

/// Runs one scenario, from load to report.
async fn run_scenario(plan: &PerfPlan, services: &Services, scenario: &ScenarioTest) -> Result<PerfResult, PerfError> {
    let before = prove::before(plan, services).await;
    let measured = match generate::run(plan, services, scenario).await? {
        LoadOutput::Measured(run) => run,
        LoadOutput::NothingToJudge(result) => return Ok(result),
    };
    let judged = judge::run(*measured)?;
    let (proof, compared) = if plan.is_interrupted() {
        (ProofResult::interrupted(&judged.report), BaselineComparison::NotRequested)
    } else {
        (prove::run(plan, &judged, before).await, compare::run(&plan.baseline, &judged))
    };
    let ended = EndedRun { judged, proof, compared };
    publish::run(ended, &plan.baseline, plan.requests_per_day, services.lasting_grafana())
}
