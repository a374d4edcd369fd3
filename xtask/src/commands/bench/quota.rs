//! A limit on the processor time of a program, by a control group of Linux.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::process::Command;

use super::processors::CLIENT;
use crate::host::child;

/// Where Linux shows its control groups.
const GROUPS: &str = "/sys/fs/cgroup";
/// The time to which a limit refers. A tenth of the system's default, so that the pauses of a
/// limited program are short.
const PERIOD_US: u32 = 10_000;

/// A control group whose programs have a limited part of a processor. It is removed when dropped,
/// if its programs have ended.
pub(super) struct Quota {
    folder: PathBuf,
}

impl Quota {
    /// Makes a control group. `percent` is its part of one processor.
    ///
    /// # Errors
    /// If this user may not make control groups, or the system has none.
    pub(super) fn new(name: &str, percent: u32) -> anyhow::Result<Self> {
        let root = Path::new(GROUPS);
        let quota = PERIOD_US * percent / 100;
        let name = format!("perf-bench-{}-{name}", std::process::id());
        // Version 2 has one tree for all limits. Version 1 has one tree for each.
        let (folder, limits) = if root.join("cgroup.controllers").exists() {
            write(&root.join("cgroup.subtree_control"), "+cpu")?;
            (root.join(name), vec![("cpu.max", format!("{quota} {PERIOD_US}"))])
        } else {
            let limits = [("cpu.cfs_period_us", PERIOD_US), ("cpu.cfs_quota_us", quota)];
            (root.join("cpu").join(name), limits.map(|(file, value)| (file, value.to_string())).to_vec())
        };
        fs::create_dir(&folder).with_context(|| format!("failed to make the control group {}", folder.display()))?;
        let group = Self { folder };
        for (file, value) in limits {
            write(&group.folder.join(file), &value)?;
        }
        Ok(group)
    }

    /// A program in this group, on the client's processor. It ends with this command.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = child::attached("sh");
        command.args(["-c", r#"echo $$ > "$0" && exec taskset -c "$@""#]);
        command.arg(self.folder.join("cgroup.procs"));
        command.args([OsStr::new(&CLIENT.to_string()), program.as_os_str()]);
        command
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        // A group that remains is empty and limits nothing.
        let _ = fs::remove_dir(&self.folder);
    }
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(file, text).with_context(|| format!("failed to limit processor time by {}", file.display()))
}
