//! A cache of what is the same for all players on a day: news, advice and prices. It saves making the answer; how long an
//! answer takes is set elsewhere, so that it is the same in every run.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// Days beyond a game's thirty are kept as well, but not without end.
const MAX_ENTRIES: usize = 1_000;

#[derive(Default)]
pub(crate) struct Days(Mutex<HashMap<(&'static str, u32), Value>>);

impl Days {
    /// What is known of a day, made now if it is asked for the first time; and whether it was there.
    pub(crate) fn get(&self, what: &'static str, day: u32, make: impl FnOnce() -> Value) -> (Value, bool) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = known.get(&(what, day)) {
            return (value.clone(), true);
        }
        let value = make();
        if known.len() < MAX_ENTRIES {
            known.insert((what, day), value.clone());
        }
        (value, false)
    }
}
