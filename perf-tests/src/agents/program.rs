//! The agents' processes on this machine.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::process::Stdio;
use std::{env, io, thread};

use perf_settings::{AGENT_BUILD, AGENT_JOIN, AGENT_TOKEN, METRICS_TOKEN};
use tokio::process::{Child, Command};

/// Starts an agent: this program again, which then runs the same scenario. It ends when its
/// connection to this process does, and is killed when the child is dropped.
pub(super) fn start(address: SocketAddr, token: &str, build: &str) -> io::Result<Child> {
    let mut command = Command::new(env::current_exe()?);
    command.args(arguments(env::args_os().skip(1).collect(), thread::current().name()));
    command
        .env(AGENT_JOIN, address.to_string())
        .env(AGENT_TOKEN, token)
        .env(AGENT_BUILD, build)
        .env_remove(METRICS_TOKEN);
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    // A Ctrl-C at the terminal reaches only this process, which tells the agents.
    #[cfg(unix)]
    command.process_group(0);
    command.spawn()
}

/// The arguments with which this program runs only the scenario of this thread. Rust's test harness
/// names a thread like its test.
fn arguments(own: Vec<OsString>, thread: Option<&str>) -> Vec<OsString> {
    match thread.filter(|name| *name != "main") {
        Some(test) => ["--exact", "--include-ignored", "--nocapture", test].map(OsString::from).into(),
        None => own,
    }
}
