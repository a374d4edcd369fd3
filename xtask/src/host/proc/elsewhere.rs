//! Systems without `/proc`: nobody tells.

use std::time::Duration;

macro_rules! unknown {
    ($($name:ident($($argument:ty),*) -> $value:ty;)*) => {
        $(pub(crate) const fn $name($(_: $argument),*) -> Option<$value> { None })*
    };
}

unknown! {
    start_time(u32) -> u64;
    has_ended(u32) -> bool;
    group_lives(u32) -> bool;
    pids() -> Vec<u32>;
    name(u32) -> String;
    variable(u32, &str) -> String;
    command_line(u32) -> String;
    peak_memory(u32) -> (String, u64);
    time_of_children() -> Duration;
    pid_namespace() -> u64;
    listener(u16) -> u32;
    cpu_model() -> String;
}
