//! Tests of `listener`.

use std::net::{IpAddr, TcpStream};

use super::*;
use crate::agents::message::PROTOCOL;

#[test]
fn an_address_for_all_interfaces_accepts_ipv4_and_ipv6() {
    let (protocol, [build, scenario, catalogue, token, place]) = (PROTOCOL, [(); 5].map(|()| String::new()));
    let here = Hello { protocol, build, scenario, catalogue, token, place };
    let listener = AgentListener::open((Ipv6Addr::UNSPECIFIED, 0).into(), None, here).unwrap();
    for ip in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
        TcpStream::connect((ip, listener.address.port())).unwrap_or_else(|error| panic!("{ip}: {error}"));
    }
}
