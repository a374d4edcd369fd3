//! Faults of the store.

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use monitoring::prometheus::config::RECEIVER_FLAG;
use rustix::process::Signal;

use super::proxy::{Mode, Proxy};
use super::within;
use super::world::{Counted, Row, Running, Seen};
use crate::real::{Prometheus, as_root, root, send_signal, wait_for, xtask};

const LOAD: &[&str] = &["-u", "5", "-d", "10s", "--no-proof"];

const fn row(fault: &'static str, code: i32, says: &'static str, counted: Counted, act: fn() -> Seen) -> Row {
    Row { class: "store", fault, code, says, counted, within: within(10, 20), act }
}

pub(crate) fn rows() -> Vec<Row> {
    use Counted::{All, NotAsked};
    vec![
        row("killed, and started again after 3 s", 0, "no count was lost", All, || restarted("killed-3", 3, LOAD)),
        Row {
            within: within(45, 20),
            ..row("killed, and started again after 30 s", 0, "no count was lost", All, || {
                restarted("killed-30", 30, &["-u", "5", "-d", "45s", "--no-proof"])
            })
        },
        row("killed for good", 90, "the store did not take the final metrics", NotAsked, killed),
        row("stopped (SIGSTOP) for 5 s", 0, "", All, || stopped("stopped-5", Some(5))),
        Row {
            within: within(10, 35),
            ..row("stopped (SIGSTOP) for good", 90, "the store did not take the final metrics", NotAsked, || {
                stopped("stopped", None)
            })
        },
        Row { within: within(10, 25), ..row("its disk is full", 90, "no space left on device", NotAsked, full_disk) },
        Row {
            within: within(10, 35),
            ..row("takes 2 s for an answer", 0, "", All, || behind("slow", Mode::Slow(Duration::from_secs(2)), None))
        },
        row("answers 429 for 3 s, and asks for 1 s", 0, "no count was lost", All, || {
            behind("s429", Mode::Status(429, 1), Some(3))
        }),
        row("answers 500 for 3 s", 0, "no count was lost", All, || behind("s500", Mode::Status(500, 0), Some(3))),
        row("answers 503 for 3 s", 0, "no count was lost", All, || behind("s503", Mode::Status(503, 0), Some(3))),
        row("answers 400 for 3 s", 0, "no count was lost", All, || behind("s400", Mode::Status(400, 0), Some(3))),
        row("resets connections for 3 s", 0, "no count was lost", All, || behind("reset", Mode::Reset, Some(3))),
        row("takes connections and says nothing for 3 s", 0, "", All, || behind("half-open", Mode::HalfOpen, Some(3))),
        Row {
            within: within(10, 35),
            ..row(
                "takes connections and says nothing from then on",
                90,
                "did not take the final metrics",
                NotAsked,
                || behind("half-open-ever", Mode::HalfOpen, None),
            )
        },
        Row {
            within: within(25, 20),
            ..row("compacts, and drops what is older than ten seconds", 0, "", All, compacting)
        },
        row("its receiver is off", 90, RECEIVER_FLAG, NotAsked, receiver_off),
        row("a login page in between", 90, "with a web page", NotAsked, page),
        row("a name without an address", 90, "did not take the final metrics", NotAsked, no_name),
        row("its name is gone for 5 s, and connections are lost", 0, "no count was lost", All, name_gone),
        row("our clock is an hour ahead", 90, "is this machine's clock right", NotAsked, || clock("ahead", "+1h")),
        row("our clock is set back an hour meanwhile", 0, "", All, set_back),
        row("our clock is an hour behind", 0, "behind the store's", NotAsked, || clock("behind", "-1h")),
        row(
            "our clock is an hour behind, and it has newer data",
            90,
            "is this machine's clock right",
            NotAsked,
            behind_data,
        ),
    ]
}

/// Waits until a run pushes.
fn under_way(proxy: &Proxy) {
    let before = proxy.writes();
    wait_for("pushes", Duration::from_secs(20), || (proxy.writes() >= before + 3).then_some(()));
}

fn restarted(name: &str, after: u64, load: &[&str]) -> Seen {
    let mut store = Prometheus::start(&format!("matrix-{name}-store"), &[RECEIVER_FLAG]);
    let proxy = Proxy::before(store.port());
    let running = Running::start(name, &[load, &["--prometheus-url", &proxy.url()]].concat());
    under_way(&proxy);
    store.kill();
    sleep(Duration::from_secs(after));
    store.start_again();
    running.end(Some(&store.url))
}

fn killed() -> Seen {
    let mut store = Prometheus::start("matrix-killed-store", &[RECEIVER_FLAG]);
    let proxy = Proxy::before(store.port());
    let running = Running::start("killed", &[LOAD, &["--prometheus-url", &proxy.url()]].concat());
    under_way(&proxy);
    store.kill();
    running.end(None)
}

fn stopped(name: &str, after: Option<u64>) -> Seen {
    let store = Prometheus::start(&format!("matrix-{name}-store"), &[RECEIVER_FLAG]);
    let proxy = Proxy::before(store.port());
    let running = Running::start(name, &[LOAD, &["--prometheus-url", &proxy.url()]].concat());
    under_way(&proxy);
    send_signal(store.pid(), Signal::STOP).unwrap();
    let Some(after) = after else { return running.end(None) };
    sleep(Duration::from_secs(after));
    send_signal(store.pid(), Signal::CONT).unwrap();
    running.end(Some(&store.url))
}

/// What a day does to a store's data, in seconds: its head becomes blocks, blocks become larger ones, and old ones go.
fn compacting() -> Seen {
    let flags = [
        RECEIVER_FLAG,
        "--storage.tsdb.min-block-duration=4s",
        "--storage.tsdb.max-block-duration=8s",
        "--storage.tsdb.retention.time=10s",
    ];
    let store = Prometheus::start("matrix-compacting-store", &flags);
    let running = Running::start("compacting", &["-u", "5", "-d", "25s", "--no-proof", "--prometheus-url", &store.url]);
    let seen = running.end(Some(&store.url));
    let metrics = crate::real::get(&format!("{}/metrics", store.url)).unwrap();
    for name in ["prometheus_tsdb_compactions_total", "prometheus_tsdb_time_retentions_total"] {
        let line = metrics.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}"));
        assert!(!line.ends_with(" 0"), "it did not happen: {line}");
    }
    seen
}

/// A volume of a few megabytes that something else fills up.
fn full_disk() -> Seen {
    let folder = crate::real::out("matrix-full-store");
    std::fs::create_dir_all(&folder).unwrap();
    let folder_name = folder.to_str().unwrap();
    as_root(&["mount", "-t", "tmpfs", "-o", "size=8m,mode=777", "tmpfs", folder_name]);
    let seen = on_full(&folder);
    as_root(&["umount", folder_name]);
    seen
}

fn on_full(folder: &Path) -> Seen {
    let store = Prometheus::start_in(folder.to_owned(), &[RECEIVER_FLAG]);
    let proxy = Proxy::before(store.port());
    let running = Running::start("full", &[LOAD, &["--prometheus-url", &proxy.url()]].concat());
    under_way(&proxy);
    // Fails when it is full, which is what is wanted.
    let _ = std::fs::write(folder.join("filler"), vec![1; 8 << 20]);
    running.end(None)
}

/// A run whose store is behind a proxy that fails for a while, or from then on.
fn behind(name: &str, mode: Mode, lasts: Option<u64>) -> Seen {
    let store = Prometheus::start(&format!("matrix-{name}-store"), &[RECEIVER_FLAG]);
    let proxy = Proxy::before(store.port());
    let running = Running::start(name, &[LOAD, &["--prometheus-url", &proxy.url()]].concat());
    under_way(&proxy);
    proxy.set(mode);
    if let Some(seconds) = lasts {
        sleep(Duration::from_secs(seconds));
        proxy.set(Mode::Forward);
    }
    running.end(Some(&store.url))
}

fn receiver_off() -> Seen {
    let store = Prometheus::start("matrix-off-store", &[]);
    Running::start("off", &[LOAD, &["--prometheus-url", &store.url]].concat()).end(None)
}

fn page() -> Seen {
    let proxy = Proxy::before(1);
    proxy.set(Mode::Page);
    let write = format!("{}/api/v1/write", proxy.url());
    let mut command = xtask(&["perf", "-q", "--testid", "page"]);
    command.env("K6_PROMETHEUS_RW_SERVER_URL", write);
    Running::of("page", LOAD, command).end(None)
}

fn no_name() -> Seen {
    Running::start("no-name", &[LOAD, &["--prometheus-url", "http://store.invalid:9090"]].concat()).end(None)
}

/// A name that is gone just when a connection is lost, and so is asked for again. Connections that are there do without it.
fn name_gone() -> Seen {
    let store = Prometheus::start("matrix-name-gone-store", &[RECEIVER_FLAG]);
    let proxy = Proxy::before(store.port());
    let [hosts, sources] = ["hosts", "nsswitch.conf"].map(|name| store.folder.join(name));
    let (named, unnamed) = ("127.0.0.1 localhost store.perf.test\n", "127.0.0.1 localhost\n");
    std::fs::write(&hosts, named).unwrap();
    std::fs::write(&sources, "hosts: files\n").unwrap();
    // Names as this run alone sees them.
    let own = xtask(&["perf", "-q", "--testid", "name-gone"]);
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-e", "-c"]);
    command.arg("mount --bind $0 /etc/hosts; mount --bind $1 /etc/nsswitch.conf; shift; exec \"$@\"");
    command.args([&hosts, &sources]).arg(own.get_program()).args(own.get_args()).current_dir(root());
    let url = proxy.url().replace("127.0.0.1", "store.perf.test");
    let running = Running::of("name-gone", &[LOAD, &["--prometheus-url", &url]].concat(), command);
    under_way(&proxy);
    std::fs::write(&hosts, unnamed).unwrap();
    proxy.set(Mode::Reset);
    sleep(Duration::from_secs(2));
    proxy.set(Mode::Forward);
    let before = proxy.writes();
    sleep(Duration::from_secs(3));
    assert_eq!(proxy.writes(), before, "it still finds the store");
    std::fs::write(&hosts, named).unwrap();
    running.end(Some(&store.url))
}

/// A run whose clock is off.
fn faked(name: &str, by: &str, store: &Prometheus) -> Seen {
    let mut command = xtask(&["perf", "-q", "--testid", name]);
    command.env("LD_PRELOAD", faketime()).env("FAKETIME", by).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    Running::of(name, &[LOAD, &["--prometheus-url", &store.url]].concat(), command).end(None)
}

/// Debian's libfaketime.
fn faketime() -> String {
    let folders = ["/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime"];
    let file = folders.iter().map(|folder| format!("{folder}/libfaketime.so.1"));
    file.into_iter().find(|file| Path::new(file).exists()).expect("libfaketime (Debian's package faketime)")
}

fn clock(name: &str, by: &str) -> Seen {
    let store = Prometheus::start(&format!("matrix-{name}-store"), &[RECEIVER_FLAG]);
    faked(name, by, &store)
}

/// A clock that is right at first.
fn set_back() -> Seen {
    let store = Prometheus::start("matrix-set-back-store", &[RECEIVER_FLAG]);
    let proxy = Proxy::before(store.port());
    let offset = store.folder.join("offset");
    std::fs::write(&offset, "+0").unwrap();
    let mut command = xtask(&["perf", "-q", "--testid", "set-back"]);
    command.env("LD_PRELOAD", faketime()).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    command.env("FAKETIME_TIMESTAMP_FILE", &offset).env("FAKETIME_NO_CACHE", "1");
    let running = Running::of("set-back", &[LOAD, &["--prometheus-url", &proxy.url()]].concat(), command);
    under_way(&proxy);
    std::fs::write(&offset, "-1h").unwrap();
    running.end(Some(&store.url))
}

fn behind_data() -> Seen {
    let store = Prometheus::start("matrix-behind-data-store", &[RECEIVER_FLAG]);
    let first =
        Running::start("behind-data-first", &["-u", "1", "-i", "20", "--no-proof", "--prometheus-url", &store.url]);
    assert_eq!(first.end(None).said.code, 0);
    faked("behind-data", "-2h", &store)
}
