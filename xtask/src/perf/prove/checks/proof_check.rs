//! One check of the proof: its outcome and its figures.

use std::collections::BTreeSet;

use dashboards::queries::QueryPlace;
use monitoring::excuse::Excuse;
use serde::{Serialize, Serializer};

use super::endpoint_clocks::ClockComparison;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProofCheckOutcome {
    #[serde(rename = "shown")]
    Passed,
    Failed,
    NotApplicable,
}

/// Each query as "place: excuse".
fn excused_as_text<S: Serializer>(excused: &BTreeSet<(QueryPlace, Excuse)>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(excused.iter().map(|(place, excuse)| format!("{place}: {excuse}")))
}

/// Values of the backend that a check lacks.
#[derive(Debug, Clone)]
pub(crate) struct Lack {
    pub(crate) values: &'static str,
    /// The figures without them. Empty if there are no others.
    pub(crate) figures: String,
}

/// One check of the proof, with its figures.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ProofCheck {
    pub(crate) name: &'static str,
    pub(crate) outcome: ProofCheckOutcome,
    /// The figures, or the reason why the check does not apply.
    pub(crate) figures: String,
    /// Values of the backend that the check needs and lacks. `None` if it applies.
    #[serde(skip)]
    pub(crate) lacks: Option<Lack>,
    /// Problems and notes.
    pub(crate) lines: Vec<String>,
    /// The PromQL queries of the lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) queries: Vec<String>,
    /// Places of queries without data that may be empty.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", serialize_with = "excused_as_text")]
    pub(crate) excused: BTreeSet<(QueryPlace, Excuse)>,
    /// The latencies by both clocks, by endpoint.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) clocks: Vec<ClockComparison>,
}

impl ProofCheck {
    pub(crate) fn new(name: &'static str, figures: String, wrong: Vec<String>) -> Self {
        let outcome = if wrong.is_empty() { ProofCheckOutcome::Passed } else { ProofCheckOutcome::Failed };
        let (queries, excused, clocks) = (Vec::new(), BTreeSet::new(), Vec::new());
        Self { name, outcome, figures, lacks: None, lines: wrong, queries, excused, clocks }
    }

    pub(crate) fn not_applicable(name: &'static str, why: impl Into<String>) -> Self {
        Self { outcome: ProofCheckOutcome::NotApplicable, ..Self::new(name, why.into(), Vec::new()) }
    }

    /// A check that does not apply without these values of the backend.
    pub(crate) fn without(name: &'static str, values: &'static str, why: impl Into<String>) -> Self {
        let lacks = Some(Lack { values, figures: String::new() });
        Self { lacks, ..Self::not_applicable(name, why) }
    }
}
