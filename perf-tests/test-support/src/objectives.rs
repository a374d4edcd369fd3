//! A catalogue with several objectives of each kind, for tests of runs and of rules.

use std::time::Duration;

use monitoring::backend_mapping::BackendMapping;
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Method};
use monitoring::measure::{Limit, Measure};
use monitoring::phase::{Phase, Phases};
use monitoring::ratio::Ratio;
use monitoring::slo::Slo;

/// The endpoint of the stub backend's mode `--fixed`.
pub const ROOM: Endpoint = Endpoint::new("room", "Room", Method::Get, "/room");

/// A trend.
pub const QUEUE_LENGTH: Measure = Measure::trend("queue_length", "Queue length");
/// A counter.
pub const ORDERS: Measure = Measure::counter("orders", "Orders");
/// A counter that no iteration increases.
pub const LOST: Measure = Measure::counter("lost", "Lost orders");
/// A gauge: 3 in readers and 4 in writers.
pub const OPEN_ROOMS: Measure = Measure::gauge("open_rooms", "Open rooms");
/// A rate.
pub const HITS: Measure = Measure::rate("hits", "Cache hits");

/// No request is as slow as this.
const ALWAYS: Duration = Duration::from_secs(20);
/// Every request is slower than this.
const NEVER: Duration = Duration::from_nanos(1_000);

/// A catalogue whose objectives are met, or are missed and only warn.
pub const CATALOGUE: Catalogue = Catalogue {
    service: "objectives",
    title: "Objectives",
    endpoints: &[ROOM],
    critical: &[ROOM],
    slos: &[
        Slo::latency(ROOM, Ratio::percent(50), ALWAYS),
        Slo::p95(ROOM, ALWAYS),
        Slo::latency(ROOM, Ratio::percent(50), NEVER).warn(),
        Slo::latency(ROOM, Ratio::percent(75), NEVER).warn(),
        Slo::p95(ROOM, ALWAYS).in_part("readers"),
        Slo::p95(ROOM, NEVER).in_part("writers").warn(),
        Slo::p95(ROOM, ALWAYS).in_segment("day", 1),
        Slo::p95(ROOM, ALWAYS).in_segment("day", 2),
        Slo::p95(ROOM, NEVER).in_segment("day", 2).in_part("writers").warn(),
        Slo::p95(ROOM, ALWAYS).judging(Phases::only(&[Phase::Steady])).in_segment("day", 1),
        Slo::p95(ROOM, ALWAYS).judging(Phases::only(&[Phase::Steady])),
        Slo::p95(ROOM, ALWAYS).in_segment("day", 9).warn(),
        Slo::p95(ROOM, ALWAYS).in_tag("room", "large"),
        Slo::p95(ROOM, NEVER).in_tag("room", "large").in_part("writers").warn(),
        Slo::p95(ROOM, ALWAYS).in_tag("room", "hall").warn(),
        Slo::connecting(ROOM, Ratio::percent(95), ALWAYS),
        Slo::connecting(ROOM, Ratio::percent(50), NEVER).warn(),
        Slo::with_connecting(ROOM, Ratio::percent(95), ALWAYS),
        Slo::with_connecting(ROOM, Ratio::percent(50), NEVER).warn(),
        Slo::first_byte(ROOM, Ratio::percent(95), ALWAYS),
        Slo::first_byte(ROOM, Ratio::percent(50), NEVER).warn(),
        Slo::throughput(ROOM, 5),
        Slo::throughput(ROOM, 1_000_000).warn(),
        Slo::throughput(ROOM, 5).in_part("writers"),
        Slo::total_throughput(5),
        Slo::errors_below(Ratio::percent(1)),
        Slo::errors_below(Ratio::percent(1)).in_segment("day", 1),
        Slo::success_above(ROOM, Ratio::percent(95)).in_segment("day", 1),
        Slo::check_above("room is open", Ratio::percent(95)).in_segment("day", 1),
        Slo::check_above("it is day 2", Ratio::percent(90)).in_segment("day", 2),
        Slo::check_above("it is day 2", Ratio::percent(90)).in_segment("day", 1).warn(),
        Slo::check_above("it is day 2", Ratio::percent(90)).in_tag("room", "large"),
        Slo::check_above("it is day 2", Ratio::percent(60)).in_part("writers").warn(),
        Slo::errors_below(Ratio::percent(1)).in_part("readers"),
        Slo::trend(QUEUE_LENGTH, Ratio::percent(95), 7),
        Slo::trend(QUEUE_LENGTH, Ratio::percent(95), 6).warn(),
        Slo::rate_above(HITS, Ratio::percent(40)),
        Slo::rate_above(HITS, Ratio::percent(90)).in_segment("day", 1),
        Slo::rate_above(HITS, Ratio::percent(60)).warn(),
        Slo::counter(ORDERS, Limit::AtLeast(40)),
        Slo::counter(ORDERS, Limit::AtMost(39)).warn(),
        Slo::counter(ORDERS, Limit::AtMost(1_000_000)).in_part("writers"),
        Slo::counter(ORDERS, Limit::AtMost(9)).in_segment("day", 1).warn(),
        Slo::counter(ORDERS, Limit::AtMost(9)).in_segment("day", 9).warn(),
        Slo::counter(ORDERS, Limit::AtMost(9)).in_tag("room", "large").warn(),
        Slo::counter(LOST, Limit::AtMost(0)),
        Slo::counter(LOST, Limit::AtLeast(1)).warn(),
        Slo::counter_per_second(ORDERS, Limit::AtLeast(5)),
        Slo::counter_per_second(ORDERS, Limit::AtMost(5)).warn(),
        Slo::gauge(OPEN_ROOMS, Limit::AtMost(4)),
        Slo::gauge(OPEN_ROOMS, Limit::AtMost(3)).warn(),
        Slo::gauge(OPEN_ROOMS, Limit::AtLeast(4)).in_part("writers"),
        Slo::gauge(OPEN_ROOMS, Limit::AtLeast(4)).warn(),
    ],
    measures: &[QUEUE_LENGTH, ORDERS, LOST, OPEN_ROOMS, HITS],
    mapping: BackendMapping::FASTAPI,
    backend_slos: &[],
    caches: &[],
};
