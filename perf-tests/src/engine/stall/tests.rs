//! Loads in steps of a poll: which waits are stalls, and how many requests they omit.

use test_support::shop::SHOP;

use super::*;
use crate::clock;
use crate::measure::{LaneSum, Layout};

mod no_objective;
mod partial;

const MS: fn(u64) -> Duration = Duration::from_millis;
const P95: Ratio = Ratio::percent(95);
const LIMIT: Option<StallLimit> = Some(StallLimit { threshold: Duration::from_millis(300), objective: Some(P95) });
const END: Duration = Duration::from_secs(600);

/// A load whose requests all wait but for their completions.
struct SimulatedLoad {
    watch: StallWatch,
    now: Duration,
    pulse: PulseSum,
}

impl SimulatedLoad {
    /// A closed load on one endpoint, whose virtual users all wait.
    fn new(vus: u64) -> Self {
        let mut load = Self::with_limits(&[LIMIT], &[false]);
        (load.pulse.vus[0], load.pulse.lanes[0].waiting) = (vus, vus);
        load.poll(&[]);
        load
    }

    /// Idle parts, each with an endpoint for each limit and a lane for unjudged requests.
    fn with_limits(limits: &[Option<StallLimit>], open: &[bool]) -> Self {
        let watch = StallWatch::new(limits, open.iter().map(|open| (*open, END)));
        let lanes = vec![LaneSum::default(); (limits.len() + 1) * open.len()];
        Self { watch, now: Duration::ZERO, pulse: PulseSum { lanes, vus: vec![0; open.len()], beat: Duration::ZERO } }
    }

    /// A poll after requests of these lanes have ended.
    fn poll(&mut self, ended: &[(usize, u64)]) {
        ended.iter().for_each(|&(lane, ended)| self.pulse.lanes[lane].ended += ended);
        self.pulse.beat = self.now;
        self.watch.poll(self.now, &self.pulse);
        self.now += POLL;
    }

    /// `ended` requests of the first lane end every `every`, for a time of `length`.
    fn run(&mut self, length: Duration, every: Duration, ended: u64) -> &mut Self {
        let until = self.now + length;
        let mut next = self.now + every;
        while self.now < until {
            let is_due = self.now >= next;
            next += if is_due { every } else { Duration::ZERO };
            let ended = [(0, ended)];
            self.poll(if is_due { &ended } else { &[] });
        }
        self
    }

    /// These requests end at each poll, for a time of `length`.
    fn steady(&mut self, length: Duration, ended: &[(usize, u64)]) -> &mut Self {
        let until = self.now + length;
        while self.now < until {
            self.poll(ended);
        }
        self
    }

    fn freeze(&mut self, length: Duration) -> &mut Self {
        self.steady(length, &[])
    }

    fn waiting(&mut self, lane: usize, waiting: u64) -> &mut Self {
        self.pulse.lanes[lane].waiting = waiting;
        self
    }

    fn stalls(&mut self) -> Vec<Stall> {
        std::mem::replace(&mut self.watch, StallWatch::new(&[], [])).finish(&LongestRequests::default(), clock::now()).0
    }

    fn only_stall(&mut self) -> Stall {
        let stalls = self.stalls();
        let [stall] = stalls.as_slice() else { panic!("{stalls:?}") };
        stall.clone()
    }
}

fn omitted(stall: &Stall, endpoint: usize) -> u64 {
    stall.omitted.iter().filter(|(of, _)| *of == endpoint).map(|(_, omitted)| omitted).sum()
}

#[test]
fn a_freeze_is_a_stall_and_omits_the_requests_of_its_time() {
    // 5 VUs make 200 requests per second.
    let stall = SimulatedLoad::new(5).run(MS(9_000), POLL, 10).freeze(MS(8_000)).run(MS(8_000), POLL, 10).only_stall();
    assert!(stall.from.abs_diff(MS(9_000)) <= MS(100) && stall.length.abs_diff(MS(8_000)) <= MS(100), "{stall:?}");
    // 200 per second in 8 s but for the threshold, and but for the 5 that waited.
    assert!(stall.waiting == 5 && omitted(&stall, 0).abs_diff(200 * 77 / 10 - 5) < 50, "{stall:?}");
}

#[test]
fn each_of_several_freezes_is_a_stall() {
    let mut load = SimulatedLoad::new(5);
    for _ in 0..5 {
        load.run(MS(3_000), POLL, 10).freeze(MS(1_000));
    }
    let stalls = load.stalls();
    assert_eq!(stalls.len(), 5, "{stalls:?}");
    assert!(stalls.iter().all(|stall| omitted(stall, 0).abs_diff(200 * 7 / 10) < 40), "{stalls:?}");
}

#[test]
fn freezes_with_few_requests_at_each_endpoint_are_stalls() {
    // 2 VUs and 80 requests per second at each endpoint. A freeze of 1 s in every 3 s, for 60 s.
    for endpoints in [1, 5] {
        let mut load = SimulatedLoad::with_limits(&vec![LIMIT; endpoints], &[false]);
        load.pulse.vus[0] = 2 * endpoints as u64;
        (0..endpoints).for_each(|lane| load.pulse.lanes[lane].waiting = 2);
        let ended: Vec<_> = (0..endpoints).map(|lane| (lane, 4)).collect();
        for _ in 0..20 {
            load.steady(MS(2_000), &ended).freeze(MS(1_000));
        }
        let stalls = load.stalls();
        for endpoint in 0..endpoints {
            let all: u64 = stalls.iter().map(|stall| omitted(stall, endpoint)).sum();
            assert!(all.abs_diff(20 * 54) <= 20 * 6, "{endpoint} of {endpoints}: {all} omitted: {stalls:?}");
        }
    }
}

#[test]
fn endpoints_with_a_request_each_stall_together() {
    let mut load = SimulatedLoad::with_limits(&[LIMIT; 5], &[false]);
    load.pulse.vus[0] = 5;
    (0..5).for_each(|lane| load.pulse.lanes[lane].waiting = 1);
    let ended = [0, 1, 2, 3, 4].map(|lane| (lane, 1));
    load.steady(MS(30_000), &ended).freeze(MS(1_000));
    // They do not all end at the same poll.
    ended.iter().for_each(|ended| load.poll(&[*ended]));
    let named: Vec<_> = load.steady(MS(30_000), &ended).stalls().iter().map(|stall| stall.endpoint).collect();
    assert_eq!(named, [0, 1, 2, 3, 4].map(Some));
}

#[test]
fn stalls_beyond_those_that_are_kept_omit_requests_too() {
    let mut load = SimulatedLoad::new(5);
    load.watch.parts[0].end = MS(10_000_000);
    for _ in 0..1_500 {
        load.run(MS(2_000), POLL, 10).freeze(MS(500));
    }
    let all: u64 = load.stalls().iter().map(|stall| omitted(stall, 0)).sum();
    assert!(all > 1_500 * 30, "{all}");
}

#[test]
fn a_stall_directly_after_a_stall_is_found() {
    for pause in [100, 300, 1_000] {
        let mut load = SimulatedLoad::new(5);
        load.run(MS(5_000), POLL, 10).freeze(MS(2_000)).run(MS(pause), POLL, 10).freeze(MS(2_000)).poll(&[(0, 5)]);
        let stalls = load.stalls();
        assert_eq!(stalls.len(), 2, "{pause} ms: {stalls:?}");
        assert!(stalls.iter().all(|stall| omitted(stall, 0).abs_diff(200 * 17 / 10) < 60), "{pause} ms: {stalls:?}");
    }
}

#[test]
fn a_stall_among_the_first_requests_is_found() {
    for before in [0, 1, 4] {
        let mut load = SimulatedLoad::new(5);
        load.poll(&[(0, before)]);
        let stall = load.freeze(MS(4_000)).run(MS(8_000), POLL, 10).only_stall();
        assert!(stall.from < MS(200) && omitted(&stall, 0).abs_diff(200 * 37 / 10) < 80, "{before}: {stall:?}");
    }
}

#[test]
fn a_stall_after_the_first_poll_is_found_if_that_was_late() {
    let mut load = SimulatedLoad::with_limits(&[LIMIT], &[false]);
    load.poll(&[]);
    load.now = MS(400);
    (load.pulse.vus[0], load.pulse.beat) = (2, MS(400));
    let stall = load.waiting(0, 2).steady(POLL, &[(0, 400)]).freeze(MS(3_600)).only_stall();
    assert!(omitted(&stall, 0).abs_diff(1_000 * 33 / 10) < 300, "{stall:?}");
}

#[test]
fn a_stall_that_never_ends_counts_until_the_planned_end() {
    let mut load = SimulatedLoad::new(2);
    load.watch.parts[0].end = MS(10_000);
    let stall = load.run(MS(4_000), POLL, 10).freeze(MS(30_000)).only_stall();
    assert!(stall.length > MS(29_000) && omitted(&stall, 0).abs_diff(200 * 6) < 60, "{stall:?}");
}

#[test]
fn one_frozen_endpoint_of_two_is_named() {
    // Virtual users of one part that choose one of two endpoints. Those at the first one wait.
    let mut load = SimulatedLoad::with_limits(&[LIMIT, LIMIT], &[false]);
    load.pulse.vus[0] = 20;
    load.waiting(0, 4).waiting(1, 4).steady(MS(9_000), &[(0, 4), (1, 4)]);
    // The virtual users that still respond get fewer, but never none.
    load.waiting(0, 12).steady(MS(8_000), &[(1, 2)]).waiting(0, 4).steady(MS(9_000), &[(0, 4), (1, 4)]);
    let stall = load.only_stall();
    assert!(stall.endpoint == Some(0) && stall.waiting == 12 && stall.from.abs_diff(MS(9_000)) <= MS(100), "{stall:?}");
    assert!(omitted(&stall, 0).abs_diff(80 * 77 / 10) < 40 && omitted(&stall, 1) == 0, "{stall:?}");
}

#[test]
fn an_endpoint_that_no_vu_reaches_in_a_stall_is_unknown() {
    // All virtual users wait at the first endpoint, so that none gets to the second one.
    let mut load = SimulatedLoad::with_limits(&[LIMIT, LIMIT], &[false]);
    load.pulse.vus[0] = 5;
    load.waiting(0, 3).waiting(1, 2).steady(MS(9_000), &[(0, 4), (1, 2)]);
    load.waiting(0, 5).waiting(1, 0).freeze(MS(8_000)).waiting(0, 3).waiting(1, 2);
    let stall = load.steady(MS(9_000), &[(0, 4), (1, 2)]).only_stall();
    assert!(stall.endpoint == Some(0) && omitted(&stall, 1).abs_diff(omitted(&stall, 0) / 2) < 20, "{stall:?}");
}

#[test]
fn endpoints_that_stall_together_are_counted_once() {
    let mut load = SimulatedLoad::with_limits(&[LIMIT, LIMIT], &[false]);
    load.pulse.vus[0] = 8;
    load.waiting(0, 4).waiting(1, 4).steady(MS(9_000), &[(0, 4), (1, 4)]);
    let stalls = load.freeze(MS(8_000)).steady(MS(9_000), &[(0, 4), (1, 4)]).stalls();
    assert_eq!(stalls.len(), 2, "{stalls:?}");
    let all: u64 = stalls.iter().flat_map(|stall| &stall.omitted).map(|(_, omitted)| omitted).sum();
    assert!(all.abs_diff(160 * 77 / 10) < 80, "{stalls:?}");
}

#[test]
fn one_frozen_part_of_two_is_named() {
    for open in [[false, false], [true, true], [true, false], [false, true]] {
        let mut load = SimulatedLoad::with_limits(&[LIMIT], &open);
        load.pulse.vus = vec![5, 5];
        load.waiting(0, 5).waiting(2, 5).steady(MS(9_000), &[(0, 5), (2, 5)]);
        load.waiting(2, 5).steady(MS(8_000), &[(0, 5)]).steady(MS(5_000), &[(0, 5), (2, 5)]);
        let stall = load.only_stall();
        assert!(stall.part == 1 && stall.length.abs_diff(MS(8_000)) <= MS(100), "{open:?}: {stall:?}");
        // In an open load, each request of the stall is made, and waits.
        let expected = if open[1] { 0 } else { 100 * 77 / 10 };
        assert!(omitted(&stall, 0).abs_diff(expected) < 40, "{open:?}: {stall:?}");
    }
}

#[test]
fn an_endpoint_is_measured_by_its_own_threshold() {
    let slow = LIMIT.map(|limit| StallLimit { threshold: MS(5_000), ..limit });
    for open in [false, true] {
        let mut load = SimulatedLoad::with_limits(&[slow, LIMIT, None], &[open]);
        load.pulse.vus[0] = 15;
        load.waiting(0, 5).waiting(1, 5).waiting(2, 5).steady(MS(9_000), &[(0, 5), (1, 5), (2, 5)]);
        let stalls = load.freeze(MS(3_000)).steady(MS(5_000), &[(0, 5), (1, 5), (2, 5)]).stalls();
        // Requests of a closed load that wait at the last one do not get to the others.
        let named: Vec<_> = stalls.iter().filter_map(|stall| stall.endpoint).collect();
        assert_eq!(named, if open { vec![1] } else { vec![1, 2] }, "{stalls:?}");
    }
}

#[test]
fn one_vu_with_think_time_has_only_long_stalls() {
    // A request per second, so that a few seconds hide only a few requests.
    let frozen = |length| {
        let mut load = SimulatedLoad::new(1);
        for _ in 0..12 {
            load.waiting(0, 0).freeze(MS(900)).waiting(0, 1).freeze(MS(100)).waiting(0, 0).poll(&[(0, 1)]);
        }
        load.waiting(0, 1).freeze(length).poll(&[(0, 1)]);
        load.stalls()
    };
    assert_eq!(frozen(MS(2_000)), []);
    let long = frozen(MS(8_000));
    assert!(long.len() == 1 && (5..8).contains(&omitted(&long[0], 0)), "{long:?}");
}

#[test]
fn a_freeze_of_the_only_vu_is_a_stall_within_the_budget() {
    // 20 requests per second. The wait hides 17 - 1 of 1,200 requests.
    let mut load = SimulatedLoad::new(1);
    load.run(MS(30_000), POLL, 1).freeze(MS(1_150)).run(MS(30_000), POLL, 1);
    let stall = load.only_stall();
    assert!((10..18).contains(&omitted(&stall, 0)), "{stall:?}");
}

#[test]
fn a_single_slow_response_counts_by_the_error_budget() {
    // 20 requests per second and a VU that does not wait. The wait hides 17 - 1 of 1,200 requests.
    for (objective, is_stall) in [(95, false), (99, true)] {
        let limit = LIMIT.map(|limit| StallLimit { objective: Some(Ratio::percent(objective)), ..limit });
        let mut load = SimulatedLoad::with_limits(&[limit], &[false]);
        load.pulse.vus[0] = 2;
        load.waiting(0, 1).run(MS(30_000), POLL, 1).freeze(MS(1_150)).run(MS(30_000), POLL, 1);
        assert_eq!(load.stalls().len(), usize::from(is_stall), "p{objective}");
    }
}

#[test]
fn responses_near_the_threshold_are_not_stalls() {
    for (every, vus) in [(250, 1), (300, 100), (350, 1), (350, 100), (1_000, 30), (2_500, 500)] {
        // All VUs are in step: all responses come at once, and none in between.
        let stalls = SimulatedLoad::new(vus).run(MS(60_000), MS(every), vus).stalls();
        assert_eq!(stalls, [], "{vus} VUs, a response of {every} ms each");
    }
}

#[test]
fn an_endpoint_that_is_slow_and_rare_has_no_stalls() {
    // 30 VUs make a request every 12 s, one after another. Each response takes 2 s.
    for limits in [vec![LIMIT], vec![LIMIT, LIMIT]] {
        let mut load = SimulatedLoad::with_limits(&limits, &[false]);
        load.pulse.vus[0] = 30;
        for _ in 0..15 {
            load.waiting(0, 0).freeze(MS(2_000)).waiting(0, 1).freeze(MS(2_000)).waiting(0, 0).poll(&[(0, 1)]);
        }
        assert_eq!(load.stalls(), []);
    }
}

#[test]
fn an_endpoint_with_slow_responses_beside_a_fast_one_has_no_stalls() {
    let mut load = SimulatedLoad::with_limits(&[LIMIT, LIMIT], &[false]);
    load.pulse.vus[0] = 10;
    for _ in 0..40 {
        load.waiting(0, 2).waiting(1, 3).steady(MS(1_400), &[(1, 3)]).poll(&[(0, 2), (1, 3)]);
        load.waiting(0, 0).steady(MS(700), &[(1, 3)]);
    }
    assert_eq!(load.stalls(), []);
}

#[test]
fn a_slow_tail_is_not_a_stall() {
    // Every 50th response takes 1 s, the others 100 ms. The first waits of an only VU may be
    // stalls, until they are known to recur.
    for (vus, stalls) in [(1, 3), (2, 0)] {
        let mut load = SimulatedLoad::with_limits(&[LIMIT], &[false]);
        load.pulse.vus[0] = vus;
        load.waiting(0, 1);
        for _ in 0..20 {
            load.run(MS(4_900), MS(100), 1).freeze(MS(900));
        }
        assert_eq!(load.stalls().len(), stalls, "{vus} VUs");
    }
}

#[test]
fn a_ramp_and_its_last_slow_response_are_not_stalls() {
    let mut load = SimulatedLoad::new(1);
    for vus in (1..=100).chain((1..=100).rev()) {
        load.pulse.vus[0] = vus;
        load.waiting(0, vus).run(MS(100), POLL, vus);
    }
    assert_eq!(load.freeze(MS(900)).stalls(), []);
}

#[test]
fn a_paused_generator_is_not_a_stall() {
    let mut load = SimulatedLoad::new(5);
    load.run(MS(5_000), POLL, 10);
    // The whole machine stands still.
    load.now += MS(5_000);
    load.run(MS(1_000), POLL, 10);
    // A worker stands still, and the supervisor does not.
    let beat = load.now;
    for _ in 0..100 {
        load.pulse.beat = beat;
        load.watch.poll(load.now, &load.pulse);
        load.now += POLL;
    }
    assert_eq!(load.run(MS(1_000), POLL, 10).stalls(), []);
}

#[test]
fn a_generator_that_stands_still_in_a_stall_shortens_it() {
    let mut load = SimulatedLoad::new(5);
    load.run(MS(5_000), POLL, 10).freeze(MS(3_000));
    load.now += MS(2_000);
    let stall = load.freeze(MS(3_000)).run(MS(2_000), POLL, 10).only_stall();
    assert!(stall.length.abs_diff(MS(6_000)) <= MS(150), "{stall:?}");
    assert!(omitted(&stall, 0).abs_diff(200 * 57 / 10) < 80, "{stall:?}");
}

#[test]
fn an_idle_load_is_not_a_stall() {
    let mut load = SimulatedLoad::new(5);
    load.run(MS(5_000), POLL, 10).waiting(0, 0).freeze(MS(5_000)).waiting(0, 5);
    assert_eq!(load.run(MS(1_000), POLL, 10).stalls(), []);
}

#[test]
fn a_process_that_stood_still_is_not_a_silence() {
    let mut snapshot = Snapshot::new(&Layout::new(&SHOP, vec![false]));
    snapshot.in_flight = 1;
    let mut silence = SilenceWatch::default();
    for at in [0, 500, 1_000, 13_000, 13_500] {
        silence.notice(MS(at), &snapshot);
    }
    // The twelve seconds without a look are half a second of silence.
    assert_eq!(silence.longest().length, MS(2_000));
}
