//! Tests of `progress`.

use monitoring::phase::Phase;
use test_support::shop::SHOP;
use tokio::time::Instant;

use super::*;
use crate::measure::{DurationParts, Failure, Layout, Recorder, Sample, SampleKey, Segments};
use crate::plan::{LoadProfile, constant_vus, shared_iterations};

const SECOND: Duration = Duration::from_secs(1);

/// 10 VUs, with 1200 requests to one endpoint within its objective and some over that of
/// another.
#[expect(clippy::disallowed_methods, reason = "any instant will do")]
fn snapshot() -> Snapshot {
    let mut recorder = Recorder::new(Layout::new(&SHOP, vec![false]));
    (0..10).for_each(|_| recorder.vu_started(0));
    let due = Instant::now();
    let mut record = |endpoint, ms, failure: Option<Failure>| {
        let (phase, finished) = (Phase::Steady, due + Duration::from_millis(ms));
        let at = SampleKey { part: 0, endpoint, phase, late: false, segments: Segments::default() };
        let parts = DurationParts::default();
        recorder.record(at, &Sample { status: Some(200), failure, due, started: due, finished, parts });
    };
    (0..1200).for_each(|at| record(0, 60 + at % 40, None));
    (0..20).for_each(|_| record(1, 250, None));
    (0..5).for_each(|_| record(2, 10, Some(Failure::Status)));
    recorder.record_iteration(0, crate::measure::IterationEnd::Completed, SECOND, &[]);
    recorder.snapshot()
}

fn progress(load: &LoadProfile, is_terminal: bool) -> Progress {
    let plan = Plan { parts: vec![load.plan("shop", 1, 1).unwrap()], seed: 1 };
    let progress = Progress::new("shop", &plan, &SHOP, &SHOP.endpoints[..4], true);
    let terminal = Progress::terminal(progress.endpoints.len());
    Progress { display: if is_terminal { terminal } else { Display::Lines { next: SECOND } }, ..progress }
}

#[test]
fn a_terminal_shows_each_endpoint_beside_its_objective() {
    let mut progress = progress(&constant_vus(10, SECOND * 30), true);
    let lines = [progress.lines(SECOND * 15, &snapshot()), progress.lines(SECOND * 31, &snapshot())];
    assert!(lines.iter().flatten().all(|line| line.chars().count() <= 80), "{lines:?}");
    insta::assert_snapshot!(lines.map(|lines| lines.join("\n")).join("\n\n"));
}

#[test]
fn without_a_terminal_one_line_names_the_endpoint_nearest_to_its_limit() {
    let timed = progress(&constant_vus(10, SECOND * 30), false).lines(SECOND * 15, &snapshot());
    let counted = progress(&shared_iterations(10, 500), false).lines(SECOND * 15, &snapshot());
    insta::assert_snapshot!([timed, counted].concat().join("\n"));
}
