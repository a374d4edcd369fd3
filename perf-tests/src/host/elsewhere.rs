//! What other systems than Linux tell: nothing that we know how to ask for.

use super::ProcessorTicks;

pub(crate) const fn thread_times() -> Option<(u64, u64)> {
    None
}

pub(crate) const fn processor_ticks() -> Option<ProcessorTicks> {
    None
}

pub(crate) const fn available_memory() -> Option<u64> {
    None
}

pub(crate) const fn local_ports() -> Option<u64> {
    None
}

pub(crate) const fn open_files(_: u64) -> Option<u64> {
    None
}

pub(crate) const fn kernel_release() -> String {
    String::new()
}

pub(crate) const fn processor_model() -> String {
    String::new()
}
