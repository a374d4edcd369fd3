//! This process and the machine that it runs on: signals, the lock on the machine, and what the system tells of both.
//! Only Linux tells most of it; elsewhere it is unknown.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;
mod lock;
mod signals;

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::*;
#[cfg(target_os = "linux")]
pub(crate) use linux::*;
pub(crate) use lock::Lock;
pub(crate) use signals::Signals;

/// Processor time of the whole machine since it was started, in ticks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProcessorTicks {
    /// What the hypervisor gave to others.
    pub(crate) stolen: u64,
    pub(crate) all: u64,
}
