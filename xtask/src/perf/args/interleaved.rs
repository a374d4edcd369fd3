//! Flags of interleaved comparisons.

use std::time::Duration;

use super::JUDGING;
use crate::flags::values::whole_number;

/// Rounds per side without `--rounds` and without a calibration of the machine.
pub(crate) const ROUNDS: u32 = 12;
/// The maximum of `--rounds`.
pub(crate) const MOST_ROUNDS: u32 = 200;
/// Rounds per side of a calibration without `--rounds`.
pub(crate) const ROUNDS_OF_CALIBRATION: u32 = 20;

/// Flags of an interleaved comparison.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = JUDGING)]
pub(crate) struct InterleavedArgs {
    /// Compare with a git revision or a running service
    ///
    /// A revision is checked out and started. Base and head run in interleaved short rounds on this
    /// machine.
    #[arg(long, value_name = "REV|URL", conflicts_with_all = ["drill", "list", "dry-run", "proof", "replay", "smoke"])]
    pub(crate) against: Option<String>,
    /// Measure which slow-downs this machine can detect
    ///
    /// Compares the service with itself and prints the smallest slow-down that rounds can show.
    #[arg(long, conflicts_with_all = ["against", "drill", "list", "dry-run", "proof", "replay", "smoke"])]
    pub(crate) calibrate: bool,
    #[arg(
        long,
        value_name = "N",
        value_parser = whole_number::<u32>(2..=MOST_ROUNDS.into()),
        help = format!("Rounds per side [default: from the calibration, else {ROUNDS}]"),
        long_help = format!(
            "Rounds per side [default: from the calibration, else {ROUNDS}]\n\n\
             With --calibrate, the default is {ROUNDS_OF_CALIBRATION}."
        )
    )]
    pub(crate) rounds: Option<u32>,
    /// Test N times for a regression, evenly spaced
    ///
    /// The last check is at the end. With more than 1, the comparison stops early if a check finds
    /// a regression. Each check uses part of the allowed error.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole_number::<u32>(1..=10))]
    pub(crate) looks: u32,
    /// Shell command that starts each side of --against
    ///
    /// Runs at the top of each side's checkout, with a free port in PORT and the side (base or
    /// head) in PERF_SIDE.
    #[arg(long, value_name = "CMD")]
    start: Option<String>,
    /// Shell command that builds each side of --against
    ///
    /// Runs once in each checkout, before the first round.
    #[arg(long, value_name = "CMD")]
    build: Option<String>,
    /// Shell command that restores external state before each round
    ///
    /// For state that the service keeps elsewhere, such as a database. Runs like --start, with the
    /// service's URL in PERF_TARGET.
    #[arg(long, value_name = "CMD")]
    reset: Option<String>,
    /// Time limit for the service to start listening
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = perf_settings::parse_duration)]
    pub(crate) start_timeout: Duration,
}

impl InterleavedArgs {
    pub(crate) fn start(&self) -> Option<&str> {
        command(self.start.as_ref())
    }

    pub(crate) fn build(&self) -> Option<&str> {
        command(self.build.as_ref())
    }

    pub(crate) fn reset(&self) -> Option<&str> {
        command(self.reset.as_ref())
    }

    /// Whether the command runs rounds instead of a single run.
    pub(crate) const fn compares(&self) -> bool {
        self.against.is_some() || self.calibrate
    }
}

/// An empty command counts as not given, so that a workflow can pass on an empty input.
fn command(given: Option<&String>) -> Option<&str> {
    given.map(String::as_str).filter(|command| !command.trim().is_empty())
}
