//! Tests of `outage`.

use super::*;

/// One more failure makes an outage.
fn failed_twice() -> Outage {
    let outage = Outage::default();
    (1..FEWEST_FAILURES).for_each(|_| outage.attempt_failed());
    outage
}

#[tokio::test(start_paused = true)]
async fn a_target_that_accepts_some_connections_has_no_outage() {
    let outage = Outage::default();
    for _ in 0..100 {
        (0..2).for_each(|_| outage.attempt_failed());
        assert!(outage.is_over() && outage.wait().await);
        outage.connected();
    }
    assert_eq!(outage.times(clock::now(), clock::now()).first(), None);
}

#[tokio::test(start_paused = true)]
async fn pauses_double_up_to_a_second_and_end_with_a_connection() {
    let (outage, load_start) = (failed_twice(), clock::now());
    let mut pauses = Vec::new();
    for _ in 0..10 {
        assert!(outage.wait().await);
        outage.attempt_failed();
        // Another attempt that was under way.
        outage.attempt_failed();
        let paused = clock::now();
        while outage.is_paused(clock::now()) {
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        pauses.push(clock::now().duration_since(paused).as_millis());
    }
    assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000]);
    let times = outage.times(load_start, clock::now());
    assert!(times.is_ongoing && times.total() >= Duration::from_millis(4_270), "{times:?}");
    outage.connected();
    assert!(outage.is_over() && outage.wait().await);
    (0..3).for_each(|_| outage.attempt_failed());
    assert!(outage.is_paused(clock::now()));
    tokio::time::advance(Duration::from_millis(11)).await;
    assert!(!outage.is_paused(clock::now()), "a new outage begins with a short pause");
}

#[tokio::test(start_paused = true)]
async fn the_times_of_a_host_that_is_down_twice_are_added() {
    let (outage, load_start) = (Outage::default(), clock::now());
    for (up, down) in [(3, 2), (5, 4)] {
        tokio::time::advance(Duration::from_secs(up)).await;
        (0..FEWEST_FAILURES).for_each(|_| outage.attempt_failed());
        tokio::time::advance(Duration::from_secs(down)).await;
        let times = outage.times(load_start, clock::now());
        assert!(times.is_ongoing, "{times:?}");
        outage.connected();
    }
    let times = outage.times(load_start, clock::now());
    let seconds = (times.first().map(|first| first.as_secs()), times.total().as_secs());
    assert_eq!((seconds, times.is_ongoing), ((Some(3), 6), false));
}

#[tokio::test(start_paused = true)]
async fn the_success_of_one_waiter_ends_the_wait_of_all() {
    let outage = failed_twice();
    outage.attempt_failed();
    let all = futures::future::join_all((0..100).map(|_| outage.wait())).await;
    assert_eq!(all.iter().filter(|may| **may).count(), 1);
    let waiting = async { tokio::join!(outage.wait(), outage.wait()) };
    let connects = async {
        tokio::time::sleep(Duration::from_millis(3)).await;
        outage.connected();
    };
    assert_eq!(tokio::join!(waiting, connects).0, (true, true));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_closes_new_connections_is_down_until_it_responds() {
    let outage = Outage::default();
    for _ in 1..FEWEST_CLOSED {
        outage.accepted();
        outage.closed_unanswered();
        assert!(outage.is_over());
    }
    outage.connected();
    for _ in 0..FEWEST_CLOSED {
        assert!(outage.is_over());
        outage.accepted();
        outage.closed_unanswered();
    }
    assert!(!outage.is_over());
    outage.accepted();
    assert!(!outage.is_over(), "a balancer without backends accepts connections, too");
    outage.connected();
    assert!(outage.is_over());
}

#[tokio::test(start_paused = true)]
async fn an_outage_knows_whether_connections_were_closed() {
    let (outage, load_start) = (Outage::default(), clock::now());
    let causes = || {
        let times = outage.times(load_start, clock::now());
        (times.has_closed, times.has_refused)
    };
    // A closed connection is not an outage.
    outage.closed_unanswered();
    outage.connected();
    assert_eq!(causes(), (false, false));
    (0..FEWEST_CLOSED).for_each(|_| outage.closed_unanswered());
    assert_eq!(causes(), (true, false));
    outage.connected();
    assert_eq!(causes(), (true, false));
    (0..FEWEST_FAILURES).for_each(|_| outage.attempt_failed());
    assert_eq!(causes(), (true, true));
}
