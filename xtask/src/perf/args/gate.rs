//! Flags of comparisons and baselines.

use std::time::Duration;

use perf_report::comparison::Rule;

use crate::values::{ProductionArgs, RuleArgs};

/// Rounds per side without `--rounds` and without a calibration of the machine.
pub(crate) const ROUNDS: u32 = 12;
/// The maximum of `--rounds`.
pub(crate) const MOST_ROUNDS: u32 = 200;
/// Rounds per side of a calibration without `--rounds`.
pub(crate) const ROUNDS_OF_CALIBRATION: u32 = 20;

/// Flags of an interleaved comparison, and of the rule for every comparison.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Judging and comparing")]
pub(crate) struct GateArgs {
    /// Compare with a git revision or a running service
    ///
    /// A revision is checked out and started. Base and head run in
    /// interleaved short rounds on this machine.
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
        value_parser = clap::value_parser!(u32).range(2..=i64::from(MOST_ROUNDS)),
        help = format!("Rounds per side [default: from the calibration, else {ROUNDS}]"),
        long_help = format!(
            "Rounds per side [default: from the calibration, else {ROUNDS}]\n\n\
             With --calibrate, the default is {ROUNDS_OF_CALIBRATION}."
        )
    )]
    pub(crate) rounds: Option<u32>,
    /// Check N times, the last time at the end
    ///
    /// The checks are evenly spaced. With more than 1, the comparison stops early if a check finds
    /// a regression. Each check uses part of the allowed error.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10))]
    pub(crate) looks: u32,
    #[command(flatten)]
    rule: RuleArgs,
    /// Reason to fail: absolute, relative or both
    ///
    /// absolute: missed objectives of the head. relative: regressions.
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = Gate::Both)]
    pub(crate) gate: Gate,
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
    /// Restores state that the service keeps elsewhere, such as a database, before each round. Runs
    /// like --start, with the service's URL in PERF_TARGET.
    #[arg(long, value_name = "CMD")]
    reset: Option<String>,
    /// Time limit for the service to listen
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = perf_settings::parse_duration)]
    pub(crate) start_timeout: Duration,
}

/// Flags of recorded runs.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Judging and comparing")]
pub(crate) struct BaselineArgs {
    /// Compare with an earlier run
    ///
    /// The name of a baseline, the path of a report.json, or a testid. If it does not exist yet,
    /// only the objectives are checked.
    #[arg(long, value_name = "NAME|FILE|TESTID", conflicts_with_all = ["drill", "list", "dry-run", "smoke"])]
    pub(crate) baseline: Option<String>,
    /// Save the run as a baseline
    ///
    /// Replaces an older baseline of that name, unless the run was compared with one by --baseline.
    #[arg(long, value_name = "NAME", value_parser = perf_settings::parse_testid, conflicts_with_all = ["drill", "list", "dry-run", "smoke"])]
    pub(crate) save_baseline: Option<String>,
    #[command(flatten)]
    pub(crate) production: ProductionArgs,
}

impl BaselineArgs {
    /// Rejects contradicting flags. The error names them.
    pub(super) fn check(&self, gate: &GateArgs, scenarios: usize) -> Result<(), String> {
        if let (Some(flag), None, false) = (gate.comparison_flag(), &self.baseline, gate.compares()) {
            return Err(format!("{flag} needs a comparison: add --against, --calibrate or --baseline"));
        }
        let given = [("--baseline", &self.baseline), ("--save-baseline", &self.save_baseline)];
        let Some((flag, _)) = given.iter().find(|(_, value)| value.is_some()) else { return Ok(()) };
        if scenarios > 1 {
            return Err(format!("{flag} needs one scenario, and {scenarios} are named: name one"));
        }
        if gate.compares() {
            return Err(format!("{flag} needs a single run: remove it, or remove --against and --calibrate"));
        }
        Ok(())
    }
}

/// Findings that fail a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Gate {
    /// Missed objectives of the head, over all its rounds
    Absolute,
    /// Slow-downs relative to the base
    Relative,
    /// Either of the two
    Both,
}

impl Gate {
    pub(crate) const fn judges_objectives(self) -> bool {
        matches!(self, Self::Absolute | Self::Both)
    }

    pub(crate) const fn judges_changes(self) -> bool {
        matches!(self, Self::Relative | Self::Both)
    }
}

impl GateArgs {
    /// The first given flag that needs a comparison.
    fn comparison_flag(&self) -> Option<&'static str> {
        let gate = (self.gate != Gate::Both).then_some("--gate");
        gate.or_else(|| self.rule.changed_flag())
    }

    /// The command that starts the service.
    ///
    /// An empty command counts as not given, so that a workflow can pass on an empty input.
    pub(crate) fn start(&self) -> Option<&str> {
        self.start.as_deref().filter(|command| !command.trim().is_empty())
    }

    /// The command that builds the service; empty counts as not given.
    pub(crate) fn build(&self) -> Option<&str> {
        self.build.as_deref().filter(|command| !command.trim().is_empty())
    }

    /// The command that restores external state; empty counts as not given.
    pub(crate) fn reset(&self) -> Option<&str> {
        self.reset.as_deref().filter(|command| !command.trim().is_empty())
    }

    /// Whether the command runs rounds instead of a single run.
    pub(crate) const fn compares(&self) -> bool {
        self.against.is_some() || self.calibrate
    }

    /// The rule of the comparison.
    pub(crate) fn rule(&self) -> Rule {
        self.rule.rule()
    }

    /// Rejects contradicting flags. The error names them.
    pub(super) fn check(&self, has_target: bool) -> Result<(), String> {
        if self.start().is_some() && has_target {
            return Err("--start starts a service and --target names a running one: use one of them".to_owned());
        }
        if self.build().is_some() && self.start().is_none() {
            return Err("--build needs --start, the command that starts what was built".to_owned());
        }
        self.rule.check()?;
        let round_flags = [
            ("--rounds", self.rounds.is_some()),
            ("--looks", self.looks > 1),
            ("--start", self.start().is_some()),
            ("--reset", self.reset().is_some()),
        ];
        match round_flags.iter().find(|(_, given)| *given) {
            Some((flag, _)) if !self.compares() => Err(format!("{flag} needs rounds: add --against or --calibrate")),
            _ => Ok(()),
        }
    }
}
