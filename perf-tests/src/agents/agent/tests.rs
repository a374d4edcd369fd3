//! Tests of `agent`.

use std::sync::Mutex;

use super::*;

#[tokio::test(start_paused = true)]
async fn an_agent_waits_longer_for_a_name_than_for_a_port() {
    static SHOWN: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let show = |text: &str| SHOWN.lock().unwrap().push(text.to_owned());
    let begun = crate::clock::now();
    // A name that is too long is unknown without a question to a server.
    assert!(connect(&format!("{}.invalid:7070", "a".repeat(64)), show).await.is_err());
    assert!(begun.elapsed() >= LONG_PATIENCE, "{:?}", begun.elapsed());
    let shown = std::mem::take(&mut *SHOWN.lock().unwrap());
    assert!(shown.len() == 1 && shown[0].contains(".invalid:7070, up to 10 min: "), "{shown:?}");
    // Nothing listens there.
    let begun = crate::clock::now();
    assert!(connect("127.0.0.1:1", show).await.is_err());
    assert!(begun.elapsed() < LONG_PATIENCE / 2, "{:?}", begun.elapsed());
    let begun = crate::clock::now();
    assert!(connect("an-address-without-a-port", show).await.is_err());
    assert!(begun.elapsed() < PAUSE, "{:?}", begun.elapsed());
    assert_eq!(*SHOWN.lock().unwrap(), Vec::<String>::new());
}
