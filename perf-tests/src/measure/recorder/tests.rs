//! Tests of `recorder`.

use test_support::shop::SHOP;

use super::*;
use crate::clock;
use crate::measure::DurationParts;

#[test]
fn requests_are_late_while_the_worker_stands_still() {
    let (start, ms) = (clock::now(), Duration::from_millis);
    let mut recorder = Recorder::new(Layout::new(&SHOP, vec![false]));
    let mut late = |beats: &[u64], from: u64, to: u64, status: Option<u16>| {
        beats.iter().for_each(|at| recorder.beat(start + ms(*at), start));
        let (started, finished) = (start + ms(from), start + ms(to));
        let parts = DurationParts::default();
        let key = SampleKey { part: 0, endpoint: 0, phase: Phase::Steady, late: false, segments: Segments::default() };
        recorder.record(key, &Sample { status, failure: None, due: started, started, finished, parts });
        recorder.snapshot().parts[0].cell_mut(0, Phase::Steady).late
    };
    assert_eq!(late(&[], 0, 9_000, Some(200)), 0, "no worker");
    assert_eq!(late(&[0, 50, 100], 90, 340, Some(200)), 0);
    assert_eq!(late(&[], 90, 1_100, Some(200)), 1, "before the worker's next beat");
    assert_eq!(late(&[1_100], 90, 1_100, Some(200)), 2, "after it");
    assert_eq!(late(&[1_150], 1_000, 1_160, Some(200)), 3, "it began meanwhile");
    assert_eq!(late(&[1_200], 1_100, 1_210, Some(200)), 3);
    assert_eq!(late(&[], 1_000, 1_210, None), 3, "not an HTTP request");
}

#[test]
fn failures_while_the_worker_stood_still_are_counted() {
    let (start, ms) = (clock::now(), Duration::from_millis);
    let mut recorder = Recorder::new(Layout::new(&SHOP, vec![true]));
    // Requests of late iterations may fail for any other reason.
    for (beat, failure) in [(0, true), (50, true), (1_100, false), (1_100, true)] {
        recorder.beat(start + ms(beat), start);
        let (started, parts) = (start + ms(beat), DurationParts::default());
        let started = if beat > 1_000 { start + ms(90) } else { started };
        let failure = failure.then_some(crate::measure::Failure::Status);
        let key = SampleKey { part: 0, endpoint: 0, phase: Phase::Steady, late: true, segments: Segments::default() };
        let finished = start + ms(beat + 1);
        recorder.record(key, &Sample { status: Some(500), failure, due: started, started, finished, parts });
    }
    let requests = recorder.snapshot().requests();
    assert_eq!((requests.sent, requests.failed, requests.late_failures), (4, 3, 1));
}

#[test]
fn the_longest_pause_is_between_beats_of_the_load() {
    let (start, ms) = (clock::now(), Duration::from_millis);
    let mut recorder = Recorder::new(Layout::new(&SHOP, vec![false]));
    let load_start = start + ms(3_000);
    // The load begins after the first beats.
    for (beat, from, length, all) in [
        (0, 0, 0, 0),
        (2_000, 0, 0, 0),
        (3_100, 0, 100, 0),
        (4_300, 100, 1_200, 1_200),
        (4_550, 100, 1_200, 1_200),
        (4_850, 100, 1_200, 1_500),
    ] {
        recorder.beat(start + ms(beat), load_start);
        let expected = Pause { from: ms(from), length: ms(length), agent: None, total: ms(all) };
        assert_eq!(recorder.longest_pause(), expected, "{beat} ms");
    }
    let other = Pause { length: ms(1_300), total: ms(1_300), ..Pause::default() };
    let both = recorder.longest_pause().longer(other);
    assert_eq!((both.length, both.total), (ms(1_300), ms(1_500)), "of two workers");
}
