//! `cargo xtask perf --against`, an interleaved comparison.
//!
//! Base and head run in alternating short rounds on one machine, and the pairs of rounds are
//! judged. A service that this command starts is started anew for every round. So no round depends
//! on an earlier one. The luck of a process (its addresses, its hash seeds) affects one round and
//! not one side. Both rounds of a pair have the same plan; each pair has another plan. Nothing is
//! pushed to a store: rounds are too short for dashboards.

mod calibration;
mod comparison_plan;
mod conclude;
mod own_programs;
mod rounds;
mod run_rounds;
mod service;
mod sides;

use perf_host::signals::Signals;
use perf_report::exit_code::ExitCode;
use perf_report::format::exact_percent;
use perf_settings::Settings;

use super::PerfArgs;
use super::args::ROUNDS_OF_CALIBRATION;
use super::perf_error::{PerfError, after_cleanup, catch_panic};
use super::perf_result::PerfResult;
use crate::host::terminal;
use calibration::CalibrationRecord;
use comparison_plan::ComparisonPlan;
use rounds::{Rounds, comparable};
use sides::Sides;

/// Runs the comparison, or the calibration for one.
pub(crate) async fn run(args: &PerfArgs, settings: &Settings, signals: Signals) -> Result<PerfResult, PerfError> {
    let plan = ComparisonPlan::new(args, settings, signals)?;
    let result = catch_panic(run_planned(&plan)).await;
    after_cleanup(result, |result| result.code, plan.remove_checkout())
}

async fn run_planned(plan: &ComparisonPlan<'_>) -> Result<PerfResult, PerfError> {
    let sides = Sides::build(plan).await?;
    let rounds = Rounds::new(plan, sides)?;
    if plan.args.interleaved.calibrate {
        return calibrate(&rounds).await;
    }
    let measured = run_rounds::run(&rounds).await?;
    Ok(conclude::run(&rounds, measured)?)
}

/// Compares the service with itself, and stores which slow-downs the machine can detect.
async fn calibrate(rounds: &Rounds<'_>) -> Result<PerfResult, PerfError> {
    let args = rounds.plan.args;
    let planned = args.interleaved.rounds.unwrap_or(ROUNDS_OF_CALIBRATION) as usize;
    let mut pairs = Vec::new();
    for pair in 0..planned {
        pairs.push(rounds.pair(pair, planned).await?);
    }
    let rule = args.judging.rule();
    let calibrated = CalibrationRecord::measure(rounds.subject()?, &comparable(&pairs), rounds.took());
    let calibrated = calibrated.ok_or(PerfError::TooFewRequests)?;
    calibrated.keep()?;
    terminal::print_line(&format!("\n{}", calibrated.render(rule)));
    let (code, ability) = match calibrated.noise.needed_pairs(rule, rule.alpha) {
        Some(rounds) => (ExitCode::Met, format!("calibrated, {rounds} rounds detect")),
        None => (ExitCode::Inconclusive, "this machine is too noisy to detect".to_owned()),
    };
    let verdict = format!("{ability} a {} slow-down (exit {})", exact_percent(rule.detect), code.code());
    Ok(PerfResult::with_verdict(code, format!("{}: {verdict}", rounds.name)))
}
