//! The fault matrix: tests how a run ends when something breaks, with real programs.
//!
//! `cargo xtask ci` runs some rows of each class. `cargo xtask ci --full` runs all rows and writes
//! the table `xtask/FAULTS.md` from those that pass.

mod agents;
mod disk;
mod full;
mod panics;
pub(crate) mod proxy;
mod service;
mod signals;
mod stores;
mod world;

use std::time::Duration;

use world::Row;

use crate::real;

/// Runs rows, and fails with all rows that end differently.
fn check(rows: &[Row]) {
    build();
    let mut wrong = Vec::new();
    // PERF_FAULTS selects rows by a part of their class and fault.
    #[expect(clippy::disallowed_methods, reason = "a switch of this test only")]
    let only = std::env::var("PERF_FAULTS").unwrap_or_default();
    for row in rows.iter().filter(|row| format!("{}, {}", row.class, row.fault).contains(&only)) {
        // A row that panics has failed; the other rows run all the same.
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

/// Builds the programs of runs, so that the time limit of a row does not include it.
fn build() {
    drop(real::Backend::start(&[]));
    let listed = real::run(&mut real::xtask(&["perf", "--list"]));
    assert_eq!(listed.code, 0, "{}", listed.text);
}

#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn some_faults_of_each_class_end_as_listed() {
    let one = |rows: Vec<Row>, fault: &str| rows.into_iter().find(|row| row.fault == fault).expect(fault);
    check(&[
        one(stores::rows(), "killed, and started again after 3 s"),
        one(stores::rows(), "responds 503 for 3 s"),
        one(stores::rows(), "a proxy responds with a login page"),
        one(service::rows(), "killed, and started again after 2 s"),
        one(service::rows(), "its responses trickle, one byte per 100 ms"),
        one(service::generator_rows(), "stopped for 3 s"),
        one(agents::rows(), "the network to one is cut"),
        one(agents::rows(), "messages to one take 100 ms each way"),
        one(panics::rows(), "in a check"),
        one(signals::rows(), "SIGINT once while it runs"),
        one(signals::rows(), "SIGTERM twice while it pushes for the last time"),
    ]);
}

/// The time limit of a command: the seconds of its load, and the seconds for everything else.
const fn within(load: u64, more: u64) -> Duration {
    Duration::from_secs(load + more)
}
