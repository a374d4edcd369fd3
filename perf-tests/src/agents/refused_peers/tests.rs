//! Tests of the limit on refused peers.

use std::cell::Cell;

use super::RefusedPeers;

#[test]
fn only_the_first_refused_peers_are_kept_and_shown() {
    let (mut peers, shown) = (RefusedPeers::default(), Cell::new(0));
    for peer in 1..=1_000 {
        peers.add(format!("peer {peer}"), &|_| shown.set(shown.get() + 1));
    }
    let lines: Vec<_> = peers.lines().collect();
    assert_eq!(lines, ["peer 1", "peer 2", "peer 3", "peer 4", "peer 5", "995 more peers"]);
    assert_eq!(shown.get(), 5);
}
