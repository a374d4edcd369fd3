//! TCP ports of this machine: finding a free one, and the process that uses one.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::Context as _;
use perf_host::proc;

/// A port of the loopback interface that is free now.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("failed to find a free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// The process that listens at a port, on the loopback interface or on all: "nginx (process 412)".
pub(crate) fn holder(port: u16) -> Option<String> {
    let pid = proc::listener(port)?;
    Some(format!("{} (process {pid})", proc::name(pid)?))
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
