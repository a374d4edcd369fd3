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
mod tests {
    use super::*;

    #[test]
    fn the_listening_process_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let named = holder(port).unwrap();
        assert!(named.ends_with(&format!("(process {})", std::process::id())), "{named}");
        drop(taken);
        // A process that another test has just forked holds the port, too, until exec.
        let is_free = || {
            std::thread::sleep(std::time::Duration::from_millis(10));
            holder(port).is_none()
        };
        assert!((0..300).any(|_| is_free()), "{:?}", holder(port));
    }
}
