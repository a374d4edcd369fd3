//! The limits of this process's control group (cgroups(7)), such as those of a container. Systems
//! other than Linux have none.

use std::fs;
use std::path::{Path, PathBuf};

use crate::proc;

/// The control groups that limit this process: its own, and those around it.
#[derive(Debug, Clone, Default)]
pub struct ControlGroups {
    cpu: Vec<PathBuf>,
    memory: Vec<PathBuf>,
}

/// Periods in which a group with a limit on processor time ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuPeriods {
    /// All of them.
    pub all: u64,
    /// Those in which it had used up its time and had to wait for the next period.
    pub throttled: u64,
}

impl ControlGroups {
    /// The groups of this process.
    pub fn read() -> Self {
        Self::find(Path::new("/sys/fs/cgroup"), &proc::control_groups().unwrap_or_default())
    }

    /// The groups in a folder. `membership` is that of [`proc::control_groups`]. A container sees
    /// its own group as the folder itself.
    fn find(root: &Path, membership: &str) -> Self {
        let folders = |controller: &str| {
            let mut folders = Vec::new();
            for line in membership.lines() {
                let mut fields = line.splitn(3, ':').skip(1);
                let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
                // Version 2 has one hierarchy without names of controllers.
                let hierarchy = match controllers {
                    "" => root.to_owned(),
                    names if names.split(',').any(|name| name == controller) => {
                        let named = [names, controller].map(|name| root.join(name));
                        named.into_iter().find(|folder| folder.is_dir()).unwrap_or_else(|| root.join(controller))
                    }
                    _ => continue,
                };
                let own = hierarchy.join(path.trim_start_matches('/'));
                folders.extend(own.ancestors().take_while(|it| it.starts_with(&hierarchy)).map(Path::to_owned));
            }
            folders
        };
        Self { cpu: folders("cpu"), memory: folders("memory") }
    }

    /// Bytes that this process may still use, by the tightest limit. `None` without a limit.
    pub fn available_memory(&self) -> Option<u64> {
        self.memory.iter().filter_map(|folder| free_memory(folder)).min()
    }

    /// The periods of each group with a limit on processor time, since the group was made.
    pub fn cpu_periods(&self) -> Vec<CpuPeriods> {
        let periods = |folder: &PathBuf| {
            let stat = fs::read_to_string(folder.join("cpu.stat")).ok()?;
            Some(CpuPeriods { all: field(&stat, "nr_periods")?, throttled: field(&stat, "nr_throttled")? })
        };
        self.cpu.iter().filter_map(periods).collect()
    }
}

impl CpuPeriods {
    /// The largest share of periods since `then` in which a group was throttled, from 0 to 1.
    /// `None` if no group with a limit ran.
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub fn throttled_share(then: &[Self], now: &[Self]) -> Option<f64> {
        let share = |(then, now): (&Self, &Self)| {
            let all = now.all.saturating_sub(then.all);
            let throttled = now.throttled.saturating_sub(then.throttled);
            (all > 0).then(|| (throttled as f64 / all as f64).min(1.0))
        };
        then.iter().zip(now).filter_map(share).max_by(f64::total_cmp)
    }
}

/// Bytes that one group may still use. The kernel gives up file pages and some of its own caches
/// before it refuses memory.
fn free_memory(folder: &Path) -> Option<u64> {
    let number = |name: &str| fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
    // Version 2, then version 1. Version 2 writes "max" if there is no limit.
    let (limit, used, reclaimable) = match number("memory.max") {
        Some(limit) => {
            (limit, number("memory.current")?, ["inactive_file", "active_file", "slab_reclaimable"].as_slice())
        }
        None => {
            let used = number("memory.usage_in_bytes")?;
            (number("memory.limit_in_bytes")?, used, ["total_inactive_file", "total_active_file"].as_slice())
        }
    };
    let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let reclaimable: u64 = reclaimable.iter().filter_map(|name| field(&stat, name)).sum();
    Some(limit.saturating_sub(used.saturating_sub(reclaimable)))
}

/// The number after a name, each pair on its line.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests;
