//! Tests of the limit on refused peers.

use std::cell::RefCell;

use super::{RefusedPeer, RefusedPeers};

#[test]
fn each_reason_is_shown_once_and_only_the_first_are_kept() {
    let (mut peers, shown) = (RefusedPeers::default(), RefCell::new(Vec::new()));
    let mut add = |port: u32, why: &str| {
        let peer = RefusedPeer { peer: format!("127.0.0.1:{port}"), why: why.to_owned() };
        peers.add(peer, &|text| shown.borrow_mut().push(text.to_owned()));
    };
    (1..=1_000).for_each(|port| add(port, "it was silent"));
    add(1_001, "its token is wrong");
    (0..9).for_each(|build| add(2_000, &format!("its build is {build}")));
    let texts: Vec<_> = peers.texts().collect();
    assert_eq!(
        texts[..2],
        [
            "1,000 peers were refused, first 127.0.0.1:1: it was silent",
            "a peer was refused: 127.0.0.1:1001: its token is wrong",
        ]
    );
    assert_eq!((texts.len(), texts[8].as_str()), (9, "other reasons: 3 peers refused"));
    assert_eq!((shown.borrow().len(), shown.borrow()[1].as_str()), (8, texts[1].as_str()));
}
