//! Tests of `fold`.

use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::measure::Measure;
use monitoring::phase::{Phase, Phases};
use monitoring::ratio::Ratio;
use monitoring::segment::Segment;
use monitoring::slo::Slo;
use perf_report::judgement::Judge;
use perf_report::verdict::Tally;
use proptest::prelude::*;
use test_support::shop::{ADD_ITEM, GET_CART, SHOP};
use tokio::time::Instant;

use super::*;
use crate::clock;
use crate::measure::{
    DurationParts, EndpointCounts, Failure, IterationEnd, Layout, Recorder, Sample, SampleKey, SegmentedKey, Segments,
};

/// All that verdicts and reports read of an endpoint.
fn facts(counts: &EndpointCounts) -> impl PartialEq + std::fmt::Debug + use<> {
    let buckets: Vec<_> = counts.latency.buckets().cumulative().collect();
    let quantiles: Vec<_> =
        [1, 50, 95, 99].iter().map(|&percent| counts.latency.quantile(Ratio::percent(percent))).collect();
    let statuses: Vec<_> = counts.by_status.iter().map(|(status, counts)| (*status, counts.failed)).collect();
    let recorded: Vec<_> = counts.latency.histogram().recorded().collect();
    (buckets, quantiles, statuses, recorded, counts.failures().collect::<Vec<_>>(), counts.late)
}

const SIZE: Measure = Measure::trend("size", "Size");
const HIT: Measure = Measure::rate("hit", "Hit");
const SECOND: Duration = Duration::from_secs(1);

/// The shop with objectives of all kinds. Its first part is closed, and the second one is open.
const CATALOGUE: Catalogue = Catalogue {
    slos: &[
        Slo::p95(ADD_ITEM, Duration::from_millis(300)),
        Slo::success_above(GET_CART, Ratio::percent(95)),
        Slo::errors_below(Ratio::percent(1)),
        Slo::total_throughput(5),
        Slo::p95(ADD_ITEM, Duration::from_millis(300)).in_part("open"),
        Slo::response_time(GET_CART, Ratio::percent(95), SECOND).in_part("open"),
        Slo::p95(ADD_ITEM, Duration::from_millis(300)).in_segment("day", 2),
        Slo::errors_below(Ratio::percent(1)).in_tag("cart", "large"),
        Slo::check_above("has items", Ratio::percent(95)),
        Slo::check_above("has items", Ratio::percent(95)).in_segment("day", 2),
        Slo::trend(SIZE, Ratio::percent(95), 100),
        Slo::trend(SIZE, Ratio::percent(95), 100).in_tag("cart", "large"),
        Slo::rate_above(HIT, Ratio::percent(50)),
    ],
    measures: &[SIZE, HIT],
    ..SHOP
};

/// A request of an iteration, with its check and its values.
#[derive(Debug, Clone)]
struct Event {
    part: usize,
    endpoint: usize,
    phase: usize,
    nanos: u64,
    failed: bool,
    late: bool,
    day: Option<u32>,
    is_large: bool,
    is_dropped: bool,
    value: u64,
}

fn event() -> impl Strategy<Value = Event> {
    let request = (0_usize..2, 0_usize..3, 0_usize..3, 0_u64..20_000_000_000, 0_u8..10, any::<bool>());
    let rest = (proptest::option::of(1_u32..4), any::<bool>(), 0_u8..20, 0_u64..300);
    (request, rest).prop_map(|((part, endpoint, phase, nanos, failed, late), (day, is_large, dropped, value))| {
        let (failed, is_dropped) = (failed == 0, dropped == 0);
        Event { part, endpoint, phase, nanos, failed, late, day, is_large, is_dropped, value }
    })
}

fn record(recorder: &mut Recorder, event: &Event, started: Instant) {
    let phase = Phase::ALL[event.phase];
    if event.is_dropped {
        recorder.record_dropped(event.part, phase, 1);
        return;
    }
    let failure = event.failed.then_some(Failure::Status);
    let (finished, took) = (started + Duration::from_nanos(event.nanos), Duration::from_nanos(event.nanos));
    let (status, parts) = (Some(if event.failed { 500 } else { 200 }), DurationParts::default());
    let sample = Sample { status, failure, due: started, started, finished, parts };
    let mut segments = Segments::default();
    event.day.into_iter().for_each(|day| segments.set(Segment("day", day)));
    recorder.set_tag(&mut segments, "cart", if event.is_large { "large" } else { "small" });
    let key = SampleKey { part: event.part, endpoint: event.endpoint, phase, late: event.late, segments };
    recorder.record(key, &sample);
    let values = SegmentedKey { part: event.part, phase, segments };
    recorder.record_check(values, "has items", !event.value.is_multiple_of(3));
    recorder.record_measure(values, 0, event.nanos, event.value);
    recorder.record_measure(values, 1, event.nanos, event.value % 2);
    let mut made = recorder.made();
    recorder.count_made(&mut made, &key);
    let end = if event.failed { IterationEnd::Failed } else { IterationEnd::Completed };
    recorder.record_iteration(event.part, end, took, &made);
}

/// The counts by which each objective is judged.
fn tallies(snapshot: &Snapshot) -> Vec<Option<Tally>> {
    let (checks, measures) = (["has items".into()], ["size".into(), "hit".into()]);
    let judge = Judge {
        catalogue: &CATALOGUE,
        exercised: CATALOGUE.endpoints,
        snapshot,
        checks: &checks,
        measures: &measures,
        parts: &["closed", "open"],
    };
    CATALOGUE.slos.iter().chain(SHOP.slos).map(|slo| judge.tally(slo)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn counts_of_agents_are_those_of_one_process(
        events in proptest::collection::vec(event(), 0..200),
        agents in 1_usize..=16,
    ) {
        let layout = Layout::new(&CATALOGUE, vec![false, true]);
        let mut alone = Recorder::new(layout.clone());
        let mut together: Vec<_> = (0..agents).map(|_| Recorder::new(layout.clone())).collect();
        let started = clock::now();
        for (at, event) in events.iter().enumerate() {
            record(&mut alone, event, started);
            record(&mut together[at % agents], event, started);
        }
        let (mut merged, alone) = (Snapshot::new(&layout), alone.snapshot());
        for agent in &together {
            let sent = serde_json::to_vec(&agent.snapshot()).unwrap();
            let arrived: Snapshot = serde_json::from_slice(&sent).unwrap();
            prop_assert!(arrived.is_addable(&layout));
            merged.merge(&arrived);
        }
        prop_assert_eq!(tallies(&merged), tallies(&alone));
        prop_assert!(tallies(&alone).iter().all(Option::is_some));
        for endpoint in 0..3 {
            let [merged, alone] = [&merged, &alone].map(|all| all.endpoint(endpoint, Phases::ALL).unwrap());
            prop_assert_eq!(facts(&merged), facts(&alone));
        }
    }
}

#[test]
fn counts_of_another_catalogue_do_not_fit() {
    let layout = Layout::new(&SHOP, vec![false]);
    let other = Layout::new(&SHOP, vec![false, true]);
    assert!(Snapshot::new(&layout).fits(&layout) && !Snapshot::new(&other).fits(&layout));
}
