//! What takes too long for every change: `cargo xtask ci --full`.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::real::{free_port, run, xtask};
use crate::world::{Running, left};
use crate::{build, check, service, signals, stores};

#[test]
#[ignore = "needs a prometheus on PATH, faketime and root: run with cargo xtask ci --full"]
fn all_of_each_class() {
    check(
        &[stores::rows(), service::rows(), service::generator_rows(), signals::rows()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>(),
    );
}

/// Killed at any moment, a command leaves nothing that the next one does not take away.
#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci --full"]
fn after_fifty_kills_nothing_is_left() {
    const KILLS: u64 = 50;
    build();
    for number in 0..KILLS {
        let port = free_port();
        let line = ["-u", "5", "-d", "3s", "--stack", "native", "--ephemeral", "--prometheus-port", &port.to_string()];
        let running = Running::start(&format!("kill-{number}"), &line);
        // Moments spread over all that a run is, and the same ones each time: multiples of the golden ratio.
        let share = (number as f64 * 0.618_033_988_75).fract();
        sleep(Duration::from_secs_f64(share * 9.0));
        // It may have ended by itself.
        let _ = kill(Pid::from_raw(running.pid()), Signal::SIGKILL);
        drop(running.end(None));
        let next = run(&mut xtask(&["stack", "status"]));
        assert_eq!(next.code, 0, "{}", next.text);
        let left = left();
        assert!(left.is_empty(), "killed at {:.1} s: {left:?}\n{}", share * 9.0, next.text);
        assert!(std::net::TcpListener::bind(("127.0.0.1", port)).is_ok(), "port {port} is still taken");
        let perf = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
            .parent()
            .unwrap()
            .join("perf/stack")
            .join(port.to_string());
        for name in ["pid", "owner", "passing-data"] {
            assert!(!perf.join(name).exists(), "{name} is left in {}", perf.display());
        }
        // Folders of ports that nobody will use again.
        let _ = fs::remove_dir_all(perf);
    }
}
