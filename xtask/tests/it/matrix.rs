//! The fault matrix: what a run comes to when something breaks, against the real thing. One of each class is in `cargo xtask ci`, all are in
//! `cargo xtask ci --full`, which writes the table in `xtask/FAULTS.md` from the rows that were seen.

mod full;
mod panics;
mod proxy;
mod service;
mod signals;
mod stores;
mod world;

use std::time::Duration;

use world::Row;

use crate::real;

/// Runs rows, and says which went otherwise than they should.
fn check(rows: &[Row]) {
    build();
    let mut wrong = Vec::new();
    // To look at some of them again: a part of their class and fault.
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
    let only = std::env::var("PERF_FAULTS").unwrap_or_default();
    for row in rows.iter().filter(|row| format!("{}, {}", row.class, row.fault).contains(&only)) {
        // A row that panics is one that is wrong, and no reason not to look at the others.
        let checked =
            std::panic::catch_unwind(|| row.check()).unwrap_or_else(|_| Err("the test itself panicked".to_owned()));
        match checked {
            Ok(took) => println!("ok     {:<10} {:<50} {:>5.1} s", row.class, row.fault, took.as_secs_f64()),
            Err(why) => {
                println!("WRONG  {:<10} {}: {why}", row.class, row.fault);
                wrong.push(format!("{}, {}: {why}", row.class, row.fault));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Builds what runs are made of, so that no row waits for it.
fn build() {
    drop(real::Backend::start(&[]));
    let listed = real::run(&mut real::xtask(&["perf", "--list"]));
    assert_eq!(listed.code, 0, "{}", listed.text);
}

#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn one_of_each_class() {
    let one = |rows: Vec<Row>, fault: &str| rows.into_iter().find(|row| row.fault == fault).expect(fault);
    check(&[
        one(stores::rows(), "killed, and started again after 3 s"),
        one(stores::rows(), "answers 503 for 3 s"),
        one(stores::rows(), "a login page in between"),
        one(service::rows(), "killed, and started again after 2 s"),
        one(service::rows(), "answers trickle, a byte each 100 ms"),
        one(service::generator_rows(), "stopped for 3 s"),
        one(panics::rows(), "in a check"),
        one(signals::rows(), "SIGINT once while it runs"),
        one(signals::rows(), "SIGTERM twice while it pushes for the last time"),
    ]);
}

/// The time in which a run of so many seconds has to be over, whatever happens: what it needs by itself, and ten seconds of patience.
const fn within(load: u64, more: u64) -> Duration {
    Duration::from_secs(load + more)
}
