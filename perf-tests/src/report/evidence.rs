//! Evidence of a run, and the judgement of it: a pure function of what was measured.

use std::collections::BTreeMap;
use std::time::Duration;

use monitoring::catalogue::{Catalogue, Endpoint};
use monitoring::judgement::{
    self, EndpointResult, Iterations, ObjectiveResult, Problem, Report, Requests, SCHEMA, Store,
};
use monitoring::run::ExitCode;
use monitoring::slo::{Objective, Sli, Slo};
use monitoring::verdict::{self, Tally};

use crate::engine::Load;
use crate::measure::{EndpointCounts, RequestCounts, Snapshot};
use crate::plan::GRACEFUL_STOP;

/// Everything that is known of a run when it is over.
pub(crate) struct Evidence<'run> {
    pub(crate) catalogue: &'run Catalogue,
    pub(crate) exercised: &'run [Endpoint],
    pub(crate) snapshot: &'run Snapshot,
    pub(crate) dropped_iterations: u64,
}

/// The report of a run about which nothing is known yet but its name and its counts of zero; the rest is filled in.
pub(crate) fn without_problems(testid: &str, scenario: &str, catalogue: &Catalogue) -> Report {
    Report {
        schema: SCHEMA,
        testid: testid.to_owned(),
        scenario: scenario.to_owned(),
        service: catalogue.service.to_owned(),
        target: String::new(),
        seed: 0,
        tags: BTreeMap::new(),
        started: String::new(),
        ended: String::new(),
        started_unix_ms: 0,
        ended_unix_ms: 0,
        load: String::new(),
        requests: Requests::default(),
        around: Requests::default(),
        iterations: Iterations::default(),
        endpoints: Vec::new(),
        objectives: Vec::new(),
        store: None::<Store>,
        problems: Vec::new(),
        warnings: Vec::new(),
        exit_code: ExitCode::Inconclusive.code(),
    }
}

/// Fills in counts, endpoints and objectives.
pub(crate) fn judge(evidence: &Evidence<'_>, report: &mut Report) {
    let Evidence { catalogue, exercised, snapshot, dropped_iterations } = *evidence;
    report.requests = evidence.all().into();
    report.around = snapshot.around.into();
    report.iterations = Iterations {
        completed: snapshot.iterations.completed,
        failed: snapshot.iterations.failed,
        interrupted: snapshot.iterations.interrupted,
        dropped: dropped_iterations,
    };
    let known = catalogue.endpoints.iter().zip(&snapshot.endpoints);
    report.endpoints = known
        .filter(|(endpoint, _)| exercised.contains(endpoint))
        .map(|(endpoint, counts)| endpoint_result(endpoint, counts, evidence.requests(counts)))
        .collect();
    report.objectives = catalogue.slos.iter().map(|slo| evidence.objective(slo)).collect();
}

/// The exit code of a report that has all its objectives and problems.
pub(crate) fn exit_code(report: &Report) -> ExitCode {
    judgement::exit_code(&report.objectives, &report.problems)
}

impl Evidence<'_> {
    /// An endpoint's requests. An iteration that was planned and never begun could have made as many of them as the
    /// busiest iteration did: nobody knows what they would have been.
    fn requests(&self, counts: &EndpointCounts) -> RequestCounts {
        let mut requests = counts.requests();
        requests.unknown += self.dropped_iterations * counts.most_per_iteration;
        requests
    }

    fn all(&self) -> RequestCounts {
        let mut all = RequestCounts::default();
        self.snapshot.endpoints.iter().for_each(|counts| all.add(self.requests(counts)));
        all
    }

    fn counts(&self, endpoint: &Endpoint) -> Option<&EndpointCounts> {
        let index = self.catalogue.endpoints.iter().position(|known| known == endpoint)?;
        self.exercised.contains(endpoint).then(|| &self.snapshot.endpoints[index])
    }

    fn objective(&self, slo: &Slo) -> ObjectiveResult {
        let counts = slo.endpoint().map(|endpoint| self.counts(endpoint));
        let requests = match counts {
            None => self.all(),
            Some(Some(counts)) => self.requests(counts),
            Some(None) => return ObjectiveResult::absent(slo),
        };
        let latency = counts.flatten().map(|counts| &counts.latency);
        let good = match (&slo.sli, latency) {
            (Sli::Latency { threshold, .. }, Some(latency)) => latency.buckets().within(*threshold),
            _ => requests.sent - requests.failed,
        };
        let tally = Tally { good, total: requests.sent, unknown: requests.unknown };
        let mut result = ObjectiveResult::judged(slo, tally, &verdict::judge(slo, tally));
        if let (Sli::Latency { .. }, Some(latency)) = (&slo.sli, latency) {
            result.quantile_ms = latency.quantile(slo.objective);
            result.interval_ms = latency.interval(slo.objective);
        }
        result
    }
}

fn endpoint_result(endpoint: &Endpoint, counts: &EndpointCounts, requests: RequestCounts) -> EndpointResult {
    let quantile = |percent| counts.latency.quantile(Objective::percent(percent));
    EndpointResult {
        name: endpoint.name.to_owned(),
        requests: requests.into(),
        by_status: counts.by_status.iter().map(|(code, of)| (code.to_string(), of.durations.count())).collect(),
        errors: counts.failures.iter().map(|(failure, count)| (failure.as_str().to_owned(), *count)).collect(),
        p50_ms: quantile(50),
        p95_ms: quantile(95),
        p99_ms: quantile(99),
    }
}

impl From<RequestCounts> for Requests {
    fn from(RequestCounts { sent, failed, unknown }: RequestCounts) -> Self {
        Self { sent, failed, unknown }
    }
}

/// What load left besides counts, as problems: each asks for an exit code and says what can be done.
pub(crate) fn load_problems(load: &Load, signalled: bool, standstill: Duration) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut inconclusive = |message| problems.push(Problem::new(ExitCode::Inconclusive, message));
    let (cut, silence) = (load.snapshot.iterations.interrupted, load.longest_silence);
    let signalled = signalled || load.interrupted;
    if cut > 0 && !signalled {
        inconclusive(format!(
            "{cut} iterations had not ended {:?} after the load did and were cut off: the target hangs, or an iteration \
             takes longer than that",
            GRACEFUL_STOP
        ));
    }
    if silence > standstill {
        inconclusive(format!(
            "for {:.1} s requests were under way and none came to its end: the target stood still, and a closed load, \
             whose VUs all wait meanwhile, has only a few samples of that",
            silence.as_secs_f64()
        ));
    }
    if load.errors.count > 0 {
        inconclusive(format!(
            "{} iterations ended in an error that is no failed request to an endpoint, so the scenario did not do what \
             it was to do: {}",
            load.errors.count,
            load.errors.first.join("; ")
        ));
    }
    for panic in &load.panics {
        problems.push(Problem::new(ExitCode::Internal, format!("a virtual user panicked and stopped: {panic}")));
    }
    if signalled {
        problems.push(Problem::new(ExitCode::Interrupted, "stopped by a signal; what is counted came before it"));
    }
    problems
}
