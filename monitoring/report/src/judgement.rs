//! Judges a run: a pure function of its evidence and the catalogue.

mod check_result;
pub(crate) mod conclude;
mod connecting;
mod endpoint_result;
mod final_verdict;
mod goal;
mod objective_result;
pub mod objective_verdict;
mod segments;
mod smoke;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::measure::{Limit, Measure, Reading, as_duration};
use monitoring::phase::{Phase, Phases};
use monitoring::ratio::Ratio;
use monitoring::slo::{Sli, Slo};
use monitoring::span::Span;

pub use check_result::CheckResult;
pub use endpoint_result::{EndpointResult, Requests, ServerTiming};
pub use final_verdict::verdict_of_rounds;
pub(crate) use goal::REQUEST;
pub use goal::{Goal, LimitSide, Percentile, Share};
pub use objective_result::{Measurement, ObjectiveResult};
pub use segments::SegmentResult;

use crate::evidence::{
    Selection, EndpointCounts, Evidence, IterationCounts, Iterations, Latency, MeasureCounts, PartCounts, RequestCounts,
     ServerTimes, Snapshot, judged_ms,
};
use crate::finding::{Finding, FindingKind, Subject};
use crate::format::millis;
use crate::millis::{Millis, exact_ms};
use crate::quantile::CurvePoint;
use crate::verdict::{Tally, Verdict};

/// Counts of a run, which may still be in progress, and the objectives that they are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'run> {
    /// Endpoints and objectives of the service.
    pub catalogue: &'run Catalogue,
    /// Endpoints that the scenario requests.
    pub exercised: &'run [Endpoint],
    /// Counts up to now, from which verdicts are made.
    pub snapshot: &'run Snapshot,
    /// Names of the checks that the scenario declares.
    pub checks: &'run [Cow<'static, str>],
    /// Names of the measures that the scenario declares.
    pub measures: &'run [Cow<'static, str>],
    /// Names of the scenario's parts, in the order of the counts.
    pub parts: &'run [&'run str],
}

/// Result of judging a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Requests of the load, without setup and teardown.
    pub requests: Requests,
    /// Iterations of all parts, without setup and teardown.
    pub iterations: Iterations,
    /// Results of each requested endpoint, in the order of the catalogue.
    pub endpoints: Vec<EndpointResult>,
    /// Latencies by segment of the scenario.
    pub segments: Vec<SegmentResult>,
    /// Results by name of the check, without checks that were not evaluated.
    pub checks: Vec<CheckResult>,
    /// Results by objective, in the order of the catalogue. Those on the backend's own metrics are
    /// last.
    pub objectives: Vec<ObjectiveResult>,
    /// Findings that follow from the counts.
    pub findings: Vec<Finding>,
}

/// Judges a run. The evidence must match the catalogue ([`Evidence::matches`]).
pub fn judge(catalogue: &Catalogue, evidence: &Evidence) -> Judgement {
    let is_exercised = |endpoint: &&Endpoint| evidence.exercised.iter().any(|name| name == endpoint.name);
    let exercised: Vec<_> = catalogue.endpoints.iter().filter(is_exercised).copied().collect();
    let parts: Vec<_> = evidence.run.plan.parts.iter().map(|part| &*part.name).collect();
    let (snapshot, checks) = (&evidence.counts, &evidence.checks);
    let measures = &evidence.measures;
    let judge = Judge { catalogue, exercised: &exercised, snapshot, checks, measures, parts: &parts };
    let IterationCounts { completed, failed, interrupted, .. } = evidence.counts.iterations();
    let dropped = evidence.counts.parts.iter().flat_map(|part| part.dropped).sum();
    let known = catalogue.endpoints.iter().enumerate().filter(|(_, endpoint)| exercised.contains(endpoint));
    let mut objectives: Vec<_> = catalogue.slos.iter().map(|slo| judge.objective(slo, evidence)).collect();
    let mut findings = judge.hidden_waits(&objectives);
    findings.extend(connecting::findings(&judge));
    let on_backend = catalogue.backend_slos.iter().filter_map(|slo| {
        let measurement = evidence.backend.iter().find(|measurement| measurement.id == slo.id())?;
        let verdict = final_verdict::final_backend_verdict(evidence, slo, &measurement.value);
        Some(ObjectiveResult::backend(slo, measurement.value.as_ref().ok().copied(), verdict))
    });
    objectives.extend(on_backend);
    let endpoints: Vec<_> = known.filter_map(|(index, endpoint)| judge.endpoint_result(index, endpoint)).collect();
    if evidence.run.smoke {
        let requested = endpoints.iter().filter(|endpoint| endpoint.requests.sent > 0);
        let requested: Vec<_> = requested.map(|endpoint| &endpoint.name).collect();
        findings.extend(smoke::problem(&evidence.counts, &evidence.exercised, &requested));
    }
    Judgement {
        requests: judge.all(EVERYTHING).into(),
        iterations: Iterations { completed, failed, interrupted, dropped },
        endpoints,
        segments: segments::results(catalogue, &evidence.counts),
        checks: judge.check_results(),
        objectives,
        findings,
    }
}

/// Requests that an objective judges.
#[derive(Debug, Clone, Copy)]
struct Scope {
    phases: Phases,
    selection: Selection,
}

/// Requests of an endpoint that this number of iterations would have made, as completed iterations
/// did on average. Without completed iterations, it is the largest number.
fn requests_of_iterations(part: &PartCounts, index: usize, iterations: u64) -> u64 {
    let most = iterations.saturating_mul(part.most_per_iteration[index]);
    let sent: u64 = Phase::ALL.iter().map(|&phase| part.cell(index, phase).requests().sent).sum();
    match part.iterations.completed {
        0 => most,
        completed => most.min(iterations.saturating_mul(sent) / completed),
    }
}

const EVERYTHING: Scope = Scope { phases: Phases::ALL, selection: Selection { part: None, segment: None } };

impl Judge<'_> {
    /// Requests of an endpoint in a scope. A dropped iteration counts as unknown requests: as many
    /// as the busiest iteration of its load made. If the endpoint's host accepted no connections,
    /// as many as the average iteration made are certain to be bad.
    fn requests(&self, index: usize, scope: Scope) -> RequestCounts {
        let mut requests = RequestCounts::default();
        for part in self.snapshot.selected(scope.selection) {
            for phase in scope.phases.iter() {
                let cell = part.cell(index, phase);
                requests.add(cell.requests());
                let most = part.most_per_iteration[index];
                requests.unknown += (part.dropped[phase.index()] + cell.stopped_iterations) * most;
                requests.refused += requests_of_iterations(part, index, cell.refused_iterations);
            }
        }
        requests
    }

    /// Requests of endpoints that began and did not end.
    fn cut(&self, indices: &[usize], scope: Scope) -> u64 {
        let of_endpoint =
            |part: &PartCounts, index| scope.phases.iter().map(|phase| part.cell(index, phase).unknown).sum::<u64>();
        let of_part = |part| indices.iter().map(|&index| of_endpoint(part, index)).sum::<u64>();
        self.snapshot.selected(scope.selection).map(of_part).sum()
    }

    fn all(&self, scope: Scope) -> RequestCounts {
        let mut all = RequestCounts::default();
        (0..self.catalogue.endpoints.len()).for_each(|index| all.add(self.requests(index, scope)));
        all
    }

    /// Index of an endpoint. `None` if the scenario does not request it.
    fn index(&self, endpoint: &Endpoint) -> Option<usize> {
        let index = self.catalogue.endpoints.iter().position(|known| known == endpoint)?;
        self.exercised.contains(endpoint).then_some(index)
    }

    /// Requests that the objective judges. `None` if the run does not have its part.
    fn scope(&self, slo: &Slo) -> Option<Scope> {
        let part = match slo.part {
            None => None,
            Some(name) => Some(self.parts.iter().position(|part| *part == name)?),
        };
        let segments = self.catalogue.judged_segments();
        let segment = slo.segment.and_then(|judged| segments.iter().position(|segment| *segment == judged));
        Some(Scope { phases: slo.phases, selection: Selection { part, segment } })
    }

    fn counts(&self, slo: &Slo) -> Option<(usize, EndpointCounts)> {
        let (index, scope) = (self.index(slo.endpoint()?)?, self.scope(slo)?);
        Some((index, self.snapshot.endpoint_in(index, scope.phases, scope.selection)?))
    }

    /// Values of the objective's measure. `None` if the scenario does not record it.
    fn measure(&self, slo: &Slo) -> Option<MeasureCounts> {
        let (measure, scope) = (slo.measure()?, self.scope(slo)?);
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

    /// Requests that an objective counts. `None` if the scenario does not exercise it.
    pub fn tally(&self, slo: &Slo) -> Option<Tally> {
        let scope = self.scope(slo)?;
        let succeeded = |requests: RequestCounts| Tally {
            good: requests.sent - requests.failed,
            total: requests.sent,
            unknown: requests.unknown,
            refused: requests.refused,
            late: requests.late_failures,
        };
        match &slo.sli {
            Sli::NoError => Some(succeeded(self.all(scope))),
            Sli::Success { endpoint } => Some(succeeded(self.requests(self.index(endpoint)?, scope))),
            Sli::Throughput { endpoint, .. } => {
                let indices = match endpoint {
                    Some(endpoint) => vec![self.index(endpoint)?],
                    None => (0..self.catalogue.endpoints.len()).collect(),
                };
                let mut requests = RequestCounts::default();
                for &index in &indices {
                    requests.add(self.requests(index, scope));
                }
                // Requests that were never made, because of a stall or of dropped arrivals, did not
                // succeed. Only those that were cut off may have.
                (requests.unknown, requests.refused) = (self.cut(&indices, scope), 0);
                Some(succeeded(requests))
            }
            Sli::Check { name } => {
                let tries = self.snapshot.check(name, scope.phases, scope.selection);
                // Each unknown request could have been checked.
                let RequestCounts { unknown, refused, late_failures: late, .. } = self.all(scope);
                let good = tries.tried - tries.failed;
                let is_tried = tries.tried > 0 || self.checks.iter().any(|known| known == name);
                is_tried.then_some(Tally { good, total: tries.tried, unknown, refused, late })
            }
            Sli::Measure { at_most, .. } => {
                let counts = self.measure(slo)?;
                let limit = at_most.map(as_duration);
                let within = limit.zip(counts.values.as_ref()).map(|(limit, values)| values.buckets().within(limit));
                let (good, total) = (within.unwrap_or(counts.passed), counts.count);
                Some(Tally { good, total, ..Tally::default() })
            }
            Sli::Value { measure, reading, limit } => {
                let (counts, total) = (self.measure(slo)?, self.all(scope).sent);
                let good = match reading {
                    Reading::Count | Reading::PerSecond => counts.sum,
                    Reading::Last => match self.worst_last(measure, *limit, scope) {
                        Some(value) => value,
                        // Without a value the objective is inconclusive.
                        None => return Some(Tally::default()),
                    },
                };
                Some(Tally { good, total, ..Tally::default() })
            }
            Sli::Span { span, threshold, .. } => {
                let (index, counts) = self.counts(slo)?;
                // Closed loads have no response times. Without requests the objective is
                // inconclusive, never met.
                let Some(durations) = counts.span(*span) else { return Some(Tally::default()) };
                let (good, total) = (durations.buckets().within(*threshold), durations.buckets().count());
                let RequestCounts { unknown, refused, .. } = self.requests(index, scope);
                Some(Tally { good, total, unknown, refused, late: counts.late })
            }
        }
    }

    fn objective(&self, slo: &Slo, evidence: &Evidence) -> ObjectiveResult {
        let (Some(tally), Some(scope)) = (self.tally(slo), self.scope(slo)) else {
            return ObjectiveResult::not_in_scenario(self.catalogue, slo);
        };
        let judged_ms = || judged_ms(&evidence.phases, scope.phases, scope.selection.part);
        let measurement = match slo.limit() {
            Some(_) => Measurement::value(tally, slo.is_per_second().then(judged_ms)),
            None => self.measured(slo, tally),
        };
        let verdict = final_verdict::final_verdict(self, evidence, slo, scope, tally);
        ObjectiveResult::new(self.catalogue, slo, measurement, verdict)
    }

    /// Counts of an objective on a share, with the percentile for display.
    fn measured(&self, slo: &Slo, tally: Tally) -> Measurement {
        if let Some(values) = self.measure(slo).and_then(|counts| counts.values) {
            return Measurement::Values { tally, quantile: values.quantile(slo.objective).map(Millis::as_f64) };
        }
        let (Some(span), Some((_, counts))) = (slo.limited_span(), self.counts(slo)) else {
            return Measurement::counts(slo, tally);
        };
        let quantile = |durations: &Latency| durations.quantile(slo.objective);
        let judged = counts.span(span);
        let response_ms = counts.response.as_ref().filter(|_| span == Span::Latency).and_then(quantile);
        let quantile_ms = judged.and_then(quantile);
        let interval_ms = judged.and_then(|judged| judged.interval(slo.objective));
        Measurement::Percentile { tally, quantile_ms, interval_ms, response_ms }
    }

    /// Warnings about objectives on latency that are met only because the wait before a request is
    /// sent is not counted.
    fn hidden_waits(&self, results: &[ObjectiveResult]) -> Vec<Finding> {
        let slos = self.catalogue.slos.iter().zip(results);
        let met = slos.filter(|(_, result)| result.goal.is_latency() && result.verdict == Verdict::Met);
        let hidden = met.filter_map(|(slo, result)| {
            let (_, counts) = self.counts(slo)?;
            let response = counts.response.filter(|response| response.buckets().count() > 0)?;
            let good = response.buckets().within(slo.threshold()?);
            let total = response.buckets().count();
            let message = format!(
                "{} meets {} only if the wait before a request is sent is not counted. From when requests were due, \
                 {good} of {total} were good and {} is {}: users would wait longer than the objective allows",
                result.subject,
                result.objective,
                slo.quantile(),
                response.quantile(slo.objective).map(millis).unwrap_or_default(),
            );
            let subject = Subject::Objective(result.subject.clone());
            (!slo.holds(good, total)).then(|| Finding::warning(subject, FindingKind::HiddenWaits, message))
        });
        hidden.collect()
    }

    fn endpoint_result(&self, index: usize, endpoint: &Endpoint) -> Option<EndpointResult> {
        let all = self.snapshot.endpoint(index, Phases::ALL)?;
        let judged = self.snapshot.endpoint(index, Phases::AFTER_WARM_UP)?;
        let quantile = |latency: &Latency, percent| latency.quantile(Ratio::percent(percent));
        let response = |percent| judged.response.as_ref().and_then(|response| quantile(response, percent));
        Some(EndpointResult {
            name: endpoint.name.to_owned(),
            requests: self.requests(index, EVERYTHING).into(),
            cut: all.unknown,
            reconnects: all.reconnects,
            bodies: all.bodies,
            by_status: all.by_status.iter().map(|(&status, counts)| (status, counts.durations.count())).collect(),
            errors: all.failures().collect(),
            p50_ms: quantile(&judged.latency, 50),
            p95_ms: quantile(&judged.latency, 95),
            p99_ms: quantile(&judged.latency, 99),
            curve: curve(&judged.latency),
            response_p50_ms: response(50),
            response_p95_ms: response(95),
            response_p99_ms: response(99),
            server_timing: server_timing(&all.server),
        })
    }

    fn check_results(&self) -> Vec<CheckResult> {
        let names: BTreeSet<&str> =
            self.snapshot.parts.iter().flat_map(|part| part.checks.keys().map(AsRef::as_ref)).collect();
        let result = |name: &str| {
            let tries = self.snapshot.check(name, Phases::ALL, Selection::default());
            CheckResult { name: name.to_owned(), tried: tries.tried, failed: tries.failed }
        };
        names.into_iter().map(result).collect()
    }
}

/// Percentiles that at least one request exceeds.
fn curve(latency: &Latency) -> Vec<CurvePoint> {
    const PPM: [u32; 17] = [
        10_000, 100_000, 250_000, 500_000, 750_000, 800_000, 850_000, 900_000, 925_000, 950_000, 975_000, 980_000,
        990_000, 995_000, 999_000, 999_900, 999_990,
    ];
    let all = u128::from(latency.buckets().count());
    let known = PPM.into_iter().filter(|ppm| u128::from(Ratio::WHOLE - ppm) * all >= u128::from(Ratio::WHOLE));
    known.filter_map(|ppm| Some(CurvePoint { ppm, ms: latency.quantile(Ratio::ppm(ppm))? })).collect()
}

fn server_timing(times: &ServerTimes) -> Option<ServerTiming> {
    let mean = |all: Duration| all.checked_div(u32::try_from(times.requests).ok()?).map(exact_ms);
    let (server_mean_ms, client_mean_ms) = (mean(times.server)?, mean(times.client)?);
    Some(ServerTiming { requests: times.requests, server_mean_ms, client_mean_ms })
}

impl From<RequestCounts> for Requests {
    fn from(RequestCounts { sent, failed, unknown, .. }: RequestCounts) -> Self {
        Self { sent, failed, unknown }
    }
}
