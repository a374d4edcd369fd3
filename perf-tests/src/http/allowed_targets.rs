//! Limits load to this machine and private networks, unless the user allows a host. A wrong URL
//! must not become an attack on the owner of that address.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use perf_settings::ALLOW_TARGET;

/// Removes addresses outside this machine and private networks. If none is left, it is an error.
pub(super) fn keep_near(host: &str, found: Vec<SocketAddr>) -> io::Result<Vec<SocketAddr>> {
    let Some(first) = found.first().copied() else { return Ok(found) };
    let near: Vec<_> = found.into_iter().filter(|address| is_near(address.ip())).collect();
    if near.is_empty() {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, describe_denied(host, first.ip())))
    } else {
        Ok(near)
    }
}

fn describe_denied(host: &str, address: IpAddr) -> String {
    let shown = if host.parse::<IpAddr>().is_ok() { host.to_owned() } else { format!("{host} ({address})") };
    format!(
        "{shown} is neither on this machine nor in a private network: if you may load it, pass --allow-target {host} \
         (or {ALLOW_TARGET})"
    )
}

/// Loopback, private and link-local addresses: RFC 1122, 1918, 3927, 4193, 4291.
fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => four.is_loopback() || four.is_private() || four.is_link_local() || four.is_unspecified(),
        IpAddr::V6(six) => match six.to_ipv4_mapped() {
            Some(four) => is_near(IpAddr::V4(four)),
            None => {
                six.is_loopback()
                    || six.is_unique_local()
                    || six.is_unicast_link_local()
                    || six == Ipv6Addr::UNSPECIFIED
            }
        },
    }
}

#[cfg(test)]
mod tests;
