//! Tests of `merged`.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::super::{SectionLatencies, encode};
use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn section(from: u32, to: u32, milliseconds: u64) -> Section {
    let mut histogram = Histogram::new(3).unwrap();
    histogram.record(milliseconds * 1_000_000).unwrap();
    let latencies = SectionLatencies { failed: 1, good: Some(1), encoded: encode(&histogram).unwrap() };
    Section {
        from: SECOND * from,
        to: SECOND * to,
        vus: 2,
        begun: 3,
        requests: perf_report::evidence::RequestCounts { sent: 2, failed: 1, ..Default::default() },
        latencies: BTreeMap::from([(1, latencies)]),
    }
}

fn timeline(seconds: u32, sections: Vec<Section>) -> RecordedTimeline {
    RecordedTimeline { interval: SECOND * seconds, sections }
}

#[test]
fn sections_of_shards_are_added_by_their_place() {
    let short = timeline(1, (0..4).map(|at| section(at, at + 1, 10)).collect());
    let long = timeline(2, (0..3).map(|at| section(at * 2, at * 2 + 2, 30)).collect());
    for timelines in [vec![short.clone(), long.clone()], vec![long.clone(), short.clone()]] {
        let RecordedTimeline { interval, sections } = RecordedTimeline::merge(timelines).unwrap();
        let bounds: Vec<_> = sections.iter().map(|section| (section.from.as_secs(), section.to.as_secs())).collect();
        assert_eq!((interval, bounds), (SECOND * 2, vec![(0, 2), (2, 4), (4, 6)]));
        let sent: Vec<_> = sections.iter().map(|section| (section.requests.sent, section.vus)).collect();
        assert_eq!(sent, [(6, 4), (6, 4), (2, 2)]);
        let latencies = &sections[0].latencies[&1];
        assert_eq!((latencies.failed, latencies.good, latencies.decoded().unwrap().len()), (3, Some(3), 3));
    }
}

#[test]
fn a_timeline_that_no_run_has_is_not_plausible() {
    let sections = || vec![section(0, 2, 10), section(2, 4, 10)];
    assert!(timeline(2, sections()).is_plausible(2));
    assert!(!timeline(2, sections()).is_plausible(1), "an endpoint that the catalogue does not have");
    assert!(!timeline(3, sections()).is_plausible(2), "an interval that is not doubled");
    assert!(!timeline(1, vec![section(0, 1, 10); 121]).is_plausible(2), "too many sections");
    assert!(!timeline(1, vec![section(0, 1, 10), section(2, 3, 10)]).is_plausible(2), "a gap");
    let json = serde_json::to_string(&sections()[0]).unwrap().replace("\"encoded\":\"H", "\"encoded\":\"A");
    let broken: Section = serde_json::from_str(&json).unwrap();
    assert!(!timeline(1, vec![broken]).is_plausible(2), "latencies that cannot be decoded");
}
