//! TCP ports of this machine: which are free, and who has one.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::Context as _;
use perf_host::proc;

/// A port that nobody listens on just now.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("there is no free port")?;
    Ok(listener.local_addr()?.port())
}

/// The process that listens at a port of the loopback interface or of all: "nginx (process 412)".
pub(crate) fn holder(port: u16) -> Option<String> {
    let pid = proc::listener(port)?;
    Some(format!("{} (process {pid})", proc::name(pid)?))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn who_listens_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let named = holder(port).unwrap();
        assert!(named.ends_with(&format!("(process {})", std::process::id())), "{named}");
        drop(taken);
        // A process that another test starts holds it, too, until it is another program.
        let is_free = || {
            std::thread::sleep(std::time::Duration::from_millis(10));
            holder(port).is_none()
        };
        assert!((0..300).any(|_| is_free()), "{:?}", holder(port));
    }
}
