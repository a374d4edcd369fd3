//! Tests of `allowed_targets`.

use super::*;

#[test]
fn this_machine_and_private_networks_are_near() {
    for address in
        ["127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "fd00::1", "fe80::1", "0.0.0.0"]
    {
        assert!(is_near(address.parse().unwrap()), "{address}");
    }
    // Addresses for documentation (RFC 5737 and 3849), and neighbors of private ranges.
    for address in
        ["203.0.113.7", "198.51.100.1", "172.32.0.1", "172.15.255.255", "11.0.0.1", "2001:db8::1", "::ffff:203.0.113.7"]
    {
        assert!(!is_near(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn only_private_addresses_of_a_name_are_used() {
    let at = |ip: &str| SocketAddr::new(ip.parse().unwrap(), 80);
    assert_eq!(keep_near("x", vec![at("203.0.113.7"), at("10.0.0.1")]).unwrap(), [at("10.0.0.1")]);
    let refused = keep_near("api.example.com", vec![at("203.0.113.7")]).unwrap_err();
    assert!(refused.to_string().contains("--allow-target api.example.com"), "{refused}");
}
