//! Tests of `timeline`.

use hdrhistogram::Histogram;
use monitoring::phase::Phase;
use monitoring::slo::Slo;
use test_support::shop::{ADD_ITEM, SHOP};

use super::*;
use crate::clock;
use crate::measure::{DurationParts, Failure, Layout, Recorder, Sample, SampleKey, Segments, TimelineRecorder};
use crate::plan::constant_vus;

const SECOND: Duration = Duration::from_secs(1);

fn join(recorder: &mut Recorder, ms: u64, failed: bool) {
    let at = SampleKey { part: 0, endpoint: 0, phase: Phase::Steady, late: false, segments: Segments::default() };
    let started = clock::now();
    let finished = started + Duration::from_millis(ms);
    let (status, failure) = (Some(200), failed.then_some(Failure::Check));
    recorder.record(at, &Sample { status, failure, due: started, started, finished, parts: DurationParts::default() });
}

/// A run of `seconds`. Each second has 40 requests of 1 to 40 ms, which take 100 ms longer in
/// odd seconds, and one more request, which fails in the second second.
fn recorded(seconds: u32) -> RecordedTimeline {
    let mut recorder = Recorder::new(Layout::new(&SHOP, vec![false]));
    let mut timeline = TimelineRecorder::new(&SHOP);
    for second in 1..=seconds {
        for ms in 1..=40 {
            join(&mut recorder, ms + u64::from(second % 2) * 100, false);
        }
        join(&mut recorder, 1, second == 2);
        timeline.offer(SECOND * second - SECOND / 2, &recorder.snapshot()).unwrap();
        timeline.offer(SECOND * second, &recorder.snapshot()).unwrap();
    }
    timeline.finish(SECOND * seconds + SECOND / 4, &recorder.snapshot()).unwrap()
}

fn plan() -> Plan {
    Plan { parts: vec![constant_vus(3, SECOND * 10).plan("a", 1, 1).unwrap()], seed: 1 }
}

#[test]
fn a_slice_has_exactly_the_requests_of_its_section() {
    let timeline = super::timeline(&SHOP, &plan(), &recorded(3)).unwrap();
    assert_eq!((timeline.interval_ms, timeline.slices.len()), (1000, 4));
    let joins = |at: usize| timeline.slices[at].endpoints[ADD_ITEM.name].clone();
    assert_eq!((joins(0).requests, joins(0).failed, joins(1).failed), (41, 0, 1));
    assert_eq!((joins(0).good, joins(1).good), (Some(41), Some(40)));
    assert_eq!(timeline.slices[0].phase, Some(Phase::Steady));
    let ms = |value: Millis| match value {
        Millis::Finite(ms) => ms.round() as u64,
        Millis::Infinite(_) => u64::MAX,
    };
    // The p95 of 41 is the 39th: 138 ms in an odd second. In the second second, one request
    // failed and ranks after the 40 others.
    assert_eq!((ms(joins(0).p95_ms), ms(joins(1).p95_ms), ms(joins(1).p50_ms)), (138, 39, 21));
    assert_eq!((timeline.slices[3].from_ms, timeline.slices[3].to_ms), (3000, 3250));
    assert!(timeline.slices[3].endpoints.is_empty(), "nothing happened after the last cut");
    assert_eq!((timeline.slices[0].planned_vus, timeline.slices[0].due), (3, None));
    let sent: u64 = timeline.slices.iter().map(|slice| slice.requests).sum();
    assert_eq!(sent, 3 * 41);
}

#[test]
fn a_long_run_has_longer_sections_and_loses_no_requests() {
    let RecordedTimeline { interval, sections } = recorded(500);
    assert_eq!(interval, SECOND * 8);
    assert!(sections.len() <= 120, "{}", sections.len());
    let sent: u64 = sections.iter().map(|section| section.requests.sent).sum();
    let latencies: u64 = sections
        .iter()
        .flat_map(|section| section.latencies.values())
        .map(|latencies| latencies.decoded().unwrap().len() + latencies.failed)
        .sum();
    assert_eq!((sent, latencies), (500 * 41, 500 * 41));
    assert!(sections.windows(2).all(|pair| pair[0].to == pair[1].from));
}

#[test]
fn a_long_run_whose_latency_grows_has_a_timeline() {
    let mut recorder = Recorder::new(Layout::new(&SHOP, vec![false]));
    let mut timeline = TimelineRecorder::new(&SHOP);
    for second in 1..=250 {
        join(&mut recorder, if second % 2 == 0 { 40 * u64::from(second) } else { 1 }, false);
        timeline.offer(SECOND * second, &recorder.snapshot()).unwrap();
    }
    let recorded = timeline.finish(SECOND * 251, &recorder.snapshot()).unwrap();
    let longest = recorded.sections.last().unwrap().latencies.values().next().unwrap().decoded().unwrap().max();
    assert!(longest >= 10_000_000_000, "{longest} ns");
}

#[test]
fn the_histogram_log_is_readable_by_the_standard_reader() {
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    let log = histogram_log(&SHOP, SystemTime::UNIX_EPOCH, &recorded(2).sections).unwrap();
    let entries: Vec<_> = IntervalLogIterator::new(&log).map(Result::unwrap).collect();
    let intervals: Vec<_> = entries
        .iter()
        .filter_map(|entry| match entry {
            LogEntry::Interval(interval) => Some(interval),
            _ => None,
        })
        .collect();
    assert_eq!(intervals.len(), 2);
    assert_eq!(intervals[1].tag().unwrap().as_str(), ADD_ITEM.name);
    assert_eq!((intervals[1].start_timestamp(), intervals[1].duration()), (SECOND, SECOND));
    assert!((intervals[0].max() - 140.0).abs() < 0.2, "{}", intervals[0].max());
    let bytes = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, intervals[0].encoded_histogram()).unwrap();
    let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
    assert_eq!(histogram.len(), 41);
}

#[test]
fn a_slice_has_the_percentiles_that_objectives_limit() {
    const STRICT: Catalogue =
        Catalogue { slos: &[Slo::p95(ADD_ITEM, SECOND), Slo::latency(ADD_ITEM, Ratio::percent(99), SECOND)], ..SHOP };
    let slices = |catalogue| super::timeline(catalogue, &plan(), &recorded(1)).unwrap().slices;
    let further = |catalogue| slices(catalogue)[0].endpoints[ADD_ITEM.name].further.clone();
    assert_eq!(further(&SHOP), []);
    let [p99] = further(&STRICT)[..] else { panic!("one percentile beside p50 and p95") };
    assert_eq!((p99.ppm, p99.ms.as_f64().round()), (990_000, 140.0));
}
