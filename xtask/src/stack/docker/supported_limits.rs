//! The limits of a container that Docker supports on this machine.

use anyhow::Context as _;
use testcontainers::core::client::docker_client_instance;

use crate::stack::limits::Limits;

/// Limits of a container. `None`: Docker does not support it here.
#[derive(Debug, Clone, Copy)]
pub(super) struct SupportedLimits {
    pub(super) memory_bytes: Option<i64>,
    pub(super) nano_cpus: Option<i64>,
    pub(super) processes: Option<i64>,
}

impl SupportedLimits {
    /// Some kernels do not support these limits, and rootless Docker may not delegate them. Docker
    /// then rejects a container that has them.
    pub(super) async fn find(limits: Limits) -> anyhow::Result<Self> {
        let info = docker_client_instance().await?.info().await.context("failed to ask Docker for its limits")?;
        let is = |supported: Option<bool>| supported == Some(true);
        Ok(Self {
            memory_bytes: is(info.memory_limit).then_some(limits.memory_bytes),
            nano_cpus: is(info.cpu_cfs_quota).then_some(limits.millicores * 1_000_000),
            processes: is(info.pids_limit).then_some(limits.processes),
        })
    }
}
