//! The check of delivery: reads the counts of the store and of the backend, and audits them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, anyhow};
use futures::{StreamExt as _, stream};
use monitoring::label::{NAME, STATUS, TESTID};
use monitoring::metric::Metric;
use monitoring::promql::Selector;
use perf_report::format;

use super::proof_check::{Lack, ProofCheck, ProofCheckOutcome};
use crate::backend::target_metrics::NoMetrics;
use crate::perf::prove::backend::backend_count::{
    self, BackendCount, NoCount, RunAccounts, StoreCount, counts_of_own_routes,
};
use crate::perf::prove::backend::backend_metrics::BackendMetrics;
use crate::perf::prove::backend::backend_reader::BackendReader;
use crate::perf::prove::backend::endpoint_account::{Explanation, OtherTraffic};
use crate::perf::prove::backend::exposed_metrics::ExposedMetrics;
use crate::perf::prove::backend::proof_backend::ProofBackend;
use crate::perf::prove::backend::request_counters::{RequestCounters, whole};
use crate::perf::prove::proven_run::{ProvenRun, last_value_of_run, now_ms};
use crate::perf::prove::store::query_source::AT_ONCE;

const CHECK: &str = "delivery";

/// The backend's counts of the run by endpoint, and the metrics that it exposes.
#[derive(Debug)]
pub(crate) struct BackendTraffic {
    pub(crate) counted: BTreeMap<&'static str, RequestCounters>,
    pub(crate) exposed: ExposedMetrics,
}

/// Audits the delivery. Also gives the backend's counts of the run.
pub(crate) async fn check(
    run: ProvenRun<'_>,
    before: BackendMetrics,
    backend: &ProofBackend<'_>,
) -> (ProofCheck, BackendTraffic) {
    let failed = |error: anyhow::Error| ProofCheck::new(CHECK, "not audited".to_owned(), vec![format!("{error:#}")]);
    let exposed = |metrics| ExposedMetrics::new(metrics, run.catalogue.mapping, backend.is_own);
    let stored = match read_store(run).await {
        Ok(stored) => stored,
        Err(error) => return (failed(error), BackendTraffic { counted: BTreeMap::new(), exposed: exposed(before) }),
    };
    let (count, exposed) = match before {
        _ if backend.follows_redirects => (BackendCount::Unknown(NoCount::Redirects), exposed(before)),
        BackendMetrics::One(reading) => match (BackendReader { run, before: &reading, backend }).read().await {
            Ok(found) => found,
            // It does not contradict the run.
            Err(error) if error.is_limited || error.needs_login => {
                let why = NoCount::NotOffered(format!(
                    "the backend's metrics were readable before the load, and then {error}"
                ));
                (BackendCount::Unknown(why), exposed(BackendMetrics::One(reading)))
            }
            Err(NoMetrics { why, .. }) => {
                let check = failed(anyhow!("the backend's metrics were readable before the load, not after it: {why}"));
                let exposed = exposed(BackendMetrics::One(reading));
                return (check, BackendTraffic { counted: BTreeMap::new(), exposed });
            }
        },
        BackendMetrics::Several(_) => (BackendCount::Unknown(NoCount::SeveralProcesses), exposed(before)),
        BackendMetrics::Unavailable(ref why) => {
            (BackendCount::Unknown(NoCount::NotOffered(why.to_string())), exposed(before))
        }
    };
    let others =
        OtherTraffic { around: run.report.unjudged.sent + run.report.unjudged.unknown, possible: !backend.is_own };
    let check = audit(run, &stored, &count, &exposed, others);
    let counted = counts_of_own_routes(run, count, exposed.mapping());
    (check, BackendTraffic { counted, exposed })
}

fn audit(
    run: ProvenRun<'_>,
    stored: &StoreCount,
    count: &BackendCount,
    exposed: &ExposedMetrics,
    mut others: OtherTraffic,
) -> ProofCheck {
    let mut wrong = Vec::new();
    let mut sum = Explanation::default();
    let RunAccounts { accounts, mut notes } = backend_count::accounts(run, Some(stored), count, exposed);
    for (result, account) in &accounts {
        let explained = match result {
            Some(result) => account.audit(result, others),
            None => account.explain(others),
        };
        match explained {
            Ok(explained) => {
                notes.extend(explained.notes(&account.name));
                // A request of setup or teardown explains one count of one endpoint.
                others.around -= explained.around;
                sum.add(explained);
            }
            Err(error) => wrong.push(error),
        }
    }
    let sent: u64 = run.requested().map(|(result, _)| result.requests.sent).sum();
    let in_store: u64 = stored.values().flat_map(BTreeMap::values).sum();
    let mut figures = format!("{} sent, {} in Prometheus", format::count(sent), format::count(in_store));
    let lacks =
        Lack { values: "count of requests", figures: format!("{figures}; the backend's count is not available") };
    match count {
        BackendCount::Unknown(NoCount::Redirects) => figures = format!("{}; {figures}", NoCount::Redirects),
        // The stub backend has metrics, so unknown counts are a problem. So are lost responses.
        BackendCount::Unknown(why) if !others.possible || matches!(why, NoCount::Lost(_)) => {
            wrong.push(why.to_string())
        }
        BackendCount::Unknown(why) => figures = format!("{why}; {figures}"),
        BackendCount::ByEndpoint(counted) if counted.is_empty() => {
            figures = format!("the backend counts none of the requested endpoints; {figures}");
        }
        BackendCount::ByEndpoint(_) | BackendCount::Total(..) => {
            sum.describe(accounts.iter().map(|(_, account)| account.requests_counted()).sum(), &mut figures);
        }
    }
    if let BackendCount::Total(_, why) = count {
        let _ = write!(figures, "; {why}");
    }
    let mut check = ProofCheck::new(CHECK, figures, wrong);
    let is_unknown = match count {
        BackendCount::Unknown(_) => true,
        BackendCount::ByEndpoint(counted) => counted.is_empty(),
        BackendCount::Total(..) => false,
    };
    if check.outcome == ProofCheckOutcome::Passed && is_unknown {
        check.outcome = ProofCheckOutcome::NotApplicable;
        check.lacks = matches!(count, BackendCount::Unknown(NoCount::NotOffered(_))).then_some(lacks);
    }
    check.lines.extend(notes);
    check
}

impl Explanation {
    fn add(&mut self, other: Self) {
        self.unanswered += other.unanswered;
        self.around += other.around;
        self.others += other.others;
    }

    /// Appends the backend's count, and what explains its difference to the sent requests.
    fn describe(&self, by_backend: u64, figures: &mut String) {
        let _ = write!(figures, ", {} counted by the backend", format::count(by_backend));
        let parts = [
            (self.unanswered, "of them without its response here"),
            (self.around, "from setup and teardown"),
            (self.others, "from other clients"),
        ];
        for (count, what) in parts.into_iter().filter(|(count, _)| *count > 0) {
            let _ = write!(figures, ", {} {what}", format::count(count));
        }
    }
}

/// Reads the store's counts by endpoint and status.
async fn read_store(run: ProvenRun<'_>) -> anyhow::Result<StoreCount> {
    let mut stored: StoreCount = run.requested().map(|(_, endpoint)| (endpoint.name, BTreeMap::new())).collect();
    let counts = run.requested().flat_map(|(result, endpoint)| {
        result.by_status.keys().map(|&status| (endpoint.name, status)).collect::<Vec<_>>()
    });
    let values = counts.map(async |(name, status)| {
        let series = Selector::new(Metric::http_reqs().name)
            .with(TESTID, &run.report.run.testid)
            .with(NAME, name)
            .with(STATUS, status.to_string());
        (name, status, run.source.value(&last_value_of_run(run.report, series).to_string(), now_ms()).await)
    });
    let mut values = stream::iter(values).buffered(AT_ONCE);
    while let Some((name, status, value)) = values.next().await {
        let value = value.with_context(|| format!("failed to read the requests of {name}"))?;
        stored.entry(name).or_default().insert(status, whole(value.unwrap_or_default()));
    }
    Ok(stored)
}
