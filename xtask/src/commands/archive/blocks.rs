//! Makes Prometheus blocks from OpenMetrics text, with the
//! promtool from PATH or from Prometheus' image.

use std::path::Path;

use anyhow::{Context as _, bail};
use tokio::process::Command;

use super::{BLOCKS, SERIES};
use crate::host::{child, workspace};
use crate::stack::docker;

const ARGUMENTS: [&str; 5] = ["tsdb", "create-blocks-from", "openmetrics", "--quiet", SERIES];

/// Writes the blocks to the folder of the text.
pub(super) async fn create(work: &Path) -> anyhow::Result<()> {
    let arguments: Vec<_> = ARGUMENTS.into_iter().chain([BLOCKS]).map(str::to_owned).collect();
    if let Some(program) = workspace::program("promtool") {
        let mut promtool = Command::from(child::foreground(&program));
        let ended = promtool.args(&arguments).current_dir(work).output().await;
        let ended = ended.with_context(|| format!("failed to start {}", program.display()))?;
        if !ended.status.success() {
            bail!("promtool failed ({}): {}", ended.status, String::from_utf8_lossy(&ended.stderr).trim());
        }
    } else {
        docker::promtool(work, &arguments).await.context(
            "promtool, which makes the blocks, is not on PATH and did not run in Prometheus' image: install it, or start Docker",
        )?;
    }
    let has_blocks = std::fs::read_dir(work.join(BLOCKS)).is_ok_and(|mut entries| entries.next().is_some());
    if !has_blocks {
        bail!("promtool made no blocks from {SERIES}");
    }
    Ok(())
}
