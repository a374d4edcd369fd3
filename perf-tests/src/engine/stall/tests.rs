//! Loads in steps of a poll: which waits are stalls, and how many requests they omit.

use super::*;

const MS: fn(u64) -> Duration = Duration::from_millis;
const THRESHOLD: Duration = Duration::from_millis(300);

/// A closed load whose virtual users all wait, each with one request, but for its completions.
struct SimulatedLoad {
    watch: StallWatch,
    now: Duration,
    pulse: PulseSum,
}

impl SimulatedLoad {
    fn new(vus: u64) -> Self {
        let pulse = PulseSum { vus, waiting: vus, ..PulseSum::default() };
        let watch = StallWatch::new(Some(THRESHOLD), Duration::from_secs(600));
        let mut load = Self { watch, now: Duration::ZERO, pulse };
        load.poll(0);
        load
    }

    fn poll(&mut self, ended: u64) {
        self.pulse.ended += ended;
        self.pulse.ended_of_closed += ended;
        self.pulse.beat = self.now;
        self.watch.poll(self.now, self.pulse);
        self.now += POLL;
    }

    /// `ended` requests end every `every`, for a time of `length`.
    fn run(&mut self, length: Duration, every: Duration, ended: u64) -> &mut Self {
        let until = self.now + length;
        let mut next = self.now + every;
        while self.now < until {
            let is_due = self.now >= next;
            next += if is_due { every } else { Duration::ZERO };
            self.poll(if is_due { ended } else { 0 });
        }
        self
    }

    fn freeze(&mut self, length: Duration) -> &mut Self {
        let until = self.now + length;
        while self.now < until {
            self.poll(0);
        }
        self
    }

    fn stalls(&mut self) -> Vec<Stall> {
        let watch = std::mem::replace(&mut self.watch, StallWatch::new(None, Duration::ZERO));
        watch.finish().0
    }
}

#[test]
fn a_freeze_is_a_stall_and_omits_the_requests_of_its_time() {
    // 5 VUs make 200 requests per second.
    let stalls = SimulatedLoad::new(5).run(MS(9_000), POLL, 10).freeze(MS(8_000)).run(MS(8_000), POLL, 10).stalls();
    let [stall] = stalls.as_slice() else { panic!("{stalls:?}") };
    assert!(stall.from.abs_diff(MS(9_000)) <= MS(100) && stall.length.abs_diff(MS(8_000)) <= MS(100), "{stall:?}");
    // 200 per second in 8 s but for the threshold, and but for the 5 that waited.
    assert!(stall.waiting == 5 && stall.omitted.abs_diff(200 * 77 / 10 - 5) < 50, "{stall:?}");
}

#[test]
fn each_of_several_freezes_is_a_stall() {
    let mut load = SimulatedLoad::new(5);
    for _ in 0..5 {
        load.run(MS(3_000), POLL, 10).freeze(MS(1_000));
    }
    let stalls = load.stalls();
    assert_eq!(stalls.len(), 5, "{stalls:?}");
    assert!(stalls.iter().all(|stall| stall.omitted.abs_diff(200 * 7 / 10) < 40), "{stalls:?}");
}

#[test]
fn a_stall_that_never_ends_counts_until_the_planned_end() {
    let mut load = SimulatedLoad::new(2);
    load.watch.end = MS(10_000);
    let stalls = load.run(MS(4_000), POLL, 10).freeze(MS(30_000)).stalls();
    let [stall] = stalls.as_slice() else { panic!("{stalls:?}") };
    assert!(stall.length > MS(29_000) && stall.omitted.abs_diff(200 * 6) < 60, "{stall:?}");
}

#[test]
fn one_slow_vu_with_think_time_has_a_stall_only_if_it_is_long() {
    // A request per second, so that a few seconds hide only a few requests.
    let frozen = |length| {
        let mut load = SimulatedLoad::new(1);
        for _ in 0..12 {
            load.pulse.waiting = 0;
            load.freeze(MS(900));
            load.pulse.waiting = 1;
            load.freeze(MS(100));
            load.pulse.waiting = 0;
            load.poll(1);
        }
        load.pulse.waiting = 1;
        load.freeze(length);
        load.poll(1);
        load.stalls()
    };
    assert_eq!(frozen(MS(2_000)), []);
    let long = frozen(MS(8_000));
    assert!(long.len() == 1 && (5..8).contains(&long[0].omitted), "{long:?}");
}

#[test]
fn responses_near_or_over_the_threshold_are_no_stalls() {
    for (every, vus) in [(250, 1), (300, 100), (350, 1), (350, 100), (1_000, 30), (2_500, 500)] {
        // All VUs are in step: all responses come at once, and none in between.
        let stalls = SimulatedLoad::new(vus).run(MS(60_000), MS(every), vus).stalls();
        assert_eq!(stalls, [], "{vus} VUs, a response of {every} ms each");
    }
}

#[test]
fn a_slow_tail_is_no_stall() {
    // One VU. Every 50th response takes 1 s, the others 100 ms.
    let mut load = SimulatedLoad::new(1);
    for _ in 0..20 {
        load.run(MS(4_900), MS(100), 1).freeze(MS(900));
    }
    assert_eq!(load.stalls(), []);
}

#[test]
fn a_ramp_and_its_last_slow_response_are_no_stalls() {
    let mut load = SimulatedLoad::new(1);
    for vus in (1..=100).chain((1..=100).rev()) {
        load.pulse = PulseSum { vus, waiting: vus, ..load.pulse };
        load.run(MS(100), POLL, vus);
    }
    assert_eq!(load.freeze(MS(900)).stalls(), []);
}

#[test]
fn a_generator_that_does_not_run_is_no_stall() {
    let mut load = SimulatedLoad::new(5);
    load.run(MS(5_000), POLL, 10);
    // The whole machine stands still.
    load.now += MS(5_000);
    load.run(MS(1_000), POLL, 10);
    // A worker stands still, and the supervisor does not.
    let beat = load.now;
    for _ in 0..100 {
        load.pulse.beat = beat;
        load.watch.poll(load.now, load.pulse);
        load.now += POLL;
    }
    assert_eq!(load.run(MS(1_000), POLL, 10).stalls(), []);
}

#[test]
fn an_idle_load_is_no_stall() {
    let mut load = SimulatedLoad::new(5);
    load.run(MS(5_000), POLL, 10);
    load.pulse.waiting = 0;
    load.freeze(MS(5_000));
    load.pulse.waiting = 5;
    assert_eq!(load.run(MS(1_000), POLL, 10).stalls(), []);
}

#[test]
fn shares_add_up_to_the_total() {
    assert_eq!(apportion(8, &[1; 10]), [1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
    assert_eq!(apportion(10, &[2, 0, 1]), [7, 0, 3]);
    assert_eq!(apportion(10, &[0, 0]), [0, 0]);
    assert_eq!(apportion(u64::MAX, &[u128::from(u64::MAX), 1]).iter().sum::<u64>(), u64::MAX);
}
