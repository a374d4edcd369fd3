//! Tests of `engine`.

use super::*;

struct IdleObserver;

impl LoadObserver for IdleObserver {
    fn tick(&mut self, _: Duration, _: Snapshot) -> Option<String> {
        None
    }
}

/// A worker whose load is over, or that panics after its first snapshot.
fn worker(panics: bool, snapshot: Snapshot) -> Worker {
    let (snapshot_requests, mut received) = mpsc::channel::<oneshot::Sender<Snapshot>>(1);
    let (finish, finished) = oneshot::channel();
    let thread = thread::spawn(move || {
        let finish = finish;
        if panics {
            received.blocking_recv().unwrap().send(snapshot).unwrap();
            panic!("on purpose");
        }
        finish.send(()).unwrap();
        while let Some(reply) = received.blocking_recv() {
            let _ = reply.send(snapshot.clone());
        }
        Ok((Load::not_started(snapshot), SlowTimes::default()))
    });
    let empty = Snapshot::new(&Layout::new(&test_support::shop::SHOP, vec![false]));
    Worker { snapshot_requests, pulse: Arc::new(Pulse::new(&empty)), thread, finished }
}

#[tokio::test]
async fn a_worker_panic_becomes_a_fault_and_keeps_known_counts() {
    let empty = Snapshot::new(&Layout::new(&test_support::shop::SHOP, vec![false]));
    let mut counted = empty.clone();
    counted.parts[0].iterations.completed = 7;
    let mut workers: Vec<_> = [true, false].map(|panics| worker(panics, counted.clone())).into();
    let (abort, _aborted) = watch::channel(false);
    let (stall, health) = (StallWatch::new(&[], []), HealthMeter::start());
    let mut supervisor = Supervisor { load_start: clock::now(), empty: &empty, abort, stall, health };
    let (mut signals, mut observer) = (Signals::count().unwrap(), IdleObserver);
    let over = supervisor.watch_over(&mut workers, &mut signals, &mut observer);
    let (early, known) = time::timeout(Duration::from_secs(10), over).await.unwrap();
    assert!(!early.interrupted && early.aborted.is_none());
    let mut load = Load::not_started(empty);
    workers.into_iter().zip(known).for_each(|(worker, known)| drop(load.add(worker, &known)));
    assert_eq!(load.faults, ["a worker thread panicked; its last counts are lost: on purpose"]);
    assert_eq!(load.snapshot.iterations().completed, 14, "the known counts of the worker that panicked are included");
}
