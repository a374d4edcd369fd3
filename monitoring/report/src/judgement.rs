//! Judges a run: a pure function of its evidence and the catalogue.

mod check_result;
pub(crate) mod conclude;
mod connecting;
mod endpoint_result;
mod final_verdict;
mod goal;
mod objective_result;
mod objective_tally;
pub mod objective_verdict;
mod segments;
mod smoke;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::phase::{Phase, Phases};
use monitoring::ratio::Ratio;
use monitoring::slo::Slo;
use monitoring::span::Span;

pub use check_result::CheckResult;
pub use endpoint_result::{EndpointResult, Requests, ServerTiming};
pub use final_verdict::verdict_of_rounds;
pub(crate) use goal::REQUEST;
pub use goal::{Goal, LimitSide, Percentile, Share};
pub use objective_result::{Measurement, ObjectiveResult};
pub use segments::SegmentResult;

use crate::evidence::{
    EndpointCounts, Evidence, IterationCounts, Iterations, Latency, PartCounts, RequestCounts, Selection, ServerTimes,
    Snapshot, judged_ms,
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
    let judge = Judge {
        catalogue,
        exercised: &exercised,
        snapshot: &evidence.counts,
        checks: &evidence.checks,
        measures: &evidence.measures,
        parts: &parts,
    };
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
        requests: judge.all_requests(EVERYTHING).into(),
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

impl Scope {
    /// Planned time of the judged phases.
    fn judged_ms(self, evidence: &Evidence) -> u64 {
        judged_ms(&evidence.phases, self.phases, self.selection.part)
    }
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
                let iterations = part.dropped[phase.index()] + cell.stopped_iterations;
                requests.unknown = requests.unknown.saturating_add(iterations.saturating_mul(most));
                requests.refused += requests_of_iterations(part, index, cell.refused_iterations);
            }
        }
        requests
    }

    /// Requests of endpoints that began and did not end.
    fn cut_off_requests(&self, indices: &[usize], scope: Scope) -> u64 {
        let of_endpoint =
            |part: &PartCounts, index| scope.phases.iter().map(|phase| part.cell(index, phase).unknown).sum::<u64>();
        let of_part = |part| indices.iter().map(|&index| of_endpoint(part, index)).sum::<u64>();
        self.snapshot.selected(scope.selection).map(of_part).sum()
    }

    /// Requests of several endpoints in a scope.
    fn sum_requests(&self, indices: impl IntoIterator<Item = usize>, scope: Scope) -> RequestCounts {
        let mut all = RequestCounts::default();
        indices.into_iter().for_each(|index| all.add(self.requests(index, scope)));
        all
    }

    /// Requests of all endpoints in a scope.
    fn all_requests(&self, scope: Scope) -> RequestCounts {
        self.sum_requests(0..self.catalogue.endpoints.len(), scope)
    }

    /// Index of an endpoint. `None` if the scenario does not request it.
    fn exercised_index(&self, endpoint: &Endpoint) -> Option<usize> {
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

    /// Index and judged counts of the objective's endpoint. `None` if the scenario does not request
    /// it.
    fn endpoint_counts(&self, slo: &Slo) -> Option<(usize, EndpointCounts)> {
        let index = self.exercised_index(slo.endpoint()?)?;
        let scope = self.scope(slo)?;
        Some((index, self.snapshot.endpoint_in(index, scope.phases, scope.selection)?))
    }

    fn objective(&self, slo: &Slo, evidence: &Evidence) -> ObjectiveResult {
        let (Some(tally), Some(scope)) = (self.tally(slo), self.scope(slo)) else {
            return ObjectiveResult::not_in_scenario(self.catalogue, slo);
        };
        let measurement = match slo.limit() {
            Some(_) => Measurement::value(tally, slo.is_per_second().then(|| scope.judged_ms(evidence))),
            None => self.measurement(slo, tally),
        };
        let verdict = final_verdict::final_verdict(self, evidence, slo, scope, tally);
        ObjectiveResult::new(self.catalogue, slo, measurement, verdict)
    }

    /// Counts of an objective on a share, with the percentile for display.
    fn measurement(&self, slo: &Slo, tally: Tally) -> Measurement {
        if let Some(values) = self.measure_counts(slo).and_then(|counts| counts.values) {
            return Measurement::Values { tally, quantile: values.quantile(slo.objective).map(Millis::as_f64) };
        }
        let (Some(span), Some((_, counts))) = (slo.limited_span(), self.endpoint_counts(slo)) else {
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
            let (_, counts) = self.endpoint_counts(slo)?;
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
