//! Keeps panics of a scenario's code, with their place in the code. They are not printed, because
//! the run's result reports each once.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic;
use std::sync::Once;

/// Panics of a thread that are kept.
const MOST_KEPT: usize = 100;

thread_local! {
    static KEEPS: Cell<bool> = const { Cell::new(false) };
    static KEPT: RefCell<VecDeque<String>> = const { RefCell::new(VecDeque::new()) };
}

/// Keeps panics of this thread until it is dropped.
pub(crate) struct KeptPanics(());

impl KeptPanics {
    /// Begins to keep panics of this thread. Panics of other threads are printed as before.
    pub(crate) fn keep() -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            let print = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                if !KEEPS.get() {
                    return print(info);
                }
                let place = info.location().map(|place| format!(", at {}:{}", place.file(), place.line()));
                let text = format!("{}{}", message(info.payload()), place.unwrap_or_default());
                KEPT.with_borrow_mut(|kept| {
                    // Panics that the scenario catches are not taken.
                    kept.truncate(MOST_KEPT - 1);
                    kept.push_back(text);
                });
            }));
        });
        KEEPS.set(true);
        Self(())
    }

    /// Removes the oldest kept panic, and returns its message and place. If there is none, returns
    /// the message of `payload`.
    pub(crate) fn take(payload: &(dyn Any + Send)) -> String {
        KEPT.with_borrow_mut(VecDeque::pop_front).unwrap_or_else(|| message(payload))
    }
}

impl Drop for KeptPanics {
    fn drop(&mut self) {
        KEEPS.set(false);
    }
}

pub(crate) fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests;
