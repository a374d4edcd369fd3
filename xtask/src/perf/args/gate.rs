//! Flags of comparisons.

use std::time::Duration;

use perf_report::comparison::Rule;

use crate::values::percent;

/// What a run is compared with, how, and what of that is a failure.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Comparing")]
pub(crate) struct GateArgs {
    /// Compare with that: a git revision, which is checked out and started, or the URL of a service that runs. Base and head take
    /// turns in short rounds on this machine
    #[arg(long, value_name = "REV|URL", conflicts_with_all = ["drill", "list", "dry-run", "proof", "replay"])]
    pub(crate) against: Option<String>,
    /// Compare the service with itself, and say what changes this machine can see
    #[arg(long, conflicts_with_all = ["against", "drill", "list", "dry-run", "proof", "replay"])]
    pub(crate) calibrate: bool,
    /// Rounds of each side [default: as many as the calibration asks for, else 12; for --calibrate 20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=200))]
    pub(crate) rounds: Option<u32>,
    /// Look so many times, evenly spread, whether the answer is known already; each look takes its share of certainty
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10))]
    pub(crate) looks: u32,
    /// A slow-down of a p95 up to so many per cent is none
    #[arg(long, value_name = "PERCENT", default_value = "5", value_parser = percent)]
    pub(crate) margin: f64,
    /// A slow-down of so many per cent must not go unseen: more than the margin
    #[arg(long, value_name = "PERCENT", default_value = "10", value_parser = percent)]
    pub(crate) detect: f64,
    /// What a comparison fails for: the head's objectives, its difference from the base, or both
    #[arg(long, value_enum, default_value_t = Gate::Both)]
    pub(crate) gate: Gate,
    /// Starts the service: a shell's command, run at the top of each side's checkout with a free port in PORT and the side
    /// (base, head) in PERF_SIDE
    #[arg(long, value_name = "CMD")]
    start: Option<String>,
    /// Builds the service, once in each checkout, before the first round
    #[arg(long, value_name = "CMD")]
    build: Option<String>,
    /// Brings what the service keeps elsewhere back to where it was, before each round: likewise, and with the service's address
    /// in PERF_TARGET
    #[arg(long, value_name = "CMD")]
    reset: Option<String>,
    /// How long the service may take to listen
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = perf_settings::parse_duration)]
    pub(crate) start_timeout: Duration,
}

/// Flags of runs that were recorded.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Comparing")]
pub(crate) struct BaselineArgs {
    /// Compare the run with an earlier one: a baseline's name, a report.json or a testid. Without one of that name, objectives are
    /// judged alone
    #[arg(long, value_name = "NAME|FILE|TESTID", conflicts_with_all = ["drill", "list", "dry-run"])]
    pub(crate) baseline: Option<String>,
    /// Keep the run under that name, for --baseline, in place of an older one
    #[arg(long, value_name = "NAME", value_parser = perf_settings::parse_testid, conflicts_with_all = ["drill", "list", "dry-run"])]
    pub(crate) save_baseline: Option<String>,
    /// How many requests production has in a day, for what error budgets mean there
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) requests_per_day: Option<u64>,
}

impl BaselineArgs {
    /// Refuses what contradicts itself.
    pub(super) fn check(&self, gate: &GateArgs, scenarios: usize) -> Result<(), String> {
        if let (Some(flag), None, false) = (gate.of_two(), &self.baseline, gate.compares()) {
            return Err(format!("{flag} is about a comparison, which --against, --calibrate or --baseline ask for"));
        }
        let given = [("--baseline", &self.baseline), ("--save-baseline", &self.save_baseline)];
        let Some((flag, _)) = given.iter().find(|(_, value)| value.is_some()) else { return Ok(()) };
        if scenarios > 1 {
            return Err(format!("{flag} is about one scenario, and {scenarios} were named"));
        }
        if gate.compares() {
            return Err(format!("{flag} is about one run, and --against and --calibrate make rounds of runs"));
        }
        Ok(())
    }
}

/// What a comparison fails for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Gate {
    /// The head's own objectives, over all its rounds
    Absolute,
    /// Being slower than the base
    Relative,
    /// Either
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
    /// The flag, if one was given, that only means something where there are two to be compared.
    fn of_two(&self) -> Option<&'static str> {
        let usual = Rule::default();
        let given = [
            ("--gate", self.gate != Gate::Both),
            ("--margin", self.margin != usual.margin),
            ("--detect", self.detect != usual.detect),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }

    /// The command that starts the service. One that is empty is none, so that a workflow can pass on what it was not given.
    pub(crate) fn start(&self) -> Option<&str> {
        self.start.as_deref().filter(|command| !command.trim().is_empty())
    }

    /// The command that builds it.
    pub(crate) fn build(&self) -> Option<&str> {
        self.build.as_deref().filter(|command| !command.trim().is_empty())
    }

    /// The command that brings it back to where it was.
    pub(crate) fn reset(&self) -> Option<&str> {
        self.reset.as_deref().filter(|command| !command.trim().is_empty())
    }

    /// Whether rounds are run in place of a run.
    pub(crate) const fn compares(&self) -> bool {
        self.against.is_some() || self.calibrate
    }

    /// What is asked of a comparison.
    pub(crate) fn rule(&self) -> Rule {
        Rule { margin: self.margin, detect: self.detect, ..Rule::default() }
    }

    /// Refuses what contradicts itself.
    pub(super) fn check(&self, has_target: bool) -> Result<(), String> {
        if self.start().is_some() && has_target {
            return Err("--start starts a service, and --target names one that runs already".to_owned());
        }
        if self.build().is_some() && self.start().is_none() {
            return Err("--build is about the service that --start starts".to_owned());
        }
        if self.detect <= self.margin {
            return Err(format!(
                "--detect {} is no more than --margin {}: what must be seen has to be more than what nobody minds",
                self.detect * 100.0,
                self.margin * 100.0
            ));
        }
        let of_rounds = [
            ("--rounds", self.rounds.is_some()),
            ("--looks", self.looks > 1),
            ("--start", self.start().is_some()),
            ("--reset", self.reset().is_some()),
        ];
        match of_rounds.iter().find(|(_, given)| *given) {
            Some((flag, _)) if !self.compares() => {
                Err(format!("{flag} is about rounds, which --against or --calibrate run"))
            }
            _ => Ok(()),
        }
    }
}
