//! Tests of `agent`.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_agent_waits_longer_for_a_name_than_for_a_port() {
    let begun = crate::clock::now();
    // A name that is too long is unknown without a question to a server.
    assert!(connect(&format!("{}.invalid:7070", "a".repeat(64))).await.is_err());
    assert!(begun.elapsed() >= LONG_PATIENCE, "{:?}", begun.elapsed());
    // Nothing listens there.
    let begun = crate::clock::now();
    assert!(connect("127.0.0.1:1").await.is_err());
    assert!(begun.elapsed() < LONG_PATIENCE / 2, "{:?}", begun.elapsed());
    let begun = crate::clock::now();
    assert!(connect("an-address-without-a-port").await.is_err());
    assert!(begun.elapsed() < PAUSE, "{:?}", begun.elapsed());
}
