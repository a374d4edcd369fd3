//! Systems without `/proc`: nobody tells.

use std::time::Duration;

pub(crate) const fn start_time(_: u32) -> Option<u64> {
    None
}

pub(crate) const fn has_ended(_: u32) -> bool {
    false
}

pub(crate) const fn group_lives(_: u32) -> Option<bool> {
    None
}

pub(crate) const fn pids() -> Vec<u32> {
    Vec::new()
}

pub(crate) const fn name(_: u32) -> Option<String> {
    None
}

pub(crate) const fn variable(_: u32, _: &str) -> Option<String> {
    None
}

pub(crate) const fn command_line(_: u32) -> Option<String> {
    None
}

pub(crate) const fn peak_memory(_: u32) -> Option<(String, u64)> {
    None
}

pub(crate) const fn time_of_children() -> Option<Duration> {
    None
}

pub(crate) const fn pid_namespace() -> Option<u64> {
    None
}

pub(crate) const fn listener(_: u16) -> Option<u32> {
    None
}

pub(crate) const fn cpu_model() -> Option<String> {
    None
}
