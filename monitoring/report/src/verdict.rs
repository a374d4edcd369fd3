//! Verdict on one objective, and the counts that it is made from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::MissingValue;
use crate::format::counted;

/// Requests that an objective counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Requests that met the condition of the objective, such as "within 300 ms".
    pub good: u64,
    /// All requests that were made and recorded.
    pub total: u64,
    /// Requests that the generator did not make or did not finish. Their results are unknown.
    pub unknown: u64,
    /// Unknown requests that were not made because the target accepted no connections. They are
    /// part of `unknown`. They cannot have been good, so they do not hide a miss.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refused: u64,
    /// Requests that the generator delayed: it started their iterations late, or stood still while
    /// they were under way. If they were slow, the generator may be the cause. They are part of
    /// `total`. An objective on failures counts only failed requests during which it stood still.
    #[serde(default)]
    pub late: u64,
}

impl Tally {
    /// Sum of both counts.
    #[must_use]
    pub const fn plus(self, other: &Self) -> Self {
        Self {
            good: self.good.saturating_add(other.good),
            total: self.total.saturating_add(other.total),
            unknown: self.unknown.saturating_add(other.unknown),
            refused: self.refused.saturating_add(other.refused),
            late: self.late.saturating_add(other.late),
        }
    }

    /// The good requests, and the unknown ones that may have been good.
    pub(crate) const fn most_good(&self) -> u64 {
        self.good.saturating_add(self.unknown.saturating_sub(self.refused))
    }
}

/// Whether a count is left out of `report.json`.
pub(crate) const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Verdict on an objective. Its counts decide it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "verdict", content = "reason", rename_all = "snake_case")]
pub enum Verdict {
    /// Met, whatever the results of unknown requests.
    Met,
    /// Missed, whatever the results of unknown requests.
    Missed,
    /// There is not enough evidence to decide.
    Inconclusive(Reason),
    /// The scenario does not exercise the objective.
    NotInScenario,
    /// A run of one iteration (`--smoke`) does not judge it, because it has too few requests.
    NotJudged,
}

/// Why a verdict is inconclusive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// No request was made, and none is known to be missing.
    #[error("no requests were made: does the scenario request the endpoint?")]
    NoData,
    /// The objective's segment or tag never occurred.
    #[error("there is no data in {segment}: does the scenario set it?")]
    NotInSegment {
        /// The segment or tag, such as "day 7" or "room=large".
        segment: String,
    },
    /// The requests have no response times.
    #[error("only open loads have response times: start iterations at a rate, for example --rate 40/s")]
    ClosedLoad,
    /// The check never ran.
    #[error("the check never ran: does the scenario reach it?")]
    NotChecked,
    /// The measure has no value.
    #[error("no value was recorded: does the scenario record it?")]
    NoValue,
    /// No requests or values, because every iteration failed before them.
    #[error("no data: all {} failed before it", counted(*iterations, "iteration"))]
    NotReached {
        /// Iterations of the run, all failed.
        iterations: u64,
    },
    /// Fewer requests than the objective needs.
    #[error(
        "only {}, and a {quantile} needs {needed}. Make more, for example with -d 1m or -i 100, or use --smoke to \
         check only that it works",
        counted(*total, "request")
    )]
    TooFew {
        /// Requests that were made and recorded.
        total: u64,
        /// Requests from which on the percentile is judged.
        needed: u64,
        /// Percentile that needs this minimum.
        quantile: String,
    },
    /// Fewer values of a measure than the objective needs.
    #[error("only {}, and a {quantile} needs {needed}. Record more, for example with -d 1m or -i 100", counted(*total, "value"))]
    TooFewValues {
        /// Values that were recorded.
        total: u64,
        /// Values from which on the percentile is judged.
        needed: u64,
        /// Percentile that needs this minimum.
        quantile: String,
    },
    /// Fewer requests opened a connection than the objective on connecting needs.
    #[error(
        "too few new connections ({total}): {quantile} needs at least {needed}, and requests on reused connections do \
         not count (to open one for each request: --no-connection-reuse)"
    )]
    TooFewConnections {
        /// Number of requests that opened a connection.
        total: u64,
        /// New connections from which on the percentile is judged.
        needed: u64,
        /// Percentile that needs this minimum.
        quantile: String,
    },
    /// The unknown requests could change the verdict.
    #[error(
        "{} cut off or never made, enough to change the verdict: the other findings say why",
        counted(*unknown, "request")
    )]
    Unknown {
        /// Requests that were cut off or never made.
        unknown: u64,
    },
    /// Requests that the generator delayed could explain the miss.
    #[error(
        "the generator delayed {}, enough to explain the miss. It needs more free processors, or less load",
        counted(*late, "request")
    )]
    Late {
        /// Number of requests that were delayed.
        late: u64,
    },
    /// The generator did not run for some time, or an agent did not make its share, which could
    /// explain the miss.
    #[error("the generator made less load than planned: another finding says when and why")]
    #[serde(rename = "paused")]
    LessLoad,
    /// The shards of the run did not make their loads at the same time.
    #[error("the shards did not run at the same time, so the target never had the whole load: use --start-at")]
    ShardsApart,
    /// Requests after the planned end of a closed load count, but that time does not. Without them,
    /// or with that time, the verdict could be another one.
    #[error(
        "iterations ended after the planned end of the load, and their requests may have changed the verdict: run longer"
    )]
    Overtime,
    /// There is no value. Or the report has an older version, which gives each reason as text only.
    #[error(transparent)]
    Unavailable(MissingValue),
}

impl Reason {
    /// Whether there is nothing to judge.
    pub(crate) const fn is_absence(&self) -> bool {
        matches!(
            self,
            Self::NoData | Self::NotInSegment { .. } | Self::NotChecked | Self::NoValue | Self::NotReached { .. }
        )
    }

    /// Whether a percentile needs more requests or values.
    pub(crate) const fn is_too_few(&self) -> bool {
        matches!(self, Self::TooFew { .. } | Self::TooFewValues { .. })
    }
}

impl Verdict {
    /// Whether the objective belongs to the run's verdict.
    pub(crate) const fn is_judged(&self) -> bool {
        !matches!(self, Self::NotInScenario | Self::NotJudged)
    }

    /// Why it is inconclusive. `None` for other verdicts.
    pub const fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Inconclusive(reason) => Some(reason),
            _ => None,
        }
    }

    /// Whether the verdict is met or missed.
    pub const fn is_decided(&self) -> bool {
        matches!(self, Self::Met | Self::Missed)
    }
}
