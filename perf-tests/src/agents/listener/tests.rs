//! Tests of `listener`.

use std::io::Write as _;
use std::net::{IpAddr, TcpStream};

use super::*;
use crate::agents::message::PROTOCOL;

fn listen() -> AgentListener {
    let (protocol, [build, scenario, catalogue, token, place]) = (PROTOCOL, [(); 5].map(|()| String::new()));
    let here = Hello { protocol, build, scenario, catalogue, token, place };
    AgentListener::open((Ipv6Addr::UNSPECIFIED, 0).into(), None, here).unwrap()
}

#[tokio::test]
async fn counts_of_a_peer_without_the_token_are_not_read() {
    let mut listener = listen();
    let mut peer = TcpStream::connect((Ipv4Addr::LOCALHOST, listener.address.port())).unwrap();
    let counts = FromAgent::Counts(Box::default());
    peer.write_all(&message::encode(&counts).unwrap()).unwrap();
    let shown = std::cell::RefCell::new(Vec::new());
    let show = |text: &str| shown.borrow_mut().push(text.to_owned());
    drop(time::timeout(Duration::from_secs(1), listener.next(&show)).await);
    let shown = shown.borrow();
    assert!(shown.len() == 1 && shown[0].ends_with("its first message was not that of an agent"), "{shown:?}");
}

#[test]
fn an_address_for_all_interfaces_accepts_ipv4_and_ipv6() {
    let listener = listen();
    for ip in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
        TcpStream::connect((ip, listener.address.port())).unwrap_or_else(|error| panic!("{ip}: {error}"));
    }
}
