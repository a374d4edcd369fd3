//! Runs the rounds of a comparison: as many as it needs, up to the check that ends it.

use perf_compare::significance::Looks;
use perf_report::Report;
use perf_report::comparison::Conclusion;
use perf_report::format::{counted, counted_part, exact_percent};

use super::calibration::CalibrationRecord;
use super::rounds::Rounds;
use crate::perf::args::{MOST_ROUNDS, ROUNDS};
use crate::perf::perf_error::PerfError;

pub(super) struct MeasuredRounds {
    /// The reports of base and head, for each pair of rounds.
    pub(super) pairs: Vec<(Report, Report)>,
    /// The significance level of the last check.
    pub(super) alpha: f64,
    /// Warnings about the number of rounds.
    pub(super) notes: Vec<String>,
}

/// Runs the rounds, until an interim check finds a regression.
pub(super) async fn run(rounds: &Rounds<'_>) -> Result<MeasuredRounds, PerfError> {
    let (planned, notes) = plan_rounds(rounds)?;
    let args = rounds.plan.args;
    let looks = Looks::new(planned, args.interleaved.looks as usize, args.judging.rule().alpha);
    let mut pairs: Vec<(Report, Report)> = Vec::new();
    let mut alpha = looks.last();
    for pair in 0..planned {
        pairs.push(rounds.pair(pair, planned).await?);
        // Only planned interim checks may stop the comparison.
        if let Some(level) = looks.level(pairs.len()) {
            alpha = level;
            let so_far = rounds.compare(level, &pairs);
            if pairs.len() < planned && so_far.endpoints.iter().any(|it| it.conclusion == Conclusion::Regressed) {
                let rounds = counted_part(pairs.len() as u64, planned as u64, "round");
                eprintln!("the interim check after {rounds} found a regression: stopping");
                break;
            }
        }
    }
    Ok(MeasuredRounds { pairs, alpha, notes })
}

/// The number of rounds, and warnings about it.
///
/// # Errors
/// If the calibration shows that the machine cannot detect the slow-down in that number of rounds.
fn plan_rounds(rounds: &Rounds<'_>) -> Result<(usize, Vec<String>), PerfError> {
    let (args, rule) = (rounds.plan.args, rounds.plan.args.judging.rule());
    let looks = args.interleaved.looks as usize;
    let given = args.interleaved.rounds.map(|rounds| rounds as usize);
    let Some(known) = CalibrationRecord::find(&rounds.subject()?)? else {
        let note = "this machine is not calibrated for this load: cargo xtask perf --calibrate".to_owned();
        return Ok((given.unwrap_or(ROUNDS as usize), vec![note]));
    };
    let too_noisy = |limit| PerfError::TooNoisy { detect: exact_percent(rule.detect), limit };
    let detects = |alpha: f64| format!("it detects {}", known.describe(rule, alpha));
    let needed = known.noise.needed_pairs_with_looks(rule, looks);
    // The significance level of the last check.
    let alpha = Looks::new(needed.unwrap_or(MOST_ROUNDS as usize), looks, rule.alpha).last();
    match (given, needed) {
        (None, Some(needed)) => Ok((needed, Vec::new())),
        (None, None) => Err(too_noisy(detects(alpha))),
        (Some(given), Some(needed)) if needed <= given => Ok((given, Vec::new())),
        (Some(given), needed) => {
            let takes = |needed| format!("that takes {}", counted(needed as u64, "round"));
            let limit = needed.map_or_else(|| detects(alpha), takes);
            Err(too_noisy(format!("{limit}, and --rounds is {given}")))
        }
    }
}
