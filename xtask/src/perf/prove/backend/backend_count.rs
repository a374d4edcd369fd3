//! The backend's counts of a run, and the accounts that they belong to.

use std::collections::BTreeMap;

use monitoring::backend_mapping::BackendMapping;
use monitoring::backend_metrics::STARTED;
use monitoring::endpoint::Endpoint;
use perf_report::evidence::StatusKey;
use perf_report::format;
use perf_report::judgement::EndpointResult;
use prometheus_store::exposition::ExpositionSample;

use super::endpoint_account::{EndpointAccount, OtherTraffic};
use super::exposed_metrics::{CountGranularity, ExposedMetrics};
use super::request_counters::RequestCounters;
use crate::perf::prove::proven_run::ProvenRun;

/// The store's counts, by endpoint and status.
pub(crate) type StoreCount = BTreeMap<&'static str, BTreeMap<StatusKey, u64>>;

/// The backend's counts of the run.
pub(crate) enum BackendCount {
    /// By endpoint, without endpoints that it does not count.
    ByEndpoint(BTreeMap<&'static str, RequestCounters>),
    /// One count of all requests; the text says why not by endpoint.
    Total(RequestCounters, String),
    Unknown(NoCount),
}

/// Why the backend's count of the run is unknown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoCount {
    #[error("the run follows redirects, so handlers of other routes may have responded")]
    Redirects,
    #[error(
        "several processes (workers or replicas) respond to requests for metrics in turn, each with its own counters: \
         set --target to one of them, or add the counters up, as prometheus_client's multiprocess mode does"
    )]
    SeveralProcesses,
    #[error(
        "the backend counted fewer requests than it sent responses, and its metrics do not show whether several \
         replicas respond in turn: expose {STARTED}, or set --target to one replica"
    )]
    Unidentified,
    #[error("the backend was restarted during the run, which reset its counters")]
    Restarted,
    #[error(
        "the backend's metrics no longer have {0}: the backend dropped this counter, or was restarted, so its counts of \
         the run are incomplete"
    )]
    Dropped(String),
    #[error(
        "the backend was restarted during the run. Its counters and the store's scrapes before that lack {}: another \
         server sent them, or the backend did not count them",
        format::counted(*.0, "response")
    )]
    Lost(u64),
    #[error(
        "the backend's metrics did not have all responses when the proof stopped waiting for them, and may be late: update \
         them more often"
    )]
    Late,
    #[error("{0}")]
    NotOffered(String),
}

/// The backend's counts between two readings, as finely as it offers them.
pub(crate) fn count_since(
    run: ProvenRun<'_>,
    before: &[ExpositionSample],
    after: &[ExpositionSample],
    exposed: &ExposedMetrics,
) -> BackendCount {
    let mapping = exposed.mapping();
    match exposed.granularity() {
        CountGranularity::NotOffered(why) => BackendCount::Unknown(NoCount::NotOffered(why.to_string())),
        CountGranularity::Total(why) => {
            let [before, after] = [before, after].map(|samples| RequestCounters::for_all(samples, mapping));
            BackendCount::Total(after.since(&before), format!("not available by endpoint: {why}"))
        }
        CountGranularity::ByRoute => {
            let counted = run.requested().map(|(_, endpoint)| endpoint).filter(|endpoint| exposed.counts(endpoint));
            let since = |endpoint: &Endpoint| {
                let of = |samples| RequestCounters::for_endpoint(samples, mapping, endpoint);
                (endpoint.name, of(after).since(&of(before)))
            };
            BackendCount::ByEndpoint(counted.map(since).collect())
        }
    }
}

/// The accounts of all requested endpoints.
pub(crate) struct RunAccounts<'a> {
    /// Each account with its endpoint's result. `None` if it is of endpoints that the backend
    /// counts only together.
    pub(crate) accounts: Vec<(Option<&'a EndpointResult>, EndpointAccount)>,
    /// Notes about responses that the backend does not count.
    pub(crate) notes: Vec<String>,
}

pub(crate) fn accounts<'a>(
    run: ProvenRun<'a>,
    stored: Option<&StoreCount>,
    count: &BackendCount,
    exposed: &ExposedMetrics,
) -> RunAccounts<'a> {
    let mut accounts = Vec::new();
    let mut notes = Vec::new();
    for (result, endpoint) in run.requested() {
        let of_backend = match count {
            BackendCount::ByEndpoint(counted) => counted.get(endpoint.name).cloned(),
            BackendCount::Total(..) | BackendCount::Unknown(_) => None,
        };
        let of_store = stored.map(|stored| stored.get(endpoint.name).cloned().unwrap_or_default());
        let is_counted = of_backend.is_some() || matches!(count, BackendCount::Total(..));
        let mut account = EndpointAccount::new(result, of_store, of_backend);
        if is_counted {
            let left_out = account.leave_out(result, |status| exposed.counts_status(status));
            if !left_out.is_empty() {
                let name = endpoint.name;
                notes.push(format!(
                    "{name}: not available for status {}: the backend counts it nowhere, or another server sent it",
                    left_out.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
                ));
            }
        }
        accounts.push((Some(result), account));
    }
    let shared = shared_accounts(run, &mut accounts, count, exposed.mapping());
    accounts.extend(shared.into_iter().map(|account| (None, account)));
    if let BackendCount::ByEndpoint(counted) = count {
        let endpoints = run.requested().map(|(_, endpoint)| endpoint);
        let not_counted: Vec<_> = endpoints.filter(|endpoint| !counted.contains_key(endpoint.name)).collect();
        notes.extend(exposed.why_not_counted(&not_counted));
    }
    RunAccounts { accounts, notes }
}

/// The accounts of endpoints that the backend counts only together. If it counts a total, these are
/// all endpoints at the main target, otherwise those with the same route. They replace the counts
/// of single endpoints.
fn shared_accounts(
    run: ProvenRun<'_>,
    accounts: &mut [(Option<&EndpointResult>, EndpointAccount)],
    count: &BackendCount,
    mapping: &BackendMapping,
) -> Vec<EndpointAccount> {
    if let BackendCount::Total(counted, _) = count {
        let to_main = run.requested().zip(&*accounts).filter(|((_, endpoint), _)| endpoint.host.is_none());
        let to_main: Vec<_> = to_main.map(|(_, (_, account))| account).collect();
        return vec![EndpointAccount::total(&to_main, counted.clone())];
    }
    let mut shared = Vec::new();
    for indices in shared_routes(run, mapping) {
        let counted: Vec<_> = indices.iter().filter_map(|&at| accounts[at].1.take_counted()).collect();
        let of_route: Vec<_> = indices.iter().map(|&at| &accounts[at].1).collect();
        shared.extend(counted.into_iter().next().map(|counted| EndpointAccount::joined(&of_route, counted)));
    }
    shared
}

/// The endpoints that the backend counts only together, by route: indices of the run's endpoints.
fn shared_routes(run: ProvenRun<'_>, mapping: &BackendMapping) -> impl Iterator<Item = Vec<usize>> {
    let mut by_route = BTreeMap::<_, Vec<usize>>::new();
    for (at, (_, endpoint)) in run.requested().enumerate() {
        let route = mapping.endpoint_series(mapping.requests, endpoint).filter(|_| endpoint.host.is_none());
        route.into_iter().for_each(|route| by_route.entry(route.to_string()).or_default().push(at));
    }
    by_route.into_values().filter(|indices| indices.len() > 1)
}

/// The counts of endpoints that have a route of their own.
pub(crate) fn counts_of_own_routes(
    run: ProvenRun<'_>,
    count: BackendCount,
    mapping: &BackendMapping,
) -> BTreeMap<&'static str, RequestCounters> {
    let BackendCount::ByEndpoint(mut counted) = count else { return BTreeMap::new() };
    let endpoints: Vec<_> = run.requested().map(|(_, endpoint)| endpoint.name).collect();
    for at in shared_routes(run, mapping).flatten() {
        counted.remove(endpoints[at]);
    }
    counted
}

/// The accounts without the store's counts.
fn accounts_of_backend(
    run: ProvenRun<'_>,
    count: &BackendCount,
    exposed: &ExposedMetrics,
) -> impl Iterator<Item = EndpointAccount> {
    accounts(run, None, count, exposed).accounts.into_iter().map(|(_, account)| account)
}

/// The number of responses that the backend has not counted, as far as it counts.
pub(crate) fn uncounted(run: ProvenRun<'_>, count: &BackendCount, exposed: &ExposedMetrics) -> u64 {
    accounts_of_backend(run, count, exposed).map(|account| account.uncounted()).sum()
}

/// Any other client may have sent requests.
const OTHERS: OtherTraffic = OtherTraffic { around: 0, possible: true };

/// The number of responses that must have been lost, or that another process has counted.
pub(crate) fn lost(run: ProvenRun<'_>, count: &BackendCount, exposed: &ExposedMetrics) -> u64 {
    accounts_of_backend(run, count, exposed)
        .filter(|account| account.explain(OTHERS).is_err())
        .map(|account| account.uncounted())
        .sum()
}

/// The number of responses that the backend may still count, if its metrics are late.
pub(crate) fn awaited(run: ProvenRun<'_>, count: &BackendCount, exposed: &ExposedMetrics) -> u64 {
    let may_come = |account: &EndpointAccount| match account.explain(OTHERS) {
        Ok(explained) => explained.of_handlers,
        Err(_) => account.uncounted(),
    };
    accounts_of_backend(run, count, exposed).map(|account| may_come(&account)).sum()
}
