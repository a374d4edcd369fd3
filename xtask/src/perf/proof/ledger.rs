//! Brings the three counts together: what was sent, what is stored, and what the backend counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

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
/// How long the backend may take to count what it has answered: so many readings, with a pause between them.
const READINGS: u32 = 15;
const PAUSE: Duration = Duration::from_millis(200);

const SEVERAL: &str =
    "several workers answer /metrics in turn, each for itself (prometheus_client's multiprocess mode adds them up)";
const REDIRECTS: &str = "redirects are followed, and so other handlers than the endpoints' have answered";

/// Requests by endpoint and status, as the store has them.
type Stored = BTreeMap<&'static str, BTreeMap<String, u64>>;

/// What the backend counted during the run, endpoint by endpoint, or why that is not known.
enum BackendCount {
    Known(BTreeMap<&'static str, EndpointCounters>, BTreeSet<String>),
    Unknown(String),
}

/// What the backend counted during the run, and the routes that it has answered for.
#[derive(Debug, Default)]
pub(super) struct BackendTraffic {
    pub(super) counted: BTreeMap<&'static str, EndpointCounters>,
    pub(super) routes: BTreeSet<String>,
}

/// The audit, and the backend's own counters over the run.
pub(super) async fn check(
    report: &Report,
    before: BackendMetrics,
    source: &Source,
    context: &ProofContext<'_>,
) -> (ProofItem, BackendTraffic) {
    let failed = |error: anyhow::Error| ProofItem::new(CHECK, "not audited".to_owned(), vec![format!("{error:#}")]);
    let stored = match stored(report, source).await {
        Ok(stored) => stored,
        Err(error) => return (failed(error), BackendTraffic::default()),
    };
    let count = match before {
        _ if context.follows_redirects => BackendCount::Unknown(REDIRECTS.to_owned()),
        BackendMetrics::One(before) => match count(report, &before, context.target).await {
            Ok(count) => count,
            Err(error) => {
                return (
                    failed(error.context("failed to read the backend's counters again")),
                    BackendTraffic::default(),
                );
            }
        },
        BackendMetrics::Several => BackendCount::Unknown(SEVERAL.to_owned()),
        BackendMetrics::Mute(why) => {
            BackendCount::Unknown(format!("the backend's own counters are not to be had: {why}"))
        }
    };
    let others = OtherTraffic { around: report.around.sent + report.around.unknown, possible: !context.own_backend };
    let check = audit(report, &stored, &count, others);
    let own = match count {
        BackendCount::Known(counted, routes) => BackendTraffic { counted, routes },
        BackendCount::Unknown(_) => BackendTraffic::default(),
    };
    (check, own)
}

/// Reads the backend's counters until they hold all that was answered, or time is up: a request is counted a moment after
/// its answer was sent.
async fn count(report: &Report, before: &ProcessCounters, target: &Url) -> anyhow::Result<BackendCount> {
    let (mut counted, mut routes) = (BTreeMap::new(), BTreeSet::new());
    for _ in 0..READINGS {
        let after = backend_metrics::read_once(target).await?;
        if !after.is_of_the_process_of(before) {
            let several = after.started == before.started
                || matches!(backend_metrics::read(target).await, BackendMetrics::Several);
            let restarted = "the backend was restarted during the run: its counters began again";
            return Ok(BackendCount::Unknown(if several { SEVERAL } else { restarted }.to_owned()));
        }
        let of = |endpoint: &Endpoint| (endpoint.name, after.endpoints[endpoint].since(&before.endpoints[endpoint]));
        counted = requested(report).map(|(_, endpoint)| of(endpoint)).collect();
        routes = after.routes;
        if is_complete(report, &counted) {
            break;
        }
        time::sleep(PAUSE).await;
    }
    // What nobody has counted, another worker may have, which no reading before the load has met.
    if !is_complete(report, &counted) && matches!(backend_metrics::read(target).await, BackendMetrics::Several) {
        return Ok(BackendCount::Unknown(SEVERAL.to_owned()));
    }
    Ok(BackendCount::Known(counted, routes))
}

/// Whether the backend has counted all that was answered, of every endpoint.
fn is_complete(report: &Report, counted: &BTreeMap<&'static str, EndpointCounters>) -> bool {
    let of = |name: &str| counted.get(name).cloned();
    requested(report).all(|(result, endpoint)| EndpointAccount::new(result, None, of(endpoint.name)).is_complete())
}

fn audit(report: &Report, stored: &Stored, count: &BackendCount, mut others: OtherTraffic) -> ProofItem {
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
                // Each request explains one, of all endpoints.
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
        // What answers us and is ours cannot be mute.
        BackendCount::Unknown(why) if !others.possible && why != REDIRECTS => wrong.push(why.clone()),
        BackendCount::Unknown(why) => drop(write!(figures, "; {why}")),
        BackendCount::Known(counted, _) => {
            let by_backend: u64 = counted.values().map(EndpointCounters::requests).sum();
            let _ = write!(figures, ", {by_backend} counted by the backend");
            let parts = [
                (sum.unanswered, "of them never answered here"),
                (sum.around, "of setup and teardown"),
                (sum.others, "of other clients"),
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

/// Requests by endpoint and status, as the store has them.
async fn stored(report: &Report, source: &Source) -> anyhow::Result<Stored> {
    let mut stored = BTreeMap::new();
    for (result, endpoint) in requested(report) {
        let mut by_status = BTreeMap::new();
        for status in result.by_status.keys() {
            let series = Selector::new(Metric::http_reqs().name)
                .with(TESTID, &report.testid)
                .with(NAME, endpoint.name)
                .with(STATUS, status);
            let value = source.value(&last_value_of_run(report, series).to_string(), now_ms()).await?;
            by_status.insert(status.clone(), whole(value.unwrap_or_default()));
        }
        stored.insert(endpoint.name, by_status);
    }
    Ok(stored)
}
