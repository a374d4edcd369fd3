//! The results of the check "queries".

use std::collections::BTreeSet;

use dashboards::queries::{PlacedQuery, QueryPlace};
use monitoring::excuse::Excuse;
use perf_report::format::first_items;
use prometheus_store::response::QueryResult;

/// Limit on the places that one line names.
const SHOWN_PLACES: usize = 3;

#[derive(Debug, Default)]
pub(crate) struct QueryTally {
    pub(crate) count: usize,
    /// Number of queries without data that may be empty.
    pub(crate) excused_count: usize,
    /// Number of queries with a problem.
    pub(crate) failed: usize,
    /// Places of queries without data that may be empty.
    pub(crate) excused_places: BTreeSet<(QueryPlace, Excuse)>,
    /// Problems, each once.
    problems: Vec<Problem>,
    /// The PromQL of queries with a problem.
    pub(crate) queries: Vec<String>,
}

/// A query without data, or with an error.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    /// Endpoint that the query is about, or the backend.
    subject: Option<&'static str>,
    place: QueryPlace,
    why: String,
}

/// The part of the service that a query is about, if it is about one only.
fn subject(placed: &PlacedQuery) -> Option<&'static str> {
    match placed.query.subject.endpoints.as_slice() {
        [only] => Some(only),
        _ => placed.query.expr.is_about_backend().then_some("the backend's metrics"),
    }
}

impl QueryTally {
    pub(crate) fn add(&mut self, placed: &PlacedQuery, promql: &str, found: &QueryResult, excuse: Option<Excuse>) {
        self.count += 1;
        match (found.why_not(), found, excuse) {
            (None, ..) => {}
            (Some(_), QueryResult::Nothing | QueryResult::OnlyNan, Some(excuse)) => {
                self.excused_count += 1;
                self.excused_places.insert((placed.place.clone(), excuse));
            }
            (Some(why), ..) => {
                self.failed += 1;
                self.add_query(&placed.place, promql);
                self.add_problem(subject(placed), placed.place.clone(), why);
            }
        }
    }

    /// Adds the PromQL of a problem, once even if both windows have it.
    pub(crate) fn add_query(&mut self, place: &QueryPlace, query: &str) {
        let query = format!("{place}: {query}");
        if !self.queries.contains(&query) {
            self.queries.push(query);
        }
    }

    /// Adds a problem, once even if both windows have it.
    pub(crate) fn add_problem(&mut self, subject: Option<&'static str>, place: QueryPlace, why: impl Into<String>) {
        let problem = Problem { subject, place, why: why.into() };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// One line for each problem. Problems of one subject with the same reason have one cause, and
    /// one line.
    pub(crate) fn describe_problems(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (i, problem) in self.problems.iter().enumerate() {
            let is_alike = |other: &&Problem| other.subject == problem.subject && other.why == problem.why;
            let Some(subject) = problem.subject else {
                lines.push(format!("{}: {}", problem.place, problem.why));
                continue;
            };
            if self.problems[..i].iter().any(|earlier| is_alike(&earlier)) {
                continue;
            }
            let places: Vec<_> = self.problems.iter().filter(is_alike).map(|alike| alike.place.to_string()).collect();
            lines.push(format!("{subject}: {}: {}", problem.why, first_items(&places, SHOWN_PLACES, "; ", " ")));
        }
        lines
    }
}
