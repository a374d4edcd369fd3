//! Segments and tags of requests.

use monitoring::segment::Segment;

use super::Vu;

impl Vu {
    /// Puts later requests of this iteration in a segment, which has a name and a number. The
    /// report has the latencies of each segment by endpoint. A later call with the same name
    /// replaces the number.
    ///
    /// An iteration has at most three names at a time; a fourth replaces the third. A run has at
    /// most 1000 segments; further ones are not recorded.
    ///
    /// ```
    /// # fn iteration(vu: &mut perf_tests::Vu) {
    /// for day in 1..=30 {
    ///     vu.segment("day", day);
    ///     // Requests of this day.
    /// }
    /// # }
    /// ```
    pub fn segment(&mut self, name: &'static str, number: u32) {
        self.segments.set(Segment(name, number));
    }

    /// Gives later requests, checks and values of this iteration a tag, for objectives on it
    /// (`Slo::in_tag`). A later call with the same name replaces the value. A value that no
    /// objective judges is not recorded, so any text can be a value.
    ///
    /// ```
    /// # fn iteration(vu: &mut perf_tests::Vu, players: u32) {
    /// vu.tag("room", if players > 20 { "large" } else { "small" });
    /// # }
    /// ```
    pub fn tag(&mut self, name: &str, value: &str) {
        self.context.recorder.borrow().set_tag(&mut self.segments, name, value);
    }
}
