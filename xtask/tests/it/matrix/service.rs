//! Faults of the service under test, and of the generator.

use std::thread::sleep;
use std::time::Duration;

use monitoring::prometheus::config::RECEIVER_FLAG;
use rustix::process::Signal;
use test_support::processes;

use super::proxy::{Mode, Proxy};
use super::within;
use super::world::{Counts, Observation, Row, RunningCommand, wait_for_load};
use crate::real::{Backend, free_port, prometheus, send_signal, wait_for, xtask};

const fn row(fault: &'static str, code: i32, message: &'static str, act: fn() -> Observation) -> Row {
    Row { class: "service", fault, code, message, counted: Counts::All, within: within(8, 20), act }
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        row("killed, and started again after 2 s", 99, "refused", || restarted(true)),
        row("killed for good", 99, "refused", || restarted(false)),
        row("its responses trickle, one byte per 100 ms", 99, "timeout", || {
            with_proxy("trickle", Mode::Trickle(100), &[])
        }),
        row("resets connections", 99, "reset", || with_proxy("resets", Mode::Reset, &[])),
        row("accepts requests and never responds", 99, "timeout", || with_proxy("silent", Mode::HalfOpen, &[])),
        row("responds with web pages", 90, "the scenario did not run as written", || {
            with_proxy("pages", Mode::Page, &[])
        }),
        row("accepts 3 connections at a time and closes others", 99, "reset", || {
            with_proxy("at-most", Mode::AtMost(3), &["--no-connection-reuse"])
        }),
        Row {
            counted: Counts::NotChecked,
            ..row("does not run", 104, "cannot connect to", || {
                RunningCommand::start("nobody", &["-d", "8s", "--stack", "none", "--target", "http://127.0.0.1:1"])
                    .end(None)
            })
        },
    ]
}

pub(crate) fn generator_rows() -> Vec<Row> {
    let row = |fault, code, message, act| Row { class: "generator", ..row(fault, code, message, act) };
    vec![
        row("stopped for 3 s", 90, "late", stopped),
        row("cannot open more files during the run", 90, "allows no more open files", no_more_files),
        Row { counted: Counts::NotChecked, ..row("is allowed 40 open files", 104, "ulimit -n", few_files) },
    ]
}

fn arguments<'a>(target: &'a str, store: &'a str) -> Vec<&'a str> {
    vec!["-u", "5", "-d", "8s", "--no-proof", "--request-timeout", "1s", "--target", target, "--prometheus-url", store]
}

/// Waits until a run has made requests through a proxy.
fn wait_for_requests(proxy: &Proxy) {
    wait_for("requests", Duration::from_secs(20), || (proxy.writes() + proxy.queries() > 30).then_some(()));
}

fn restarted(again: bool) -> Observation {
    let name = if again { "service-again" } else { "service-gone" };
    let store = prometheus(&format!("matrix-{name}-store"), &[RECEIVER_FLAG]);
    let port = free_port();
    let backend = Backend::at(port, &[]);
    let target = backend.url.clone();
    let running = RunningCommand::start(name, &arguments(&target, &store.url));
    wait_for_load(&store.url, name);
    drop(backend);
    sleep(Duration::from_secs(2));
    let _again = again.then(|| Backend::at(port, &[]));
    running.end(Some(&store.url))
}

/// A run whose service is behind a proxy that changes its mode during the run.
fn with_proxy(name: &str, mode: Mode, more: &[&str]) -> Observation {
    let store = prometheus(&format!("matrix-{name}-store"), &[RECEIVER_FLAG]);
    let backend = Backend::start(&[]);
    let proxy = Proxy::before(url::Url::parse(&backend.url).unwrap().port().unwrap());
    let running = RunningCommand::start(name, &[&arguments(&proxy.url(), &store.url), more].concat());
    wait_for_requests(&proxy);
    proxy.set(mode);
    running.end(Some(&store.url))
}

/// Arrivals become due while the generator is stopped, which
/// is its own fault and not the service's.
fn stopped() -> Observation {
    let store = prometheus("matrix-generator-store", &[RECEIVER_FLAG]);
    let line = ["--rate", "50/s", "-d", "8s", "--no-proof", "--prometheus-url", &store.url];
    let running = RunningCommand::start("generator-stopped", &line);
    let generator = running.generator();
    wait_for_load(&store.url, "generator-stopped");
    send_signal(generator, Signal::STOP).unwrap();
    sleep(Duration::from_secs(3));
    send_signal(generator, Signal::CONT).unwrap();
    running.end(Some(&store.url))
}

/// Lowers the generator's limit on open files, as if other programs used them up. Open connections
/// stay, such as the store's.
fn no_more_files() -> Observation {
    let store = prometheus("matrix-no-more-files-store", &[RECEIVER_FLAG]);
    let backend = Backend::start(&[]);
    let line = [&arguments(&backend.url, &store.url)[..], &["--no-connection-reuse"]].concat();
    let running = RunningCommand::start("no-more-files", &line);
    let generator = running.generator();
    wait_for_load(&store.url, "no-more-files");
    // Open files stay open, and each virtual user needs a new connection for every request.
    let open = processes::open_files(generator).len() - 2;
    let limit = ["--pid", &generator.to_string(), &format!("--nofile={open}:{open}")];
    assert!(std::process::Command::new("prlimit").args(limit).status().unwrap().success());
    running.end(Some(&store.url))
}

fn few_files() -> Observation {
    let own = xtask(&[]);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -n 40; exec \"$0\" \"$@\""]).arg(own.get_program());
    command.args(["perf", "-q", "--testid", "few-files"]).current_dir(crate::real::root());
    RunningCommand::start_command("few-files", &["-u", "100", "-d", "8s", "--stack", "none"], command).end(None)
}
