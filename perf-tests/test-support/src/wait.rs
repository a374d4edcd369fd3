//! Waits for a condition.

use std::thread;
use std::time::{Duration, Instant};

/// Polls until there is a value.
///
/// # Panics
/// After the time limit.
#[expect(clippy::disallowed_methods, reason = "a test's own time limit")]
pub fn wait_for<T>(what: &str, limit: Duration, mut poll: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = poll() {
            return value;
        }
        assert!(started.elapsed() < limit, "{what} did not come within {limit:?}");
        thread::sleep(Duration::from_millis(50));
    }
}
