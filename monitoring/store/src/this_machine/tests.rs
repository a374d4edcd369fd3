//! Tests of `this_machine`.

use super::*;

fn is_own(host: &str) -> bool {
    is_this_machine(&Url::parse(&format!("http://{host}:8000/a")).unwrap())
}

#[test]
fn loopback_names_and_addresses_are_this_machine() {
    for name in ["localhost", "LOCALHOST", "localhost.", "app.localhost", "app.localhost."] {
        assert!(is_own(name), "{name}");
    }
    for address in ["127.0.0.1", "127.0.0.2", "0.0.0.0", "[::]", "[::1]", "[::ffff:127.0.0.1]"] {
        assert!(is_own(address), "{address}");
    }
}

#[test]
fn other_hosts_are_not_this_machine() {
    for host in ["example.com", "notlocalhost", "localhost.example.com", "10.0.0.1", "128.0.0.1", "[fe80::1]"] {
        assert!(!is_own(host), "{host}");
    }
    assert!(!is_this_machine(&Url::parse("unix:/run/app.sock").unwrap()));
}
