//! Who has a port, where the system tells: on Linux, `/proc` does (proc(5), `/proc/net/tcp`).

use std::fs;

/// The process that listens at a port of the loopback interface or of all: "nginx (process 412)".
pub(super) fn holder(port: u16) -> Option<String> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| {
        let text = fs::read_to_string(table).ok()?;
        text.lines().skip(1).find_map(|line| listener(line, port)).map(str::to_owned)
    })?;
    let wanted = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let has = |folder: &std::path::Path| {
        let descriptors = fs::read_dir(folder.join("fd")).into_iter().flatten().flatten();
        descriptors.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|link| link.as_os_str() == wanted.as_str())
    };
    let mut numbered =
        processes.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())));
    let (pid, folder) = numbered.find(|(_, folder)| has(folder))?;
    let name = fs::read_to_string(folder.join("comm")).ok()?;
    Some(format!("{} (process {pid})", name.trim()))
}

/// The inode of the socket that listens at the port, if this line of the table is it.
fn listener(line: &str, port: u16) -> Option<&str> {
    const LISTENS: &str = "0A";
    let mut fields = line.split_whitespace().skip(1);
    let (_, at) = fields.next()?.rsplit_once(':')?;
    let state = fields.nth(1)?;
    (u16::from_str_radix(at, 16).ok()? == port && state == LISTENS).then(|| fields.nth(5)).flatten()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::TcpListener;

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
