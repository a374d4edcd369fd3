//! A cache of values that are the same for all players on a day: news, advice and prices. It only
//! saves computing the response. The latency is set elsewhere, so that it is the same in every run.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// Days beyond a game's thirty are cached too, up to this limit.
const MAX_ENTRIES: usize = 1_000;

#[derive(Default)]
pub(crate) struct DayCache(Mutex<HashMap<(&'static str, u32), Value>>);

impl DayCache {
    /// Returns the value of a day and whether it was cached. Computes it with `make` if it was not.
    pub(crate) fn get(&self, kind: &'static str, day: u32, make: impl FnOnce() -> Value) -> (Value, bool) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = known.get(&(kind, day)) {
            return (value.clone(), true);
        }
        let value = make();
        if known.len() < MAX_ENTRIES {
            known.insert((kind, day), value.clone());
        }
        (value, false)
    }
}
