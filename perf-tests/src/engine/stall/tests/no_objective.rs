//! Stalls of requests without an objective.

use super::*;

#[test]
fn a_freeze_elsewhere_omits_requests_to_the_judged_endpoint() {
    // All VUs wait at endpoint 1 or with unjudged requests. Only endpoint 0 is judged.
    for waiting_lane in [1, 2] {
        let mut load = SimulatedLoad::with_limits(&[LIMIT, None], &[false]);
        load.pulse.vus[0] = 5;
        let ended = [(0, 2), (waiting_lane, 2)];
        load.waiting(0, 2).waiting(waiting_lane, 3).steady(MS(9_000), &ended);
        load.waiting(0, 0).waiting(waiting_lane, 5).freeze(MS(8_000));
        load.waiting(0, 2).waiting(waiting_lane, 3);
        let stall = load.steady(MS(9_000), &ended).only_stall();
        assert_eq!((stall.endpoint, stall.waiting), ((waiting_lane == 1).then_some(1), 5), "{stall:?}");
        assert!(omitted(&stall, 0).abs_diff(40 * 77 / 10) < 20, "{stall:?}");
        assert!(stall.omitted.iter().all(|(endpoint, _)| *endpoint < 2), "{stall:?}");
    }
}

#[test]
fn slow_responses_without_an_objective_are_not_stalls() {
    // Of 10 VUs, 4 wait at an endpoint without an objective, each for 1 to 3 s.
    let mut load = SimulatedLoad::with_limits(&[LIMIT, None], &[false]);
    load.pulse.vus[0] = 10;
    for round in 0..40 {
        load.waiting(0, 2).waiting(1, 4).steady(MS(1_000 + round % 3 * 1_000), &[(0, 2)]);
        load.poll(&[(1, 1 + round % 2)]);
    }
    assert_eq!(load.stalls(), []);
}

#[test]
fn a_freeze_of_many_rare_endpoints_is_a_stall() {
    // Each of 20 endpoints gets a request per second, and only the first has an objective.
    let limits: Vec<_> = std::iter::once(LIMIT).chain([None; 19]).collect();
    let mut load = SimulatedLoad::with_limits(&limits, &[false]);
    load.pulse.vus[0] = 2;
    let turn = |load: &mut SimulatedLoad| {
        for lane in 0..20 {
            load.waiting(lane, 1).waiting((lane + 19) % 20, 0).poll(&[((lane + 19) % 20, 1)]);
        }
    };
    (0..12).for_each(|_| turn(&mut load));
    load.waiting(19, 0)
        .waiting(4, 1)
        .waiting(5, 1)
        .freeze(MS(8_000))
        .waiting(4, 0)
        .waiting(5, 0)
        .poll(&[(4, 1), (5, 1)]);
    (0..12).for_each(|_| turn(&mut load));
    let stalls = load.stalls();
    let all: u64 = stalls.iter().map(|stall| omitted(stall, 0)).sum();
    assert!((6..9).contains(&all), "{stalls:?}");
}
