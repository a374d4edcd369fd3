//! What `/proc` says (proc(5)) about the machine, this process and others. All of it is unknown on systems other than Linux.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
pub use elsewhere::*;
#[cfg(target_os = "linux")]
pub use linux::*;

/// Processor time of the whole machine since it was started, in ticks.
#[derive(Debug, Clone, Copy)]
pub struct CpuTicks {
    /// What the hypervisor gave to other machines.
    pub stolen: u64,
    /// Idle time and stolen time included.
    pub all: u64,
}
