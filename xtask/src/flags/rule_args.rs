//! The flags of the rule by which two runs are compared.

use std::fmt;
use std::str::FromStr;

use perf_report::comparison::Rule;

use crate::flags::flag_conflict::{conflict, first_given};
use crate::refusal::Refusal;

/// Flags of the rule by which two runs are compared.
#[derive(Debug, clap::Args)]
pub(crate) struct RuleArgs {
    /// Ignore p95 slow-downs up to PERCENT
    #[arg(long, value_name = "PERCENT", default_value_t = Percent(Rule::default().margin))]
    margin: Percent,
    /// Detect p95 slow-downs of PERCENT and more
    ///
    /// Greater than --margin.
    #[arg(long, value_name = "PERCENT", default_value_t = Percent(Rule::default().detect))]
    detect: Percent,
}

impl RuleArgs {
    pub(crate) fn rule(&self) -> Rule {
        Rule { margin: self.margin.0, detect: self.detect.0, ..Rule::default() }
    }

    /// Rejects a rule that has no room between its two limits.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let Self { margin, detect } = self;
        if detect > margin {
            return Ok(());
        }
        conflict(format!("--detect {detect} must be greater than --margin {margin}"))
    }

    /// The first flag whose value is not the default.
    pub(crate) fn changed_flag(&self) -> Option<&'static str> {
        let usual = Rule::default();
        first_given([("--margin", self.margin.0 != usual.margin), ("--detect", self.detect.0 != usual.detect)])
    }
}

/// A share, written as a percentage: "5" and "5%" are 0.05.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
struct Percent(f64);

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>();
        let number = number.ok().filter(|number| (0.0..=1_000.0).contains(number));
        number.map(|number| Self(number / 100.0)).ok_or_else(|| format!("{text:?} is not a percentage from 0 to 1000"))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0 * 100.0)
    }
}
