//! The check of delivery: reads the counts of the store and of the backend, and audits them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use monitoring::endpoint::Endpoint;
use monitoring::label::{NAME, STATUS, TESTID};
use monitoring::metric::Metric;
use monitoring::promql::Selector;
use perf_report::Report;
use tokio::time;
use url::Url;

use super::backend_metrics::{self, BackendMetrics, EndpointCounters, ProcessCounters};
use super::delivery::{EndpointAccount, Explanation, OtherTraffic};
use super::source::Source;
use super::{ProofContext, ProofItem, ProofItemOutcome, last_value_of_run, now_ms, requested, whole};

const CHECK: &str = "delivery";
/// Limit on readings of the backend's counters, until it has counted all of its responses.
const READINGS: u32 = 15;
/// The pause between two readings.
const PAUSE: Duration = Duration::from_millis(200);

const SEVERAL: &str = "several workers answer /metrics in turn, each with its own counters \
     (prometheus_client's multiprocess mode adds them up)";
const REDIRECTS: &str = "redirects are followed, so other handlers than the endpoints' may have responded";

/// The store's counts, by endpoint and status.
type StoreCount = BTreeMap<&'static str, BTreeMap<String, u64>>;

/// The backend's counts of the run by endpoint, with its
/// routes; or the reason why they are unknown.
enum BackendCount {
    Known(BTreeMap<&'static str, EndpointCounters>, BTreeSet<String>),
    Unknown(String),
}

/// The backend's counts of the run by endpoint, and the routes with requests.
#[derive(Debug, Default)]
pub(super) struct BackendTraffic {
    pub(super) counted: BTreeMap<&'static str, EndpointCounters>,
    pub(super) routes: BTreeSet<String>,
}

/// Audits the delivery. Also gives the backend's counts of the run.
pub(super) async fn check(
    report: &Report,
    before: BackendMetrics,
    source: &Source,
    context: &ProofContext<'_>,
) -> (ProofItem, BackendTraffic) {
    let failed = |error: anyhow::Error| ProofItem::new(CHECK, "not audited".to_owned(), vec![format!("{error:#}")]);
    let stored = match read_store(report, source).await {
        Ok(stored) => stored,
        Err(error) => return (failed(error), BackendTraffic::default()),
    };
    let count = match before {
        _ if context.follows_redirects => BackendCount::Unknown(REDIRECTS.to_owned()),
        BackendMetrics::One(before) => match read_backend(report, &before, context.target).await {
            Ok(count) => count,
            Err(error) => {
                return (
                    failed(error.context("failed to read the backend's counters again")),
                    BackendTraffic::default(),
                );
            }
        },
        BackendMetrics::Several => BackendCount::Unknown(SEVERAL.to_owned()),
        BackendMetrics::Mute(why) => BackendCount::Unknown(format!("the backend's counters are not available: {why}")),
    };
    let others = OtherTraffic { around: report.around.sent + report.around.unknown, possible: !context.own_backend };
    let check = audit(report, &stored, &count, others);
    let own = match count {
        BackendCount::Known(counted, routes) => BackendTraffic { counted, routes },
        BackendCount::Unknown(_) => BackendTraffic::default(),
    };
    (check, own)
}

/// Reads the backend's counters until they have all responses, or up to the limit of readings.
///
/// A backend counts a request a moment after it has sent the response.
async fn read_backend(report: &Report, before: &ProcessCounters, target: &Url) -> anyhow::Result<BackendCount> {
    let (mut counted, mut routes) = (BTreeMap::new(), BTreeSet::new());
    for _ in 0..READINGS {
        let after = backend_metrics::read_once(target).await?;
        if !after.is_of_the_process_of(before) {
            let several = after.started == before.started
                || matches!(backend_metrics::read(target).await, BackendMetrics::Several);
            let restarted = "the backend was restarted during the run, which reset its counters";
            return Ok(BackendCount::Unknown(if several { SEVERAL } else { restarted }.to_owned()));
        }
        let since = |endpoint: &Endpoint| (endpoint.name, after.endpoints[endpoint].since(&before.endpoints[endpoint]));
        counted = requested(report).map(|(_, endpoint)| since(endpoint)).collect();
        routes = after.routes;
        if is_complete(report, &counted) {
            break;
        }
        time::sleep(PAUSE).await;
    }
    // Another worker may have counted the missing requests, which
    // no reading before the load has reached.
    if !is_complete(report, &counted) && matches!(backend_metrics::read(target).await, BackendMetrics::Several) {
        return Ok(BackendCount::Unknown(SEVERAL.to_owned()));
    }
    Ok(BackendCount::Known(counted, routes))
}

/// Whether the backend has counted every request that got a response, of every endpoint.
fn is_complete(report: &Report, counted: &BTreeMap<&'static str, EndpointCounters>) -> bool {
    let counters = |name: &str| counted.get(name).cloned();
    requested(report)
        .all(|(result, endpoint)| EndpointAccount::new(result, None, counters(endpoint.name)).is_complete())
}

fn audit(report: &Report, stored: &StoreCount, count: &BackendCount, mut others: OtherTraffic) -> ProofItem {
    let (mut wrong, mut sum) = (Vec::new(), Explanation::default());
    for (result, endpoint) in requested(report) {
        let of_backend = match count {
            BackendCount::Known(counted, _) => counted.get(endpoint.name).cloned(),
            BackendCount::Unknown(_) => None,
        };
        let of_store = stored.get(endpoint.name).cloned().unwrap_or_default();
        match EndpointAccount::new(result, Some(of_store), of_backend).audit(result, others) {
            Ok(explained) => {
                sum.unanswered += explained.unanswered;
                sum.around += explained.around;
                // A request of setup or teardown explains one count of one endpoint.
                others.around -= explained.around;
                sum.others += explained.others;
            }
            Err(error) => wrong.push(error),
        }
    }
    let sent: u64 = requested(report).map(|(result, _)| result.requests.sent).sum();
    let in_store: u64 = stored.values().flat_map(BTreeMap::values).sum();
    let mut figures = format!("{sent} sent, {in_store} in Prometheus");
    match count {
        // The stub backend has metrics, so unknown counts are a problem.
        BackendCount::Unknown(why) if !others.possible && why != REDIRECTS => wrong.push(why.clone()),
        BackendCount::Unknown(why) => drop(write!(figures, "; {why}")),
        BackendCount::Known(counted, _) => {
            let by_backend: u64 = counted.values().map(EndpointCounters::requests).sum();
            let _ = write!(figures, ", {by_backend} counted by the backend");
            let parts = [
                (sum.unanswered, "of them without a response here"),
                (sum.around, "from setup and teardown"),
                (sum.others, "from other clients"),
            ];
            for (count, what) in parts.into_iter().filter(|(count, _)| *count > 0) {
                let _ = write!(figures, ", {count} {what}");
            }
        }
    }
    let mut check = ProofItem::new(CHECK, figures, wrong);
    if let (ProofItemOutcome::Shown, BackendCount::Unknown(_)) = (check.outcome, count) {
        check.outcome = ProofItemOutcome::NotApplicable;
    }
    check
}

/// Reads the store's counts by endpoint and status.
async fn read_store(report: &Report, source: &Source) -> anyhow::Result<StoreCount> {
    let mut stored = BTreeMap::new();
    for (result, endpoint) in requested(report) {
        let mut by_status = BTreeMap::new();
        for status in result.by_status.keys() {
            let series = Selector::new(Metric::http_reqs().name)
                .with(TESTID, &report.testid)
                .with(NAME, endpoint.name)
                .with(STATUS, status);
            let value = source.value(&last_value_of_run(report, series).to_string(), now_ms()).await;
            let value = value.with_context(|| format!("failed to read the requests of {}", endpoint.name))?;
            by_status.insert(status.clone(), whole(value.unwrap_or_default()));
        }
        stored.insert(endpoint.name, by_status);
    }
    Ok(stored)
}
