//! Signals while setup blocks the thread of the run.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};

use test_support::wait_for;

use super::*;

/// The fixture, whose setup has begun to block its thread for 60 s.
fn start(service: &Service, testid: &str) -> Child {
    let sign = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{testid}.sign"));
    let _ = std::fs::remove_file(&sign);
    let mut command = command(service, testid, 60);
    let run = command.env(BLOCKED, &sign).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    wait_for("setup", SECOND * 30, || sign.exists().then_some(()));
    run
}

fn terminate(run: &Child) {
    assert!(Command::new("kill").arg(run.id().to_string()).status().unwrap().success());
}

/// Asserts that the run ends within a time while `act` is called, and says why.
fn assert_ended(mut run: Child, limit: Duration, cause: &str, act: impl Fn(&Child)) {
    let status = wait_for("the end", limit, || {
        act(&run);
        run.try_wait().unwrap()
    });
    let mut printed = String::new();
    run.stderr.take().unwrap().read_to_string(&mut printed).unwrap();
    assert_eq!(status.code(), Some(ExitCode::Interrupted.code().into()), "{printed}");
    let line = format!("interrupted (exit 105): interrupted before the load began{cause}");
    assert!(printed.contains(&line), "{printed}");
}

#[test]
fn a_signal_ends_a_run_whose_setup_blocks() {
    let service = Service::start();
    let once = start(&service, "blocked-1");
    terminate(&once);
    // Signals that come together may count as one.
    assert_ended(start(&service, "blocked-2"), SECOND * 4, "\n", terminate);
    assert_ended(once, SECOND * 20, ": setup blocked its thread", |_| ());
}
