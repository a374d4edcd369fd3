//! The counts that an objective is judged by.

use std::time::Duration;

use monitoring::endpoint::Endpoint;
use monitoring::measure::{Limit, Measure, Reading, as_duration};
use monitoring::slo::{Sli, Slo};
use monitoring::span::Span;

use super::{Judge, Scope};
use crate::evidence::{MeasureCounts, RequestCounts};
use crate::verdict::Tally;

impl Judge<'_> {
    /// Requests that an objective counts. `None` if the scenario does not exercise it.
    pub fn tally(&self, slo: &Slo) -> Option<Tally> {
        let scope = self.scope(slo)?;
        match &slo.sli {
            Sli::NoError => Some(succeeded(self.all_requests(scope))),
            Sli::Success { endpoint } => Some(succeeded(self.requests(self.exercised_index(endpoint)?, scope))),
            Sli::Throughput { endpoint, .. } => self.tally_of_throughput(endpoint.as_ref(), scope),
            Sli::Check { name } => self.tally_of_check(name, scope),
            Sli::Measure { at_most, .. } => Some(tally_of_values(&self.measure_counts(slo)?, *at_most)),
            Sli::Value { measure, reading, limit } => {
                let counts = self.measure_counts(slo)?;
                let value = match reading {
                    Reading::Count | Reading::PerSecond => Some(counts.sum),
                    Reading::Last => self.worst_last(measure, *limit, scope),
                };
                Some(self.tally_of_value(value, scope))
            }
            Sli::Span { span, threshold, .. } => self.tally_of_span(slo, *span, *threshold, scope),
        }
    }

    /// Successful requests of an endpoint, or of all.
    fn tally_of_throughput(&self, endpoint: Option<&Endpoint>, scope: Scope) -> Option<Tally> {
        let indices = match endpoint {
            Some(endpoint) => vec![self.exercised_index(endpoint)?],
            None => (0..self.catalogue.endpoints.len()).collect(),
        };
        // Requests that were never made, because of a stall or of dropped arrivals, did not
        // succeed. Only those that were cut off may have.
        let unknown = self.cut_off_requests(&indices, scope);
        Some(Tally { unknown, refused: 0, ..succeeded(self.sum_requests(indices, scope)) })
    }

    /// Tries of a check. `None` if the scenario does not declare it.
    fn tally_of_check(&self, name: &str, scope: Scope) -> Option<Tally> {
        let tries = self.snapshot.check(name, scope.phases, scope.selection);
        let is_tried = tries.tried > 0 || self.checks.iter().any(|known| known == name);
        // Each unknown request could have been checked.
        let RequestCounts { unknown, refused, late_failures: late, .. } = self.all_requests(scope);
        is_tried.then_some(Tally { good: tries.tried - tries.failed, total: tries.tried, unknown, refused, late })
    }

    /// A value as the good requests, and all requests. Without a value, there are none, and the
    /// objective is inconclusive.
    fn tally_of_value(&self, value: Option<u64>, scope: Scope) -> Tally {
        let Some(good) = value else { return Tally::default() };
        Tally { good, total: self.all_requests(scope).sent, ..Tally::default() }
    }

    /// Requests within a threshold.
    fn tally_of_span(&self, slo: &Slo, span: Span, threshold: Duration, scope: Scope) -> Option<Tally> {
        let (index, counts) = self.endpoint_counts(slo)?;
        // Closed loads have no response times. Without requests the objective is inconclusive,
        // never met.
        let Some(durations) = counts.span(span) else { return Some(Tally::default()) };
        let buckets = durations.buckets();
        let RequestCounts { unknown, refused, .. } = self.requests(index, scope);
        Some(Tally { good: buckets.within(threshold), total: buckets.count(), unknown, refused, late: counts.late })
    }

    /// Values of the objective's measure. `None` if the scenario does not record it.
    pub(super) fn measure_counts(&self, slo: &Slo) -> Option<MeasureCounts> {
        let measure = slo.measure()?;
        let scope = self.scope(slo)?;
        let index = self.catalogue.measures.iter().position(|known| known == measure)?;
        let counts = self.snapshot.measure(index, scope.phases, scope.selection)?;
        (counts.count > 0 || self.measures.iter().any(|name| name == measure.name)).then_some(counts)
    }

    /// The last value of a gauge. With several parts, the worst of their values.
    fn worst_last(&self, measure: &Measure, limit: Limit, scope: Scope) -> Option<u64> {
        let index = self.catalogue.measures.iter().position(|known| known == measure)?;
        let values = self.snapshot.selected(scope.selection).filter_map(|part| part.measures.last(index));
        match limit {
            Limit::AtMost(_) => values.max(),
            Limit::AtLeast(_) => values.min(),
        }
    }
}

/// Counts of requests that are good if they succeed.
const fn succeeded(requests: RequestCounts) -> Tally {
    Tally {
        good: requests.sent - requests.failed,
        total: requests.sent,
        unknown: requests.unknown,
        refused: requests.refused,
        late: requests.late_failures,
    }
}

/// Values of a trend that are at most `at_most`, or values of a rate that are not zero.
fn tally_of_values(counts: &MeasureCounts, at_most: Option<u64>) -> Tally {
    let limit = at_most.map(as_duration);
    let within = limit.zip(counts.values.as_ref()).map(|(limit, values)| values.buckets().within(limit));
    Tally { good: within.unwrap_or(counts.passed), total: counts.count, ..Tally::default() }
}
