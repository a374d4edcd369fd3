//! `cargo xtask perf`: a pipeline, one stage a file. Each takes the value before and gives the next; an exit code says what
//! came of it.

mod args;
mod baseline;
mod child;
mod drill;
mod generate;
mod interleaved;
mod perf_error;
mod plan;
mod proof;
mod prove;
mod publish;
mod services;

use monitoring::sanitize::sanitize;
use perf_report::exit_code::ExitCode;
use perf_report::render::files::REPORT;

pub(crate) use args::PerfArgs;
use generate::Generated;
pub(crate) use interleaved::checkout::clean_up;
use perf_error::{PerfError, configuration};
use plan::PerfPlan;
use services::Services;

use crate::scenarios::ScenarioTest;
use crate::{github, reports, terminal};

/// Runs the command.
pub(crate) async fn command(args: PerfArgs) -> ExitCode {
    let code = match perf(args).await {
        Ok(Some(code)) => code,
        Ok(None) => return ExitCode::Met,
        Err(PerfError(code, message)) => {
            let message = sanitize(&message);
            eprintln!("error: {message}");
            github::stopped(code, &message);
            code
        }
    };
    terminal::print_code(code);
    code
}

/// The gravest code of all runs; none if there was nothing to run.
async fn perf(args: PerfArgs) -> Result<Option<ExitCode>, PerfError> {
    let settings = args.settings().map_err(configuration)?;
    args.check(&settings).map_err(configuration)?;
    let (signals, _lock) = plan::take_turn(&args, &settings)?;
    if args.drill {
        return drill::run(&args, &settings, signals).await.map(Some);
    }
    if args.gate.compares() {
        return interleaved::run(&args, &settings, signals).await.map(Some);
    }
    let plan = PerfPlan::new(args, settings, signals)?;
    if plan.args.list {
        plan.scenarios.iter().for_each(|scenario| println!("{}", scenario.name));
        return Ok(None);
    }
    let services = Services::start(&plan).await?;
    let result = run_all(&plan, &services).await;
    let code = services.stop(result).await?;
    // Where nothing was sent, there is nothing that was met.
    Ok((plan.sends() || code != ExitCode::Met).then_some(code))
}

async fn run_all(plan: &PerfPlan, services: &Services) -> Result<ExitCode, PerfError> {
    let mut code = ExitCode::Met;
    for scenario in &plan.scenarios {
        code = code.or_worse(run(plan, services, scenario).await?);
        if plan.is_interrupted() {
            return Ok(code.or_worse(ExitCode::Interrupted));
        }
    }
    Ok(code)
}

/// One scenario, from load to report.
async fn run(plan: &PerfPlan, services: &Services, scenario: &ScenarioTest) -> Result<ExitCode, PerfError> {
    let before = prove::before(plan, services).await?;
    let (folder, evidence) = match generate::run(plan, services, scenario).await? {
        Generated::Evidence(folder, evidence) => (folder, *evidence),
        Generated::Nothing(code) => return Ok(code),
    };
    let mut report = reports::judge_evidence(evidence).map_err(configuration)?;
    report.requests_per_day = plan.args.baseline.requests_per_day;
    let path = folder.join(REPORT);
    terminal::print(&report, &path, services.grafana());
    let own = report.exit_code;
    if plan.is_interrupted() {
        report.conclude(prove::unproved(&report));
        return Ok(publish::run(&path, &report, None)?);
    }
    report.conclude(prove::run(plan, &folder, &report, before).await?);
    let compared = baseline::compare(&plan.args, &path, &report);
    compared.conclude(&plan.args, &mut report);
    let code = publish::run(&path, &report, compared.comparison())?;
    if let Some(name) = &plan.args.baseline.save_baseline {
        baseline::save(name, &path, own, &compared)?;
    }
    Ok(code)
}
