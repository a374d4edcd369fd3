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
mod tests;
