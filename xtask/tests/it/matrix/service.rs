//! Faults of the service under test, and of the machine that makes the load.

use std::thread::sleep;
use std::time::Duration;

use monitoring::prometheus::config::RECEIVER_FLAG;
use rustix::process::Signal;

use super::proxy::{Mode, Proxy};
use super::within;
use super::world::{Counted, Row, Running, Seen, wait_for_load};
use crate::real::{Backend, Prometheus, free_port, send_signal, wait_for, xtask};

const fn row(fault: &'static str, code: i32, says: &'static str, act: fn() -> Seen) -> Row {
    Row { class: "service", fault, code, says, counted: Counted::All, within: within(8, 20), act }
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        row("killed, and started again after 2 s", 99, "refused", || restarted(true)),
        row("killed for good", 99, "refused", || restarted(false)),
        row("answers trickle, a byte each 100 ms", 99, "timeout", || behind("trickle", Mode::Trickle(100), &[])),
        row("resets connections", 99, "reset", || behind("resets", Mode::Reset, &[])),
        row("takes requests and says nothing", 99, "timeout", || behind("silent", Mode::HalfOpen, &[])),
        row("answers web pages", 90, "the scenario did not do what it was to do", || behind("pages", Mode::Page, &[])),
        row("takes 3 connections at once and closes others", 99, "reset", || {
            behind("at-most", Mode::AtMost(3), &["--no-connection-reuse"])
        }),
        Row {
            counted: Counted::NotAsked,
            ..row("is not there", 104, "nothing answers at", || {
                Running::start("nobody", &["-d", "8s", "--stack", "none", "--target", "http://127.0.0.1:1"]).end(None)
            })
        },
    ]
}

pub(crate) fn generator_rows() -> Vec<Row> {
    let row = |fault, code, says, act| Row { class: "generator", ..row(fault, code, says, act) };
    vec![
        row("stopped for 3 s", 90, "late", stopped),
        row("may open no more files from then on", 90, "allows no more open files", no_more_files),
        Row { counted: Counted::NotAsked, ..row("is allowed 40 open files", 104, "ulimit -n", few_files) },
    ]
}

fn arguments<'a>(target: &'a str, store: &'a str) -> Vec<&'a str> {
    vec!["-u", "5", "-d", "8s", "--no-proof", "--request-timeout", "1s", "--target", target, "--prometheus-url", store]
}

/// Waits until a run has made requests through a proxy.
fn under_way(proxy: &Proxy) {
    wait_for("requests", Duration::from_secs(20), || (proxy.writes() + proxy.questions() > 30).then_some(()));
}

fn restarted(again: bool) -> Seen {
    let name = if again { "service-again" } else { "service-gone" };
    let store = Prometheus::start(&format!("matrix-{name}-store"), &[RECEIVER_FLAG]);
    let port = free_port();
    let backend = Backend::at(port, &[]);
    let target = backend.url.clone();
    let running = Running::start(name, &arguments(&target, &store.url));
    wait_for_load(&store.url, name);
    drop(backend);
    sleep(Duration::from_secs(2));
    let _again = again.then(|| Backend::at(port, &[]));
    running.end(Some(&store.url))
}

fn behind(name: &str, mode: Mode, more: &[&str]) -> Seen {
    let store = Prometheus::start(&format!("matrix-{name}-store"), &[RECEIVER_FLAG]);
    let backend = Backend::start(&[]);
    let proxy = Proxy::before(url::Url::parse(&backend.url).unwrap().port().unwrap());
    let running = Running::start(name, &[&arguments(&proxy.url(), &store.url), more].concat());
    under_way(&proxy);
    proxy.set(mode);
    running.end(Some(&store.url))
}

/// Arrivals become due while nobody is there to begin them: that is the generator's fault and not the service's.
fn stopped() -> Seen {
    let store = Prometheus::start("matrix-generator-store", &[RECEIVER_FLAG]);
    let line = ["--rate", "50/s", "-d", "8s", "--no-proof", "--prometheus-url", &store.url];
    let running = Running::start("generator-stopped", &line);
    let generator = running.generator();
    wait_for_load(&store.url, "generator-stopped");
    send_signal(generator, Signal::STOP).unwrap();
    sleep(Duration::from_secs(3));
    send_signal(generator, Signal::CONT).unwrap();
    running.end(Some(&store.url))
}

/// As when something else in its session takes them. What has a connection keeps it, the store's among them.
fn no_more_files() -> Seen {
    let store = Prometheus::start("matrix-no-more-files-store", &[RECEIVER_FLAG]);
    let backend = Backend::start(&[]);
    let line = [&arguments(&backend.url, &store.url)[..], &["--no-connection-reuse"]].concat();
    let running = Running::start("no-more-files", &line);
    let generator = running.generator();
    wait_for_load(&store.url, "no-more-files");
    // It has what it has, and each virtual user makes a connection of its own again and again.
    let open = std::fs::read_dir(format!("/proc/{generator}/fd")).unwrap().count() - 3;
    let limit = ["--pid", &generator.to_string(), &format!("--nofile={open}:{open}")];
    assert!(std::process::Command::new("prlimit").args(limit).status().unwrap().success());
    running.end(Some(&store.url))
}

fn few_files() -> Seen {
    let own = xtask(&[]);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -n 40; exec \"$0\" \"$@\""]).arg(own.get_program());
    command.args(["perf", "-q", "--testid", "few-files"]).current_dir(crate::real::root());
    Running::of("few-files", &["-u", "100", "-d", "8s", "--stack", "none"], command).end(None)
}
