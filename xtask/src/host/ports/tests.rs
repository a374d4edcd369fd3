//! Tests of `ports`.

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
