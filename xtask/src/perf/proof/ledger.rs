//! Brings the three counts together: what was sent, what is stored, and what the backend counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use monitoring::catalogue::SERVED;
use monitoring::judgement::Report;
use monitoring::label::{NAME, STATUS, TESTID};
use monitoring::metric::Metric;
use monitoring::promql::Selector;
use tokio::time;
use url::Url;

use super::delivery::{Account, Explained, Others};
use super::reading::{self, Backend, Counted, Reading};
use super::source::Source;
use super::{Check, Outcome, Setting, now_ms, of_run, requested, whole};

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
enum Count {
    Known(BTreeMap<&'static str, Counted>, BTreeSet<String>),
    Unknown(String),
}

/// What the backend counted during the run, and the routes that it has answered for.
#[derive(Debug, Default)]
pub(super) struct Own {
    pub(super) counted: BTreeMap<&'static str, Counted>,
    pub(super) routes: BTreeSet<String>,
}

/// The audit, and the backend's own counters over the run.
pub(super) async fn check(report: &Report, before: Backend, source: &Source, setting: &Setting<'_>) -> (Check, Own) {
    let failed = |error: anyhow::Error| Check::new(CHECK, "not audited".to_owned(), vec![format!("{error:#}")]);
    let stored = match stored(report, source).await {
        Ok(stored) => stored,
        Err(error) => return (failed(error), Own::default()),
    };
    let count = match before {
        _ if setting.follows_redirects => Count::Unknown(REDIRECTS.to_owned()),
        Backend::One(before) => match count(report, &before, setting.target).await {
            Ok(count) => count,
            Err(error) => {
                return (failed(error.context("failed to read the backend's counters again")), Own::default());
            }
        },
        Backend::Several => Count::Unknown(SEVERAL.to_owned()),
        Backend::Mute(why) => Count::Unknown(format!("the backend's own counters are not to be had: {why}")),
    };
    let others = Others { around: report.around.sent + report.around.unknown, possible: !setting.own_backend };
    let check = audit(report, &stored, &count, others);
    let own = match count {
        Count::Known(counted, routes) => Own { counted, routes },
        Count::Unknown(_) => Own::default(),
    };
    (check, own)
}

/// Reads the backend's counters until they hold all that was answered, or time is up: a request is counted a moment after
/// its answer was sent.
async fn count(report: &Report, before: &Reading, target: &Url) -> anyhow::Result<Count> {
    let (mut counted, mut routes) = (BTreeMap::new(), BTreeSet::new());
    for _ in 0..READINGS {
        let after = reading::once(target, &SERVED).await?;
        if !after.is_of_the_process_of(before) {
            let several =
                after.started == before.started || matches!(reading::read(target, &SERVED).await, Backend::Several);
            let restarted = "the backend was restarted during the run: its counters began again";
            return Ok(Count::Unknown(if several { SEVERAL } else { restarted }.to_owned()));
        }
        let of = |name: &'static str| (name, after.endpoints[name].since(&before.endpoints[name]));
        counted = requested(report).map(|(_, endpoint)| of(endpoint.name)).collect();
        routes = after.routes;
        if is_complete(report, &counted) {
            break;
        }
        time::sleep(PAUSE).await;
    }
    // What nobody has counted, another worker may have, which no reading before the load has met.
    if !is_complete(report, &counted) && matches!(reading::read(target, &SERVED).await, Backend::Several) {
        return Ok(Count::Unknown(SEVERAL.to_owned()));
    }
    Ok(Count::Known(counted, routes))
}

/// Whether the backend has counted all that was answered, of every endpoint.
fn is_complete(report: &Report, counted: &BTreeMap<&'static str, Counted>) -> bool {
    let of = |name: &str| counted.get(name).cloned();
    requested(report).all(|(result, endpoint)| Account::new(result, None, of(endpoint.name)).is_complete())
}

fn audit(report: &Report, stored: &Stored, count: &Count, mut others: Others) -> Check {
    let (mut wrong, mut sum) = (Vec::new(), Explained::default());
    for (result, endpoint) in requested(report) {
        let of_backend = match count {
            Count::Known(counted, _) => counted.get(endpoint.name).cloned(),
            Count::Unknown(_) => None,
        };
        let of_store = stored.get(endpoint.name).cloned().unwrap_or_default();
        match Account::new(result, Some(of_store), of_backend).audit(result, others) {
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
        Count::Unknown(why) if !others.possible && why != REDIRECTS => wrong.push(why.clone()),
        Count::Unknown(why) => drop(write!(figures, "; {why}")),
        Count::Known(counted, _) => {
            let by_backend: u64 = counted.values().map(Counted::requests).sum();
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
    let mut check = Check::new(CHECK, figures, wrong);
    if let (Outcome::Shown, Count::Unknown(_)) = (check.outcome, count) {
        check.outcome = Outcome::NotApplicable;
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
            let value = source.value(&of_run(report, series).to_string(), now_ms()).await?;
            by_status.insert(status.clone(), whole(value.unwrap_or_default()));
        }
        stored.insert(endpoint.name, by_status);
    }
    Ok(stored)
}
