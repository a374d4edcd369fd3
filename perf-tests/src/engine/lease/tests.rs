//! Virtual users that wait for leases.

use futures::future;

use super::*;
use crate::plan::shared_iterations;

const MS: fn(u64) -> Duration = Duration::from_millis;

fn leases() -> Leases {
    Leases::new(&Plan { parts: vec![shared_iterations(4, 100).plan("part", 1, 1).unwrap()], seed: 1 })
}

const fn lease(first: u64, count: u64) -> Lease {
    Lease { part: 0, first, count }
}

#[tokio::test(start_paused = true)]
async fn a_virtual_user_waits_for_a_lease_until_its_end() {
    let leases = leases();
    let part = leases.part(0).unwrap();
    let begun = clock::now();
    assert_eq!((part.wait(begun + MS(300)).await, begun.elapsed()), (None, MS(300)));
    let later = async {
        time::sleep(MS(100)).await;
        leases.add(&[lease(7, 1)]);
    };
    let stop = clock::now() + MS(300);
    let (first, second, ()) = tokio::join!(part.wait(stop), part.wait(stop), later);
    assert_eq!((first, second, begun.elapsed()), (Some(7), None, MS(600)));
    let stop = clock::now() + MS(300);
    let at_the_end = async {
        time::sleep_until(stop).await;
        leases.add(&[lease(8, 1)]);
    };
    // In this order, so that the lease is here when the wait ends.
    let ((), late) = future::join(at_the_end, part.wait(stop)).await;
    assert_eq!((late, part.untaken()), (None, 1), "it came too late");
}

#[tokio::test(start_paused = true)]
async fn a_virtual_user_does_not_wait_if_no_iteration_is_left() {
    let leases = leases();
    let part = leases.part(0).unwrap();
    let begun = clock::now();
    let later = async { leases.add(&[lease(5, 2), lease(100, 0)]) };
    let wait = || part.wait(begun + MS(300));
    let (taken, ()) = tokio::join!(async { [wait().await, wait().await, wait().await] }, later);
    assert_eq!((taken, begun.elapsed()), ([Some(5), Some(6), None], MS(0)));
    assert_eq!(leases.requests_at(clock::now()), [], "there is nothing to ask for");
}

#[tokio::test(start_paused = true)]
async fn skipped_iterations_are_taken_from_later_leases_too() {
    let leases = leases();
    let part = leases.part(0).unwrap();
    leases.add(&[lease(0, 4)]);
    let stop = clock::now() + MS(300);
    let later = async {
        let requests = leases.requests().await;
        assert_eq!(requests, [LeaseRequest { part: 0, wanted: 4, waiting: 6 }]);
        leases.add(&[lease(10, 5)]);
        let requests = leases.requests().await;
        assert_eq!(requests[0].waiting, 1);
        leases.add(&[lease(20, 5)]);
    };
    let (skipped, ()) = tokio::join!(part.skip(10, stop), later);
    assert_eq!((skipped, part.take(), part.untaken()), (10, Some(21), 3));
    assert_eq!((part.skip(10, stop).await, leases.received()), (3, vec![14]), "time is up");
}

#[test]
fn a_block_is_requested_when_half_of_the_last_one_is_taken() {
    let leases = leases();
    let (part, now) = (leases.part(0).unwrap(), clock::now());
    assert_eq!(leases.requests_at(now), [], "the first lease comes unasked");
    leases.add(&[lease(0, 4)]);
    part.take();
    assert_eq!(leases.requests_at(now), []);
    part.take();
    assert_eq!(leases.requests_at(now), [LeaseRequest { part: 0, wanted: 4, waiting: 0 }]);
    assert_eq!(leases.requests_at(now), [], "one request at a time");
    leases.add(&[lease(4, 4)]);
    assert!((0..6).all(|_| part.take().is_some()));
    // 4 iterations that did not begin at once took 4 s.
    assert_eq!(leases.requests_at(now + MS(4_000)), [LeaseRequest { part: 0, wanted: 2, waiting: 0 }]);
    leases.add(&[lease(8, 2)]);
    assert!((0..2).all(|_| part.take().is_some()));
    assert_eq!(leases.requests_at(now + MS(4_010)).len(), 1);
    leases.add(&[lease(10, 50)]);
    assert!((0..50).all(|_| part.take().is_some()));
    let wanted = leases.requests_at(now + MS(4_020))[0].wanted;
    assert!((25..30).contains(&wanted), "{wanted}");
}
