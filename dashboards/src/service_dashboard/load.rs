//! Panels of the load and the health of the generator.

use monitoring::catalogue::Catalogue;
use monitoring::excuse::Excuse;
use monitoring::label::{METRIC, NAME, TESTID};
use monitoring::measure::Limit;
use monitoring::metric::{HealthMetric, Metric, RequestPart};
use monitoring::objective_counters;
use monitoring::promql::{Selector, Window};
use monitoring::slo::{Sli, Slo};

use super::{restrict_to_selection, selected};
use crate::grafana::Panel;
use crate::panel::{Unit, time_series};
use crate::query::Query;

pub(super) fn request_rate() -> Panel {
    let rate = selected(Metric::http_reqs().name).rate(Window::RateInterval).sum_by(&[NAME]);
    time_series(
        "Request rate by endpoint",
        "Requests a second made by the load, failed ones included. If the rate falls at a constant \
         number of VUs, the backend has become slower, because each VU waits for its response.",
        Unit::RequestsPerSecond,
        vec![Query::new("", rate).by(&[NAME])],
    )
}

/// A panel for each objective on throughput.
pub(super) fn throughputs(catalogue: &Catalogue) -> Vec<Panel> {
    let panel = |slo: &Slo| {
        let Sli::Throughput { per_second, .. } = slo.sli else { return None };
        let rate = |series: Selector| restrict_to_selection(series).rate(Window::RateInterval).sum_by(&[TESTID]);
        let good = objective_counters::counters(slo, &rate).good;
        let title = slo.endpoint().map_or("All endpoints", |endpoint| endpoint.title);
        let description = format!(
            "Successful requests a second. Objective: {}, the dashed line. Red: fewer; check for \
             failed or slower requests, and whether the load was delivered.",
            slo.describe()
        );
        let query = Query::new("", good).by(&[TESTID]).about_objective(catalogue, slo);
        let title = format!("{title} throughput{}", slo.describe_scope());
        Some(
            time_series(&title, &description, Unit::RequestsPerSecond, vec![query])
                .limit(Limit::AtLeast(per_second.into())),
        )
    };
    catalogue.slos.iter().filter_map(panel).collect()
}

pub(super) fn vus() -> Panel {
    let active = selected(Metric::vus().name).now().sum_by(&[TESTID]);
    time_series(
        "Virtual users",
        "Number of active virtual users (VUs). If an open load reaches its maximum, arrivals will \
         be dropped: the backend is too slow for the rate, or --max-vus is too low.",
        Unit::Count,
        vec![Query::new("", active).by(&[TESTID])],
    )
}

pub(super) fn arrivals() -> Panel {
    let grown = |name: String| selected(name).rate(Window::RateInterval).sum_by(&[TESTID]);
    let started = || grown(Metric::iteration_lateness().count());
    let planned = started().plus(grown(Metric::dropped_iterations().name));
    time_series(
        "Arrivals: planned and started",
        "Iterations a second of an open load, planned and started. A gap is load that was not \
         delivered, so the run proves less: raise --max-vus or use a machine with more cores.",
        Unit::Count,
        vec![
            Query::new("planned", planned).by(&[TESTID]).excused(Excuse::NoArrivals),
            Query::new("started", started()).by(&[TESTID]).excused(Excuse::NoArrivals),
        ],
    )
    .dashed("planned")
}

pub(super) fn generator() -> Panel {
    let share = |health| selected(Metric::health(health).name).now().max_by(&[TESTID]);
    let query = |name: &str, health| Query::new(name, share(health)).by(&[TESTID]).excused(Excuse::MeasuredOnLinux);
    time_series(
        "Generator health",
        "CPU use of the generator's busiest thread, longest wait for a processor, and CPU time \
         taken by the hypervisor, in percent. If busy is above 80 %, or it waits at all, measured \
         latencies include delays of the generator: use a larger machine or less load.",
        Unit::Share,
        vec![
            query("busy", HealthMetric::Cpu),
            query("waiting", HealthMetric::RunQueue),
            query("stolen", HealthMetric::Steal),
        ],
    )
}

pub(super) fn connecting() -> Panel {
    let query = |name: &str, part| {
        let growing = |series: String| selected(series).rate(Window::RateInterval).sum();
        let metric = Metric::part(part);
        Query::new(name, growing(metric.sum()).divided_by(growing(metric.count())))
    };
    let mut panel = time_series(
        "Connecting",
        "Mean time per request in ms for looking up the name, for TCP and for the TLS handshake. It \
         is not part of latency. On a reused connection it is zero, so it is high only if \
         connections are slow to open and rarely reused.",
        Unit::Milliseconds,
        vec![
            query("look-up", RequestPart::LookingUp),
            query("TCP", RequestPart::Connecting),
            query("TLS", RequestPart::TlsHandshaking),
        ],
    );
    // Means of nanoseconds would be shown with eight decimals.
    panel.field_config.iter_mut().for_each(|config| config.defaults.decimals = Some(2));
    panel
}

pub(super) fn reconnects() -> Panel {
    let rate = selected(Metric::reconnects().name).rate(Window::RateInterval).sum_by(&[NAME]);
    time_series(
        "Requests sent once more",
        "Requests a second that were sent once more on a new connection, because the server had \
         closed a reused one. They are not failures, but each costs a connection. If there are \
         any, the server's idle (keep-alive) timeout is shorter than the pauses of a VU.",
        Unit::RequestsPerSecond,
        vec![Query::new("", rate).by(&[NAME])],
    )
}

/// One kind of series of several histograms, for example all `_bucket` series.
pub(super) fn every(series: &str, names: impl Iterator<Item = String>) -> Selector {
    let any = names.collect::<Vec<_>>().join("|");
    selected("").with_regex(METRIC, format!("({any})_{series}"))
}
