//! URLs of the machine that uses them.

use std::net::IpAddr;

use url::{Host, Url};

/// Whether the host of a URL is the machine that uses the URL: `localhost`, a name under it, or an
/// address that never leaves the machine. A name is not looked up.
pub fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => is_own_address(address.into()),
        Some(Host::Ipv6(address)) => is_own_address(address.into()),
        None => false,
    }
}

/// A connection to the unspecified address arrives at the machine itself.
fn is_own_address(address: IpAddr) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || address.is_unspecified()
}

#[cfg(test)]
mod tests {
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
}
