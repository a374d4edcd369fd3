//! `comparison.json`: two sides of a service, compared round by round, as it is written to disk.
//!
//! Latencies are in milliseconds, changes are shares (0.1 is 10 % more), changes of success are percentage points. How it
//! is judged is said in the crate `perf-compare`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exit_code::ExitCode;
use crate::finding::Finding;
use crate::format::{millis, signed_percent};
use crate::{Millis, ObjectiveResult};

/// The version of the comparison's form.
pub const SCHEMA: u32 = 2;

/// A comparison of two sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Its name.
    pub name: String,
    /// What the base is: a revision, an address, a run.
    pub base: String,
    /// What the head is.
    pub head: String,
    /// How they were measured.
    pub method: ComparisonMethod,
    /// The scenario's name.
    pub scenario: String,
    /// The load of a round, in words.
    pub load: String,
    /// What is asked of it.
    pub rule: Rule,
    /// The level that it was judged at: less than the rule's where looks before the end took their share.
    pub alpha: f64,
    /// How many pairs of rounds there are.
    pub pairs: usize,
    /// Endpoint by endpoint, in the catalogue's order.
    pub endpoints: Vec<EndpointChange>,
    /// The head's objectives over all its rounds; none if they were not to be judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objectives: Vec<ObjectiveResult>,
    /// What should be known: problems, for which it cannot be called unchanged, and warnings.
    pub findings: Vec<Finding>,
    /// The process's exit code.
    pub exit_code: ExitCode,
}

/// How two sides were measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComparisonMethod {
    /// Turn by turn in rounds, on one machine.
    Interleaved,
    /// Each in a run of its own, at another time: sections of the same part of the plan are paired.
    Recorded,
}

/// One endpoint on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EndpointChange {
    /// Its name in the catalogue.
    pub name: String,
    /// The gate: what the family of hypotheses says of its 95th percentile.
    pub conclusion: Conclusion,
    /// Its p95, with the interval that holds for all endpoints together.
    pub p95: Change,
    /// How likely such ranks are if its p95 changed by no more than the margin; not yet corrected for the number of endpoints.
    pub p: f64,
    /// Its median; this and what follows have intervals of their own.
    pub p50: Change,
    /// Its 99th percentile.
    pub p99: Change,
    /// Its share of successful requests; the change is a difference of shares.
    pub success: Change,
    /// Its requests a second.
    pub throughput: Change,
    /// The p95 of each round, base and head, in the order of pairs.
    pub rounds_p95_ms: Vec<(Option<Millis>, Option<Millis>)>,
}

/// A measure on both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// The median of the base's rounds; none where no round knows it, or it lies among failures.
    pub before: Option<f64>,
    /// The same of the head's.
    pub after: Option<f64>,
    /// The estimated change.
    pub change: Option<f64>,
    /// Where it truly lies.
    pub interval: Option<(f64, f64)>,
}

/// What is asked of a comparison, before it is made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Rule {
    /// The chance, at most, of even one false *regressed* or *improved* of the whole family.
    pub alpha: f64,
    /// The relative change up to which nobody minds: 0.05 is 5 %.
    pub margin: f64,
    /// The relative slow-down that must not go unseen; greater than the margin.
    pub detect: f64,
}

impl Default for Rule {
    fn default() -> Self {
        Self { alpha: 0.05, margin: 0.05, detect: 0.10 }
    }
}

impl Rule {
    /// The margin of a slow-down, as a difference of logarithms.
    pub fn slower(self) -> f64 {
        self.margin.ln_1p()
    }

    /// The margin of an improvement, likewise.
    pub fn faster(self) -> f64 {
        (-self.margin).ln_1p()
    }

    /// The slow-down that must not go unseen, likewise.
    pub fn unseen(self) -> f64 {
        self.detect.ln_1p()
    }

    /// The fewest pairs with which any of so many hypotheses can be rejected at a level: the least two-sided p of an exact
    /// test of n pairs is 2·2⁻ⁿ.
    pub fn fewest_pairs(alpha: f64, hypotheses: usize) -> usize {
        let share = alpha / f64::from(u32::try_from(hypotheses.max(1)).unwrap_or(u32::MAX));
        (1..)
            .find(|&pairs| 2.0 * 0.5_f64.powi(pairs) <= share)
            .map_or(usize::MAX, |pairs| pairs.unsigned_abs() as usize)
    }
}

/// What is known of one hypothesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Slower, by more than the margin.
    Regressed,
    /// Faster, by more than the margin.
    Improved,
    /// A slow-down that matters can be ruled out.
    NoChangeSeen,
    /// Nothing can be ruled out.
    TooLittleData,
}

impl Conclusion {
    /// As people read it.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Improved => "improved",
            Self::NoChangeSeen => "no change seen",
            Self::TooLittleData => "too little data",
        }
    }
}

impl Comparison {
    /// The gravest code that a finding, an objective or a problem asks for.
    pub fn code(&self) -> ExitCode {
        // Nothing compared is no comparison.
        let floor = if self.endpoints.is_empty() { ExitCode::Inconclusive } else { ExitCode::Met };
        let changes = self.endpoints.iter().map(|endpoint| match endpoint.conclusion {
            Conclusion::Regressed => ExitCode::Regressed,
            Conclusion::TooLittleData => ExitCode::Inconclusive,
            Conclusion::Improved | Conclusion::NoChangeSeen => ExitCode::Met,
        });
        self.gravest(changes.fold(floor, ExitCode::or_worse))
    }

    /// What its exit code says, in words.
    pub const fn describe(&self) -> &'static str {
        match self.exit_code {
            ExitCode::Met if self.objectives.is_empty() => "no regression seen",
            ExitCode::Met => "no regression seen, and every objective that gates was met",
            code => code.describe(),
        }
    }

    /// The gravest code that an objective or a problem asks for, whatever the findings say.
    pub fn code_of_objectives(&self) -> ExitCode {
        let floor = if self.objectives.is_empty() { ExitCode::Inconclusive } else { ExitCode::Met };
        self.gravest(floor)
    }

    fn gravest(&self, floor: ExitCode) -> ExitCode {
        let findings = self.findings.iter().filter_map(|finding| finding.exit_code);
        let objectives = self.objectives.iter().map(ObjectiveResult::code);
        findings.chain(objectives).fold(floor, ExitCode::or_worse)
    }
}

/// An endpoint's p95 on both sides as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SidesP95 {
    /// The base's: the median of its rounds, infinite if most lie among failures, empty if there is none.
    pub before: String,
    /// The head's.
    pub after: String,
    /// The change; empty if it is not known.
    pub change: String,
    /// Where the change lies; empty if it is not known.
    pub interval: String,
}

impl SidesP95 {
    /// The p95 of an endpoint.
    pub fn new(endpoint: &EndpointChange) -> Self {
        let EndpointChange { p95, rounds_p95_ms: rounds, .. } = endpoint;
        let side = |median: Option<f64>, is_infinite: bool| match median {
            Some(ms) => millis(Millis::Finite(ms)),
            None if is_infinite => millis(Millis::INFINITE),
            None => String::new(),
        };
        let interval = p95.interval.map(|(low, high)| format!("{} to {}", signed_percent(low), signed_percent(high)));
        Self {
            before: side(p95.before, rounds.iter().any(|(base, _)| *base == Some(Millis::INFINITE))),
            after: side(p95.after, rounds.iter().any(|(_, head)| *head == Some(Millis::INFINITE))),
            change: p95.change.map(signed_percent).unwrap_or_default(),
            interval: interval.unwrap_or_default(),
        }
    }
}
