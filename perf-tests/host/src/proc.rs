//! Data from `/proc` (proc(5)) about the machine, this process and others. Systems other than Linux
//! give `None` for all of it.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
pub use elsewhere::*;
#[cfg(target_os = "linux")]
pub use linux::*;

/// Processor time of the whole machine since boot, in ticks.
#[derive(Debug, Clone, Copy)]
pub struct CpuTicks {
    /// Time that the hypervisor gave to other machines.
    pub stolen: u64,
    /// All time, including idle and stolen time.
    pub all: u64,
}
