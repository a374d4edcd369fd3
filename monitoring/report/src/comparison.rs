//! `comparison.json`: base and head of a service, compared round by round.
//!
//! Latencies are in milliseconds. Changes are shares (0.1 is 10 % more); a change of success is a
//! difference of shares. The crate `perf-compare` defines how they are judged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Millis;
use crate::exit_code::ExitCode;
use crate::finding::Finding;
use crate::format::{counted, exact_percent, millis, signed_interval, signed_percent, signed_points};
use crate::gate::Gate;
use crate::judgement::ObjectiveResult;

/// Schema version of `comparison.json`.
pub const SCHEMA: u32 = 2;

/// Headings of the columns with changes that are shown and not judged.
pub(crate) const NOT_JUDGED: [&str; 4] = ["p50", "p99", "success", "req/s"];

/// Comparison of base and head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// [`SCHEMA`] when it was written.
    pub schema: u32,
    /// Testid of the head's run, or name of the interleaved comparison.
    pub name: String,
    /// Description of the base: a revision, a URL or a run.
    pub base: String,
    /// Description of the head, in the same form.
    pub head: String,
    /// Method by which base and head were measured.
    pub method: ComparisonMethod,
    /// Scenario that loaded both sides.
    pub scenario: String,
    /// Load of a round: "10 VUs for 30s".
    pub load: String,
    /// Margins and error rate of the decision.
    pub rule: Rule,
    /// Level of this judgement. It is less than the rule's alpha if there were interim checks.
    pub alpha: f64,
    /// Number of pairs of rounds.
    pub pairs: usize,
    /// Results by endpoint, in the order of the catalogue.
    pub endpoints: Vec<EndpointChange>,
    /// Objectives of the head over all its rounds. Empty if they are not judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objectives: Vec<ObjectiveResult>,
    /// Problems and warnings. With a problem, the comparison cannot pass.
    pub findings: Vec<Finding>,
    /// Exit code of the process.
    pub exit_code: ExitCode,
}

/// Method of measuring base and head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComparisonMethod {
    /// Alternating rounds on one machine.
    Interleaved,
    /// Two separate runs at different times. Sections at the same point of the plan are paired.
    Recorded,
}

impl ComparisonMethod {
    /// Verdict on a run or a comparison with a regressed endpoint.
    pub(crate) const fn describe_regression(self) -> &'static str {
        match self {
            Self::Interleaved => "slower than the base",
            Self::Recorded => "slower than the baseline",
        }
    }
}

/// Results of one endpoint on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EndpointChange {
    /// Name in the catalogue.
    pub name: String,
    /// Conclusion about the p95, from the test of all endpoints together. The gate uses only this.
    pub conclusion: Conclusion,
    /// p95. Its interval holds for all endpoints together.
    pub p95: Change,
    /// Two-sided p-value of a change of the p95 within the margin, not corrected for the number of
    /// endpoints.
    pub p: f64,
    /// Median. This change and those below each have an interval of their own.
    pub p50: Change,
    /// The 99th percentile of latency, in milliseconds.
    pub p99: Change,
    /// Share of successful requests. The change is a difference of shares.
    pub success: Change,
    /// Requests a second, failed ones included.
    pub throughput: Change,
    /// p95 of base and head in each pair of rounds, in milliseconds.
    pub rounds_p95_ms: Vec<(Option<Millis>, Option<Millis>)>,
}

/// One measure of base and head.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Median of the base's rounds. `None` if no round has a value, or if the median lies among
    /// failed requests.
    pub before: Option<f64>,
    /// Median of the head's rounds, with the same rule.
    pub after: Option<f64>,
    /// Estimate of the true change, as a share of `before`: 0.1 is 10 % more.
    pub change: Option<f64>,
    /// Confidence interval of the change.
    pub interval: Option<(f64, f64)>,
}

impl Change {
    /// The change in percent. Empty if it is unknown.
    pub(crate) fn describe(&self) -> String {
        self.change.map(signed_percent).unwrap_or_default()
    }
}

/// Rule of a comparison, which is fixed before anything is measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Rule {
    /// Upper limit on the probability that any endpoint is falsely called regressed or improved.
    pub alpha: f64,
    /// Relative change that is ignored: 0.05 is 5 %.
    pub margin: f64,
    /// Smallest relative slow-down that must be detected. It is greater than the margin.
    pub detect: f64,
}

impl Default for Rule {
    fn default() -> Self {
        Self { alpha: 0.05, margin: 0.05, detect: 0.10 }
    }
}

impl Rule {
    /// The margin of a slow-down as a difference of logarithms.
    pub fn slower(self) -> f64 {
        self.margin.ln_1p()
    }

    /// The margin of an improvement as a difference of logarithms.
    pub fn faster(self) -> f64 {
        (-self.margin).ln_1p()
    }

    /// The slow-down that must be detected, as a difference of logarithms.
    pub fn detectable(self) -> f64 {
        self.detect.ln_1p()
    }

    /// Minimum number of pairs with which any of `hypotheses` can be rejected at level `alpha`. The
    /// smallest two-sided p-value of an exact test of n pairs is 2·2⁻ⁿ.
    pub fn fewest_pairs(alpha: f64, hypotheses: usize) -> usize {
        let share = alpha / f64::from(u32::try_from(hypotheses.max(1)).unwrap_or(u32::MAX));
        (1..)
            .find(|&pairs| 2.0 * 0.5_f64.powi(pairs) <= share)
            .map_or(usize::MAX, |pairs| pairs.unsigned_abs() as usize)
    }
}

/// Conclusion about the p95 of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Slower by more than the margin.
    Regressed,
    /// Faster by more than the margin.
    Improved,
    /// A slow-down of [`Rule::detect`] or more is ruled out.
    #[serde(rename = "no_change_seen")]
    NoChangeMeasured,
    /// The data neither shows a change nor rules out a slow-down.
    TooLittleData,
}

impl Conclusion {
    /// Word in tables and labels.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Improved => "improved",
            Self::NoChangeMeasured => "no change measured",
            Self::TooLittleData => "too little data",
        }
    }
}

impl Comparison {
    /// The comparison with objectives of the head and findings made after it was judged. Its exit
    /// code follows from all of them, and from changes of endpoints if the gate judges them. The
    /// objectives are empty if the gate does not judge them.
    #[must_use]
    pub fn conclude(self, gate: Gate, objectives: Vec<ObjectiveResult>, added: Vec<Finding>) -> Self {
        let findings: Vec<_> = self.findings.into_iter().chain(added).collect();
        let of_changes = self.endpoints.iter().map(|endpoint| match endpoint.conclusion {
            Conclusion::Regressed => ExitCode::Regressed,
            Conclusion::TooLittleData => ExitCode::Inconclusive,
            Conclusion::Improved | Conclusion::NoChangeMeasured => ExitCode::Met,
        });
        // A comparison of nothing is inconclusive.
        let is_empty = if gate.judges_changes() { self.endpoints.is_empty() } else { objectives.is_empty() };
        let floor = if is_empty { ExitCode::Inconclusive } else { ExitCode::Met };
        let codes = of_changes.filter(|_| gate.judges_changes()).chain(objectives.iter().map(ObjectiveResult::code));
        let codes = codes.chain(findings.iter().filter_map(|finding| finding.exit_code));
        let exit_code = codes.fold(floor, ExitCode::or_worse);
        Self { objectives, findings, exit_code, ..self }
    }

    /// Text of the exit code.
    pub const fn describe(&self) -> &'static str {
        match self.exit_code {
            ExitCode::Met if self.objectives.is_empty() => "no regression found",
            ExitCode::Met => "no regression found, and every objective was met",
            ExitCode::Regressed => self.method.describe_regression(),
            code => code.describe(),
        }
    }

    /// Explains the verdicts and columns of a table. `not_judged` are the columns of it that are
    /// not judged.
    pub(crate) fn legend(&self, not_judged: &[&str]) -> Vec<String> {
        const CHANGE: &str = "before and after are medians. change is that of a typical pair of rounds or sections, \
                              which can differ from the ratio of the medians";
        let rule = self.rule;
        let has = |conclusion| self.endpoints.iter().any(|endpoint| endpoint.conclusion == conclusion);
        let lines = [
            has(Conclusion::Regressed).then(|| {
                format!(
                    "regressed: p95 is more than {} slower, with {} confidence for all endpoints together",
                    exact_percent(rule.margin),
                    exact_percent(1.0 - self.alpha),
                )
            }),
            has(Conclusion::NoChangeMeasured)
                .then(|| format!("no change measured: a slow-down of {} is ruled out", exact_percent(rule.detect))),
            self.endpoints.iter().any(|endpoint| endpoint.p95.change.is_some()).then(|| CHANGE.to_owned()),
            (!not_judged.is_empty()).then(|| format!("not judged: {}", not_judged.join(", "))),
            not_judged.contains(&NOT_JUDGED[2]).then(|| "pp: percentage points".to_owned()),
        ];
        lines.into_iter().flatten().collect()
    }

    /// Describes how many pairs there are, and what a pair is.
    pub(crate) fn describe_pairs(&self) -> String {
        let pairs = counted(self.pairs as u64, "pair");
        match self.method {
            ComparisonMethod::Interleaved => format!("{pairs} of interleaved rounds"),
            ComparisonMethod::Recorded => {
                format!("{pairs} of sections of two recorded runs, which is weaker evidence than interleaved rounds")
            }
        }
    }
}

impl EndpointChange {
    /// Cells of a table about the p95: medians before and after, the change, and its interval. "∞"
    /// is the median of rounds whose p95s are all infinite. A cell without a value is empty.
    pub(crate) fn p95_cells(&self) -> [String; 4] {
        let Self { p95, rounds_p95_ms: rounds, .. } = self;
        let side = |median: Option<f64>, is_infinite: bool| match median {
            Some(ms) => millis(Millis::Finite(ms)),
            None if is_infinite => millis(Millis::INFINITE),
            None => String::new(),
        };
        [
            side(p95.before, rounds.iter().any(|(base, _)| *base == Some(Millis::INFINITE))),
            side(p95.after, rounds.iter().any(|(_, head)| *head == Some(Millis::INFINITE))),
            p95.describe(),
            p95.interval.map(|(low, high)| signed_interval(low, high)).unwrap_or_default(),
        ]
    }

    /// Cells of the columns [`NOT_JUDGED`].
    pub(crate) fn not_judged_cells(&self) -> [String; 4] {
        let success = self.success.change.map(signed_points).unwrap_or_default();
        [self.p50.describe(), self.p99.describe(), success, self.throughput.describe()]
    }

    /// The change, which was judged, then both sides: "p95 +28.3 % (typical change, interval
    /// +17.3 % to +41.5 %); medians 72.7 ms before, 95.1 ms after".
    pub(crate) fn describe_p95(&self) -> String {
        let ([before, after, ..], Change { change, interval, .. }) = (self.p95_cells(), self.p95);
        let interval = interval.map(|(low, high)| format!(", interval {}", signed_interval(low, high)));
        let interval = interval.unwrap_or_default();
        let change = change.map(|change| format!("{} (typical change{interval}); ", signed_percent(change)));
        format!("p95 {}medians {before} before, {after} after", change.unwrap_or_default())
    }
}
