//! `cargo xtask perf`: a pipeline with one stage per file. Each stage takes the value of the stage
//! before it. The result is an exit code.

mod args;
mod baseline;
mod child;
mod drill;
mod generate;
mod interleaved;
mod merge;
mod perf_error;
mod plan;
mod prove;
mod publish;
mod services;

use std::path::PathBuf;

use monitoring::sanitize::sanitize;
use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::finding::Finding;
use perf_report::headline::Headline;
use perf_report::render::files::{HTML, REPORT};
use perf_report::render::terminal::RunResult;

pub(crate) use args::PerfArgs;
use baseline::{BaselineComparison, BaselinePlan};
use generate::LoadOutput;
pub(crate) use interleaved::checkout::clean_up;
pub(crate) use merge::{MergeArgs, command as merge};
use perf_error::{PerfError, after_cleanup, configuration};
use plan::PerfPlan;
use prove::ProofResult;
use services::Services;
use url::Url;

use crate::github;
use crate::host::terminal;
use crate::scenarios::ScenarioTest;
use crate::stack::dashboard_link::dashboard_link;

/// Runs the command.
pub(crate) async fn command(args: PerfArgs) -> ExitCode {
    finish(perf(args).await)
}

/// Prints the error of a command, or its exit code and the verdicts.
fn finish(result: Result<Option<PerfResult>, PerfError>) -> ExitCode {
    let (code, verdicts) = match result {
        Ok(Some(result)) => result,
        Ok(None) => return ExitCode::Met,
        Err(error) => {
            let (code, message) = (error.code(), sanitize(&error.to_string()));
            terminal::print_error(&message);
            github::report_stop(code, &message);
            (code, Vec::new())
        }
    };
    terminal::print_code(code, &verdicts);
    code
}

/// The most severe exit code of all runs, and the verdict of each.
type PerfResult = (ExitCode, Vec<String>);

/// Runs the command. Returns `None` if it sends nothing (`--list`, `--dry-run`).
async fn perf(args: PerfArgs) -> Result<Option<PerfResult>, PerfError> {
    let settings = args.settings().map_err(configuration)?;
    args.check(&settings).map_err(configuration)?;
    let (signals, _lock) = plan::lock_clone(&args, &settings)?;
    if args.drill {
        return drill::run(&args, &settings, signals).await.map(|code| Some((code, Vec::new())));
    }
    if args.gate.compares() {
        return interleaved::run(&args, &settings, signals).await.map(|code| Some((code, Vec::new())));
    }
    if args.list {
        plan::list(&args, &signals)?.iter().for_each(|scenario| println!("{}", scenario.name));
        return Ok(None);
    }
    let plan = PerfPlan::new(&args, settings, signals)?;
    let services = Services::start(&plan).await?;
    let mut verdicts = Vec::new();
    let result = run_all(&plan, &services, &mut verdicts).await;
    let code = after_cleanup(result, |code| *code, services.stop().await)?;
    // Dry runs and shards have no verdict, so their exit code is not printed unless it is an error.
    Ok((plan.judges() || code != ExitCode::Met).then_some((code, verdicts)))
}

async fn run_all(plan: &PerfPlan, services: &Services, verdicts: &mut Vec<String>) -> Result<ExitCode, PerfError> {
    let mut code = ExitCode::Met;
    for scenario in &plan.scenarios {
        code = code.or_worse(run(plan, services, scenario, verdicts).await?);
        if plan.is_interrupted() {
            return Ok(code.or_worse(ExitCode::Interrupted));
        }
    }
    Ok(code)
}

/// Runs one scenario, from load to report. Adds its verdict to `verdicts`.
async fn run(
    plan: &PerfPlan,
    services: &Services,
    scenario: &ScenarioTest,
    verdicts: &mut Vec<String>,
) -> Result<ExitCode, PerfError> {
    let before = prove::before(plan, services).await;
    let measured = match generate::run(plan, services, scenario).await? {
        LoadOutput::Measured(run) => run,
        LoadOutput::Nothing(code) => return Ok(code),
    };
    let folder = measured.folder.clone();
    let (judged, test_failed) = measured.judge()?;
    let (proof, compared) = if plan.is_interrupted() {
        (ProofResult::interrupted(&judged), BaselineComparison::NotRequested)
    } else {
        let proof = prove::run(plan, &folder, &judged, before).await;
        (proof, baseline::compare(&plan.baseline, &folder.join(REPORT), &judged))
    };
    let ended = EndedRun { folder, judged, test_failed, proof, compared };
    ended.publish(&plan.baseline, plan.requests_per_day, services.grafana(), verdicts)
}

/// A run that is judged, proven and compared.
struct EndedRun {
    folder: PathBuf,
    judged: Report,
    /// The problem that the test failed.
    test_failed: Option<Finding>,
    proof: ProofResult,
    compared: BaselineComparison,
}

impl EndedRun {
    /// Prints and publishes the run, and saves it as a baseline if that is asked for. Adds its
    /// verdict to `verdicts`.
    fn publish(
        self,
        baseline: &BaselinePlan,
        requests_per_day: Option<u64>,
        grafana: Option<&Url>,
        verdicts: &mut Vec<String>,
    ) -> Result<ExitCode, PerfError> {
        let Self { folder, judged, test_failed, proof, compared } = self;
        let own = test_failed.as_ref().and_then(|problem| problem.exit_code).unwrap_or(judged.exit_code);
        let path = folder.join(REPORT);
        let findings = test_failed.into_iter().chain(proof.findings).collect();
        let report = compared.conclude(baseline.gate, judged, findings);
        let report = report.for_requests_per_day(requests_per_day);
        let dashboard = grafana.and_then(|grafana| dashboard_link(grafana, &report));
        terminal::print_run(&RunResult {
            report: &report,
            proof: proof.text.as_deref(),
            compared: compared.comparison(),
            dashboard: dashboard.as_ref().map(Url::as_str),
            html: &path.with_file_name(HTML).display().to_string(),
        });
        verdicts.push(Headline::new(&report).verdict);
        let code = publish::run(&path, &report, compared.comparison())?;
        if let Some(name) = &baseline.save {
            baseline::save(name, &path, own, &compared)?;
        }
        Ok(code)
    }
}
