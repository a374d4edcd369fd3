//! Signals at each stage of a run, once and twice.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use monitoring::prometheus::config::RECEIVER_FLAG;
use perf_host::proc;
use rustix::process::Signal;
use test_support::processes::open_sockets;

use super::proxy::{Mode, Proxy};
use super::within;
use super::world::{Counts, Observation, Row, RunningCommand};
use crate::real::{free_port, now_ms, out, prometheus, query, send_signal, wait_for, xtask};

const VUS: usize = 5;

/// The stage of a run at which the signal comes.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Starting,
    Running,
    LastPush,
    Proof,
    Cleaning,
}

macro_rules! rows {
    ($($signal:ident $times:literal $times_word:literal $stage:ident $stage_text:literal $code:literal $message:literal $counted:ident;)*) => {
        vec![$(Row {
            class: "signal",
            fault: concat!("SIG", stringify!($signal), " ", $times_word, " while it ", $stage_text),
            code: $code,
            message: $message,
            counted: Counts::$counted,
            within: within(6, 25),
            act: || interrupt_at(Stage::$stage, Signal::$signal, $times),
        }),*]
    };
}

pub(crate) fn rows() -> Vec<Row> {
    rows! {
        INT 1 "once" Starting "starts" 105 "interrupted while the stack was starting" NotChecked;
        INT 2 "twice" Starting "starts" 105 "interrupted while the stack was starting" NotChecked;
        TERM 1 "once" Starting "starts" 105 "interrupted while the stack was starting" NotChecked;
        TERM 2 "twice" Starting "starts" 105 "interrupted while the stack was starting" NotChecked;
        HUP 1 "once" Starting "starts" 105 "interrupted while the stack was starting" NotChecked;
        HUP 2 "twice" Starting "starts" 105 "interrupted while the stack was starting" NotChecked;
        INT 1 "once" Running "runs" 105 "exit 105" All;
        INT 2 "twice" Running "runs" 105 "exit 105" NotChecked;
        TERM 1 "once" Running "runs" 105 "exit 105" All;
        TERM 2 "twice" Running "runs" 105 "exit 105" NotChecked;
        HUP 1 "once" Running "runs" 105 "exit 105" All;
        HUP 2 "twice" Running "runs" 105 "exit 105" NotChecked;
        INT 1 "once" LastPush "pushes for the last time" 105 "exit 105" NotChecked;
        INT 2 "twice" LastPush "pushes for the last time" 105 "exit 105" NotChecked;
        TERM 1 "once" LastPush "pushes for the last time" 105 "exit 105" NotChecked;
        TERM 2 "twice" LastPush "pushes for the last time" 105 "exit 105" NotChecked;
        HUP 1 "once" LastPush "pushes for the last time" 105 "exit 105" NotChecked;
        HUP 2 "twice" LastPush "pushes for the last time" 105 "exit 105" NotChecked;
        INT 1 "once" Proof "is proved" 105 "exit 105" All;
        INT 2 "twice" Proof "is proved" 105 "exit 105" All;
        TERM 1 "once" Proof "is proved" 105 "exit 105" All;
        TERM 2 "twice" Proof "is proved" 105 "exit 105" All;
        HUP 1 "once" Proof "is proved" 105 "exit 105" All;
        HUP 2 "twice" Proof "is proved" 105 "exit 105" All;
        // The verdict stands, and the cleanup is completed.
        INT 1 "once" Cleaning "cleans up" 0 "exit 0" NotChecked;
        INT 2 "twice" Cleaning "cleans up" 0 "exit 0" NotChecked;
        TERM 1 "once" Cleaning "cleans up" 0 "exit 0" NotChecked;
        TERM 2 "twice" Cleaning "cleans up" 0 "exit 0" NotChecked;
        HUP 1 "once" Cleaning "cleans up" 0 "exit 0" NotChecked;
        HUP 2 "twice" Cleaning "cleans up" 0 "exit 0" NotChecked;
    }
}

fn interrupt_at(stage: Stage, signal: Signal, times: u32) -> Observation {
    let testid = format!("{stage:?}-{}-{times}", signal.as_raw()).to_lowercase();
    match stage {
        Stage::Starting | Stage::Cleaning => with_own_stack(stage, &testid, signal, times),
        Stage::Running | Stage::LastPush | Stage::Proof => with_a_store(stage, &testid, signal, times),
    }
}

fn send(running: &RunningCommand, signal: Signal, times: u32) {
    for time in 0..times {
        if time > 0 {
            sleep(Duration::from_millis(500));
        }
        // If the command has ended already, the row's checks show that.
        let _ = send_signal(running.pid(), signal);
    }
}

/// A run with a store that it did not start.
fn with_a_store(stage: Stage, testid: &str, signal: Signal, times: u32) -> Observation {
    let store = prometheus(&format!("matrix-{testid}-store"), &[RECEIVER_FLAG]);
    let proxy = Proxy::before(store.port);
    let vus = VUS.to_string();
    let running = RunningCommand::start(testid, &["-u", &vus, "-d", "6s", "--prometheus-url", &proxy.url()]);
    wait_for("pushes", Duration::from_secs(20), || (proxy.writes() > 2).then_some(()));
    match stage {
        Stage::LastPush => {
            // Each push is refused from now on, and the last one is retried.
            proxy.set(Mode::Status(503, 0));
            let generator = running.generator();
            // The virtual users' connections to the stub backend close at the end of the load.
            let during = open_sockets(generator);
            wait_for("the last push", Duration::from_secs(20), || {
                (open_sockets(generator) + VUS <= during).then_some(())
            });
        }
        Stage::Proof => {
            proxy.set(Mode::SlowQueries(Duration::from_millis(500)));
            let generator = running.generator();
            wait_for("the end of the load", Duration::from_secs(30), || proc::name(generator).is_none().then_some(()));
            let before = proxy.queries();
            wait_for("the proof's queries", Duration::from_secs(10), || (proxy.queries() > before).then_some(()));
        }
        Stage::Running => {
            // The first push may come before the first response, and has no counts then.
            let expr = format!("last_over_time(http_reqs{{testid=\"{testid}\"}}[10m])");
            let is_stored = || !query(&store.url, &expr, None, now_ms()).is_empty();
            wait_for("requests in the store", Duration::from_secs(20), || is_stored().then_some(()));
        }
        Stage::Starting | Stage::Cleaning => {}
    }
    send(&running, signal, times);
    // If the last push is refused or cut off, the store does not have it.
    running.end(
        Some(store.url.as_str())
            .filter(|_| matches!(stage, Stage::Proof) || times == 1)
            .filter(|_| !matches!(stage, Stage::LastPush)),
    )
}

/// A run that starts its own Prometheus, which is slow to start or slow to end.
fn with_own_stack(stage: Stage, testid: &str, signal: Signal, times: u32) -> Observation {
    let slow = slow_prometheus(testid, matches!(stage, Stage::Starting));
    let path = std::iter::once(slow.clone()).chain(path()).map(|folder| folder.display().to_string());
    let port = free_port().to_string();
    let mut command = xtask(&["perf", "-q", "--testid", testid]);
    command.env("PATH", path.collect::<Vec<_>>().join(":"));
    let line = ["-u", "5", "-d", "3s", "--stack", "native", "--ephemeral", "--no-proof", "--prometheus-port", &port];
    let running = RunningCommand::start_command(testid, &line, command);
    let sign = slow.join(if matches!(stage, Stage::Starting) { "starting" } else { "ending" });
    wait_for("the stage", Duration::from_secs(60), || sign.exists().then_some(()));
    send(&running, signal, times);
    running.end(None)
}

#[expect(clippy::disallowed_methods, reason = "the test looks for programs")]
fn path() -> Vec<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect()
}

/// A folder with a `prometheus` that takes two more seconds to start or to end. It marks that with
/// a file `starting` or `ending`.
fn slow_prometheus(testid: &str, starts_slowly: bool) -> PathBuf {
    let folder = out(&format!("matrix-{testid}-bin"));
    fs::create_dir_all(&folder).unwrap();
    let real = path().into_iter().map(|folder| folder.join("prometheus")).find(|file| file.is_file()).unwrap();
    let here = folder.display();
    let real = real.display();
    let script = if starts_slowly {
        format!("#!/bin/sh\ntouch {here}/starting\nsleep 2\nexec {real} \"$@\"\n")
    } else {
        format!(
            "#!/bin/sh\ntrap 'touch {here}/ending; sleep 2; kill $pid; wait $pid; exit' TERM\n{real} \"$@\" & pid=$!\nwait $pid\n"
        )
    };
    let file = folder.join("prometheus");
    fs::write(&file, script).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}
