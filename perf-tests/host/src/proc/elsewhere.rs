//! Systems without `/proc`: every value is `None`.

use std::path::Path;
use std::time::Duration;

use super::CpuTicks;

macro_rules! unknown {
    ($($name:ident($($argument:ty),*) -> $value:ty;)*) => {
        $(#[doc = "Not known on this system."]
        pub const fn $name($(_: $argument),*) -> Option<$value> { None })*
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
    processor_time(u32) -> Duration;
    time_of_children() -> Duration;
    pid_namespace() -> u64;
    listener(u16) -> u32;
    thread_times() -> (u64, u64);
    cpu_ticks() -> CpuTicks;
    available_memory() -> u64;
    local_ports() -> u64;
    open_files(u64) -> u64;
    free_space(&Path) -> u64;
    control_groups() -> String;
    kernel_release() -> String;
    hostname() -> String;
    cpu_model() -> String;
}
