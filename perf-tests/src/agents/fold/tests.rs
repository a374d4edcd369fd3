//! Tests of `fold`.

use std::time::Duration;

use monitoring::phase::{Phase, Phases};
use monitoring::ratio::Ratio;
use proptest::prelude::*;
use test_support::shop::SHOP;

use super::*;
use crate::clock;
use crate::measure::{DurationParts, EndpointCounts, Failure, Layout, Recorder, Sample, SampleKey, Segments};

/// All that verdicts and reports read of an endpoint.
fn facts(counts: &EndpointCounts) -> impl PartialEq + std::fmt::Debug + use<> {
    let buckets: Vec<_> = counts.latency.buckets().cumulative().collect();
    let quantiles: Vec<_> =
        [1, 50, 95, 99].iter().map(|&percent| counts.latency.quantile(Ratio::percent(percent))).collect();
    let statuses: Vec<_> = counts.by_status.iter().map(|(status, counts)| (*status, counts.failed)).collect();
    let recorded: Vec<_> = counts.latency.histogram().recorded().collect();
    (buckets, quantiles, statuses, recorded, counts.failures().collect::<Vec<_>>(), counts.late)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn counts_of_agents_are_those_of_one_process(
        samples in proptest::collection::vec((0_usize..3, 0_u64..20_000_000_000, 0_u8..10, any::<bool>()), 0..200),
        agents in 1_usize..=16,
    ) {
        let layout = Layout::new(&SHOP, vec![false]);
        let mut alone = Recorder::new(layout.clone());
        let mut together: Vec<_> = (0..agents).map(|_| Recorder::new(layout.clone())).collect();
        let started = clock::now();
        for (at, (endpoint, nanos, failed, late)) in samples.into_iter().enumerate() {
            let failure = (failed == 0).then_some(Failure::Status);
            let finished = started + Duration::from_nanos(nanos);
            let (status, parts) = (Some(if failed == 0 { 500 } else { 200 }), DurationParts::default());
            let sample = Sample { status, failure, due: started, started, finished, parts };
            let key = SampleKey { part: 0, endpoint, phase: Phase::Steady, late, segments: Segments::default() };
            alone.record(key, &sample);
            together[at % agents].record(key, &sample);
        }
        let mut merged = Snapshot::new(&layout);
        for agent in &together {
            let sent = serde_json::to_vec(&agent.snapshot()).unwrap();
            let arrived: Snapshot = serde_json::from_slice(&sent).unwrap();
            prop_assert!(arrived.fits(&layout));
            merged.merge(&arrived);
        }
        for endpoint in 0..3 {
            let [merged, alone] = [&merged, &alone.snapshot()].map(|all| all.endpoint(endpoint, Phases::ALL).unwrap());
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
