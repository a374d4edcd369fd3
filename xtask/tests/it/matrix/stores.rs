//! Faults of the store.

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use monitoring::prometheus::config::RECEIVER_FLAG;
use rustix::process::Signal;

use super::disk::Disk;
use super::proxy::{Mode, Proxy};
use super::within;
use super::world::{Counts, Observation, Row, RunningCommand};
use crate::real::{Prometheus, prometheus, root, send_signal, wait_for, xtask};

const LOAD: &[&str] = &["-u", "5", "-d", "10s", "--no-proof"];

const fn row(fault: &'static str, code: i32, message: &'static str, counted: Counts, act: fn() -> Observation) -> Row {
    Row { class: "store", fault, code, message, counted, within: within(10, 20), act }
}

pub(crate) fn rows() -> Vec<Row> {
    use Counts::{All, NotChecked};
    vec![
        row("killed, and started again after 3 s", 0, "no count was lost", All, || restarted("killed-3", 3, LOAD)),
        Row {
            within: within(45, 20),
            ..row("killed, and started again after 30 s", 0, "no count was lost", All, || {
                restarted("killed-30", 30, &["-u", "5", "-d", "45s", "--no-proof"])
            })
        },
        row("killed for good", 90, "the store did not accept the final metrics", NotChecked, killed),
        row("stopped (SIGSTOP) for 5 s", 0, "", All, || stopped("stopped-5", Some(5))),
        Row {
            within: within(10, 35),
            ..row("stopped (SIGSTOP) for good", 90, "the store did not accept the final metrics", NotChecked, || {
                stopped("stopped", None)
            })
        },
        Row { within: within(10, 25), ..row("its disk is full", 90, "no space left on device", NotChecked, full_disk) },
        Row {
            within: within(10, 35),
            ..row("takes 2 s per response", 0, "", All, || with_proxy("slow", Mode::Slow(Duration::from_secs(2)), None))
        },
        row("responds 429 for 3 s, with Retry-After: 1", 0, "no count was lost", All, || {
            with_proxy("s429", Mode::Status(429, 1), Some(3))
        }),
        row("responds 500 for 3 s", 0, "no count was lost", All, || with_proxy("s500", Mode::Status(500, 0), Some(3))),
        row("responds 503 for 3 s", 0, "no count was lost", All, || with_proxy("s503", Mode::Status(503, 0), Some(3))),
        row("responds 400 for 3 s", 0, "no count was lost", All, || with_proxy("s400", Mode::Status(400, 0), Some(3))),
        row("resets connections for 3 s", 0, "no count was lost", All, || with_proxy("reset", Mode::Reset, Some(3))),
        row("accepts connections and does not respond for 3 s", 0, "", All, || {
            with_proxy("half-open", Mode::HalfOpen, Some(3))
        }),
        Row {
            within: within(10, 35),
            ..row("accepts connections and never responds", 90, "did not accept the final metrics", NotChecked, || {
                with_proxy("half-open-ever", Mode::HalfOpen, None)
            })
        },
        Row {
            within: within(25, 20),
            ..row("compacts, and drops data older than ten seconds", 0, "", All, compacting)
        },
        row("its remote-write receiver is off", 104, RECEIVER_FLAG, NotChecked, receiver_off),
        row("a proxy responds with a login page", 104, "with a web page", NotChecked, page),
        row("its name has no address", 90, "did not accept the final metrics", NotChecked, no_name),
        row("its name does not resolve for 5 s, and connections are lost", 0, "no count was lost", All, name_gone),
        row("our clock is an hour ahead", 90, "is this machine's clock right", NotChecked, || clock("ahead", "+1h")),
        row("our clock is set back an hour during the run", 0, "", All, set_back),
        row("our clock is an hour behind", 0, "behind the store's", NotChecked, || clock("behind", "-1h")),
        row(
            "our clock is an hour behind, and it has newer data",
            90,
            "is this machine's clock right",
            NotChecked,
            behind_data,
        ),
    ]
}

/// Waits for three more pushes.
fn wait_for_pushes(proxy: &Proxy) {
    let before = proxy.writes();
    wait_for("pushes", Duration::from_secs(20), || (proxy.writes() >= before + 3).then_some(()));
}

fn restarted(name: &str, after: u64, load: &[&str]) -> Observation {
    let mut store = prometheus(&format!("matrix-{name}-store"), &[RECEIVER_FLAG]);
    let proxy = Proxy::before(store.port);
    let running = RunningCommand::start(name, &[load, &["--prometheus-url", &proxy.url()]].concat());
    wait_for_pushes(&proxy);
    store.kill();
    sleep(Duration::from_secs(after));
    store.start_again();
    running.end(Some(&store.url))
}

fn killed() -> Observation {
    let mut store = prometheus("matrix-killed-store", &[RECEIVER_FLAG]);
    let proxy = Proxy::before(store.port);
    let running = RunningCommand::start("killed", &[LOAD, &["--prometheus-url", &proxy.url()]].concat());
    wait_for_pushes(&proxy);
    store.kill();
    running.end(None)
}

fn stopped(name: &str, after: Option<u64>) -> Observation {
    let store = prometheus(&format!("matrix-{name}-store"), &[RECEIVER_FLAG]);
    let proxy = Proxy::before(store.port);
    let running = RunningCommand::start(name, &[LOAD, &["--prometheus-url", &proxy.url()]].concat());
    wait_for_pushes(&proxy);
    send_signal(store.pid(), Signal::STOP).unwrap();
    let Some(after) = after else { return running.end(None) };
    sleep(Duration::from_secs(after));
    send_signal(store.pid(), Signal::CONT).unwrap();
    running.end(Some(&store.url))
}

/// A store that compacts its data within seconds as others do within a day: the head becomes
/// blocks, blocks are merged, and old blocks are deleted.
fn compacting() -> Observation {
    let flags = [
        RECEIVER_FLAG,
        "--storage.tsdb.min-block-duration=4s",
        "--storage.tsdb.max-block-duration=8s",
        "--storage.tsdb.retention.time=10s",
    ];
    let store = prometheus("matrix-compacting-store", &flags);
    let running =
        RunningCommand::start("compacting", &["-u", "5", "-d", "25s", "--no-proof", "--prometheus-url", &store.url]);
    let observed = running.end(Some(&store.url));
    let metrics = crate::real::get(&format!("{}/metrics", store.url)).unwrap();
    for name in ["prometheus_tsdb_compactions_total", "prometheus_tsdb_time_retentions_total"] {
        let line = metrics.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}"));
        assert!(!line.ends_with(" 0"), "the store did not compact: {line}");
    }
    observed
}

/// A store whose disk is filled during the run.
fn full_disk() -> Observation {
    let disk = Disk::start("matrix-full-store");
    let store = Prometheus::start(disk.folder().to_owned(), &[RECEIVER_FLAG]);
    let proxy = Proxy::before(store.port);
    let running = RunningCommand::start("full", &[LOAD, &["--prometheus-url", &proxy.url()]].concat());
    wait_for_pushes(&proxy);
    disk.fill();
    running.end(None)
}

/// A run whose store is behind a proxy that fails for some seconds, or until the end.
fn with_proxy(name: &str, mode: Mode, lasts: Option<u64>) -> Observation {
    let store = prometheus(&format!("matrix-{name}-store"), &[RECEIVER_FLAG]);
    let proxy = Proxy::before(store.port);
    let running = RunningCommand::start(name, &[LOAD, &["--prometheus-url", &proxy.url()]].concat());
    wait_for_pushes(&proxy);
    proxy.set(mode);
    if let Some(seconds) = lasts {
        sleep(Duration::from_secs(seconds));
        proxy.set(Mode::Forward);
    }
    running.end(Some(&store.url))
}

fn receiver_off() -> Observation {
    let store = prometheus("matrix-off-store", &[]);
    RunningCommand::start("off", &[LOAD, &["--prometheus-url", &store.url]].concat()).end(None)
}

fn page() -> Observation {
    let proxy = Proxy::before(1);
    proxy.set(Mode::Page);
    let write = format!("{}/api/v1/write", proxy.url());
    let mut command = xtask(&["perf", "-q", "--testid", "page"]);
    command.env("K6_PROMETHEUS_RW_SERVER_URL", write);
    RunningCommand::start_command("page", LOAD, command).end(None)
}

fn no_name() -> Observation {
    RunningCommand::start("no-name", &[LOAD, &["--prometheus-url", "http://store.invalid:9090"]].concat()).end(None)
}

/// A store whose name does not resolve when the run has lost
/// its connections and looks the name up again.
fn name_gone() -> Observation {
    let store = prometheus("matrix-name-gone-store", &[RECEIVER_FLAG]);
    let proxy = Proxy::before(store.port);
    let [hosts, sources] = ["hosts", "nsswitch.conf"].map(|name| store.folder.join(name));
    let (named, unnamed) = ("127.0.0.1 localhost store.perf.test\n", "127.0.0.1 localhost\n");
    std::fs::write(&hosts, named).unwrap();
    std::fs::write(&sources, "hosts: files\n").unwrap();
    // Only this run sees these names.
    let own = xtask(&["perf", "-q", "--testid", "name-gone"]);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-e", "-c"]);
    command.arg("mount --bind $0 /etc/hosts; mount --bind $1 /etc/nsswitch.conf; shift; exec \"$@\"");
    command.args([&hosts, &sources]).arg(own.get_program()).args(own.get_args()).current_dir(root());
    let url = proxy.url().replace("127.0.0.1", "store.perf.test");
    let running = RunningCommand::start_command("name-gone", &[LOAD, &["--prometheus-url", &url]].concat(), command);
    wait_for_pushes(&proxy);
    std::fs::write(&hosts, unnamed).unwrap();
    proxy.set(Mode::Reset);
    sleep(Duration::from_secs(2));
    proxy.set(Mode::Forward);
    let before = proxy.writes();
    sleep(Duration::from_secs(3));
    assert_eq!(proxy.writes(), before, "the run still finds the store");
    std::fs::write(&hosts, named).unwrap();
    running.end(Some(&store.url))
}

/// A run with a wrong clock.
fn faked(name: &str, by: &str, store: &Prometheus) -> Observation {
    let mut command = xtask(&["perf", "-q", "--testid", name]);
    command.env("LD_PRELOAD", faketime()).env("FAKETIME", by).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    RunningCommand::start_command(name, &[LOAD, &["--prometheus-url", &store.url]].concat(), command).end(None)
}

/// The library of Debian's package faketime.
fn faketime() -> String {
    let folders = ["/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime"];
    let file = folders.iter().map(|folder| format!("{folder}/libfaketime.so.1"));
    file.into_iter().find(|file| Path::new(file).exists()).expect("libfaketime (Debian's package faketime)")
}

fn clock(name: &str, by: &str) -> Observation {
    let store = prometheus(&format!("matrix-{name}-store"), &[RECEIVER_FLAG]);
    faked(name, by, &store)
}

/// A run whose clock is right at first and set back later.
fn set_back() -> Observation {
    let store = prometheus("matrix-set-back-store", &[RECEIVER_FLAG]);
    let proxy = Proxy::before(store.port);
    let offset = store.folder.join("offset");
    std::fs::write(&offset, "+0").unwrap();
    let mut command = xtask(&["perf", "-q", "--testid", "set-back"]);
    command.env("LD_PRELOAD", faketime()).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    command.env("FAKETIME_TIMESTAMP_FILE", &offset).env("FAKETIME_NO_CACHE", "1");
    let running =
        RunningCommand::start_command("set-back", &[LOAD, &["--prometheus-url", &proxy.url()]].concat(), command);
    wait_for_pushes(&proxy);
    std::fs::write(&offset, "-1h").unwrap();
    running.end(Some(&store.url))
}

fn behind_data() -> Observation {
    let store = prometheus("matrix-behind-data-store", &[RECEIVER_FLAG]);
    let first = RunningCommand::start(
        "behind-data-first",
        &["-u", "1", "-i", "20", "--no-proof", "--prometheus-url", &store.url],
    );
    assert_eq!(first.end(None).output.code, 0);
    faked("behind-data", "-2h", &store)
}
