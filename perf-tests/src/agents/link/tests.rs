//! Tests of `link`.

use super::*;
use crate::agents::message::{AbortCause, FromAgent, ToAgent};
use crate::engine::Lease;

#[tokio::test]
async fn the_end_of_a_load_overtakes_messages_that_wait() {
    // The peer reads nothing at first, so that one message is under way and all others wait.
    let (ours, theirs) = tokio::io::duplex(1);
    let stream: AgentStream = Box::new(ours);
    let (sender, _receiver) = open::<ToAgent, FromAgent>(stream).unwrap();
    let lease = ToAgent::Lease(vec![Lease { part: 0, first: 0, count: 1 }]);
    for _ in 0..=MOST_WAITING {
        sender.send(&lease).await.unwrap();
    }
    sender.offer(&lease).unwrap();
    assert_eq!(sender.waiting.capacity(), 0);
    for cause in [AbortCause::Missed, AbortCause::Interrupted] {
        sender.send_first(&ToAgent::Abort(cause)).unwrap();
    }
    let (_sender, mut receiver) = open::<FromAgent, ToAgent>(Box::new(theirs)).unwrap();
    let arrived = time::timeout(HEARTBEAT, async {
        let mut arrived = Vec::new();
        while arrived.len() < 3 {
            arrived.push(receiver.next().await.unwrap());
        }
        arrived
    });
    let arrived = arrived.await.unwrap();
    let is_in_order = matches!(
        arrived.as_slice(),
        [ToAgent::Lease(_), ToAgent::Abort(AbortCause::Missed), ToAgent::Abort(AbortCause::Interrupted)]
    );
    assert!(is_in_order, "{arrived:?}");
}
