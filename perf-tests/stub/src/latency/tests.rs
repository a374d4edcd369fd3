//! Tests of `latency`.

use super::*;

fn times(seed: u64, faults: &Faults) -> Vec<Option<Duration>> {
    let latencies = Latencies::new(seed, faults.clone());
    let one = |fate| match fate {
        Fate::Respond(time) => Some(time),
        Fate::Error => None,
    };
    (0..2000).map(|_| one(latencies.next("join_room", Duration::ZERO))).collect()
}

#[test]
fn equal_seeds_give_equal_latencies() {
    assert_eq!(times(1, &Faults::default()), times(1, &Faults::default()));
    assert_ne!(times(1, &Faults::default()), times(2, &Faults::default()));
}

#[test]
fn latencies_have_the_median_of_their_endpoint() {
    let mut times: Vec<_> = times(1, &Faults::default()).into_iter().flatten().collect();
    times.sort_unstable();
    let median = times[1000].as_secs_f64() * 1e3;
    assert!((43.0..47.0).contains(&median), "{median}");
}

#[test]
fn the_share_of_errors_is_the_configured_one() {
    let faults = Faults::parse(&[], &["join_room=30%".into()]).unwrap();
    let errors = times(1, &faults).iter().filter(|time| time.is_none()).count();
    assert!((540..660).contains(&errors), "{errors} of 2000");
}
