//! What load there was, and how the generator fared.

use monitoring::label::{METRIC, NAME, TESTID};
use monitoring::metric::{HealthMetric, Metric};
use monitoring::promql::{Selector, Window};

use super::chosen;
use crate::grafana::Panel;
use crate::panel::{Query, Unit, time_series};

const CLOSED: &str = "a closed load plans no arrivals";

pub(super) fn request_rate() -> Panel {
    let rate = chosen(Metric::http_reqs().name).rate(Window::RateInterval).sum_by(&[NAME]);
    time_series(
        "Request rate by endpoint",
        "Requests a second that the load made, failed ones included. Falling while VUs stay: the backend has become \
         slower, since each VU waits for its answer.",
        Unit::RequestsPerSecond,
        vec![Query::new("{{name}}", rate)],
    )
}

pub(super) fn vus() -> Panel {
    let active = chosen(Metric::vus().name).now().sum_by(&[TESTID]);
    time_series(
        "Virtual users",
        "How many virtual users were active. At the most that an open load may have: arrivals are about to be dropped, \
         since the backend is too slow for the rate or there are too few (--max-vus).",
        Unit::Count,
        vec![Query::new("{{testid}}", active)],
    )
}

pub(super) fn arrivals() -> Panel {
    let grown = |name: String| chosen(name).rate(Window::RateInterval).sum_by(&[TESTID]);
    let started = || grown(Metric::iteration_lateness().count());
    let planned = started().plus(grown(Metric::dropped_iterations().name));
    time_series(
        "Arrivals: planned and started",
        "Of an open load: iterations a second that were due, and those that began. A gap is load that was not delivered: \
         the run proves less than it says; allow more VUs or use a machine with more cores.",
        Unit::Count,
        vec![
            Query::new("planned {{testid}}", planned).may_be_empty(CLOSED),
            Query::new("started {{testid}}", started()).may_be_empty(CLOSED),
        ],
    )
    .dashed("planned")
}

pub(super) fn generator() -> Panel {
    let share = |health| chosen(Metric::health(health).name).now().max_by(&[TESTID]);
    let query = |name: &str, health, only: Option<&'static str>| {
        let query = Query::new(format!("{name} {{{{testid}}}}"), share(health));
        match only {
            Some(reason) => query.may_be_empty(reason),
            None => query,
        }
    };
    let linux = Some("only Linux tells");
    time_series(
        "Generator health",
        "How busy the generator's busiest thread was, how long it waited for a processor, and what the hypervisor took. \
         Busy above 80 %, or waiting at all: latencies measured then are partly the generator's own.",
        Unit::Share,
        vec![
            query("busy", HealthMetric::Cpu, linux),
            query("waiting", HealthMetric::RunQueue, linux),
            query("stolen", HealthMetric::Steal, linux),
        ],
    )
}

/// Series of all endpoints' histograms at once.
pub(super) fn every(series: &str, names: impl Iterator<Item = String>) -> Selector {
    let any = names.collect::<Vec<_>>().join("|");
    chosen("").with_regex(METRIC, format!("({any})_{series}"))
}
