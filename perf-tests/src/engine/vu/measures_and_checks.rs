//! The scenario's own measures and checks.

use monitoring::measure::Measure;
use monitoring::phase::Phase;

use super::Vu;
use crate::clock;
use crate::measure::SegmentedKey;
use crate::plan::nanos;

impl Vu {
    /// Records a value of a measure of the catalogue. For a rate, zero is bad and any other value
    /// is good.
    ///
    /// ```
    /// # use monitoring::measure::Measure;
    /// const QUEUE_LENGTH: Measure = Measure::trend("queue_length", "Queue length");
    ///
    /// # fn iteration(vu: &mut perf_tests::Vu, length: u64, is_hit: bool, hits: Measure) {
    /// vu.record(QUEUE_LENGTH, length);
    /// vu.record(hits, is_hit.into());
    /// # }
    /// ```
    ///
    /// # Panics
    /// If the scenario has not declared the measure with
    /// [`measures`](crate::Scenario::measures), because its objectives would not be judged. The run
    /// exits with code 104.
    #[track_caller]
    pub fn record(&mut self, measure: Measure, value: u64) {
        let run = &self.context.run;
        if !run.declared_measures.contains(&measure) {
            panic!("the scenario records {} but does not declare it: add it to measures(&[…])", measure.name);
        }
        let Some(index) = run.measures.iter().position(|known| *known == measure) else { return };
        let now = clock::now();
        let at = nanos(now.saturating_duration_since(self.context.load_start));
        // Setup and teardown are not judged.
        if self.id > 0 {
            let key = self.key(self.phase_at(now));
            self.context.recorder.borrow_mut().record_measure(key, index, at, value);
        }
    }

    /// Counts whether `passed` is true, under a name that an objective can refer to. Returns
    /// `passed`. It does not change the outcome of any request;
    /// [`Request::check`](super::Request::check) does.
    ///
    /// ```
    /// # fn iteration(vu: &mut perf_tests::Vu, players: u32) {
    /// vu.check("room is not empty", players > 0);
    /// # }
    /// ```
    pub fn check(&mut self, name: &'static str, passed: bool) -> bool {
        let phase = self.phase_at(clock::now());
        self.count_check(phase, name, passed);
        passed
    }

    pub(super) fn count_check(&self, phase: Phase, name: &'static str, passed: bool) {
        self.context.recorder.borrow_mut().record_check(self.key(phase), name, passed);
    }

    const fn key(&self, phase: Phase) -> SegmentedKey {
        SegmentedKey { part: self.part, phase, segments: self.segments }
    }
}
