//! The table of faults, `xtask/FAULTS.md`: written from the rows that were seen to hold, and held against those that are seen again.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};

use crate::{files, workspace};

const TABLE: &str = "xtask/FAULTS.md";
const HEAD: &str = "\
# What a run comes to when something breaks

Each row is a test against the real thing (`xtask/tests/it/matrix/`): a Prometheus on loopback, the stand-in, and `cargo xtask perf`, or
a scenario that panics where it is told to. This file is written by
`cargo xtask ci --full`, from the rows that it saw to hold; `cargo xtask ci` runs one of each class and holds it against this.

*counted*: whether the store has every request that was sent. *left*: processes, files and data that are there when the command has ended.
*within*: how long the command may take in all, its load included. An empty cell under *says* is a fault that costs nothing, and so nothing is said.

| class | fault | exit code | says | counted | left | within |
|---|---|---|---|---|---|---|
";

/// Where tests leave their rows.
fn rows() -> PathBuf {
    workspace::target().join("tmp/fault-rows")
}

/// Forgets rows of earlier tests.
pub(super) fn forget() -> anyhow::Result<()> {
    let rows = rows();
    files::remove_folder(&rows)?;
    Ok(())
}

fn seen() -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(rows()).context("no row of the fault matrix was seen")?;
    let read = |entry: std::io::Result<fs::DirEntry>| Ok(fs::read_to_string(entry?.path())?);
    let mut seen = entries.map(read).collect::<anyhow::Result<Vec<_>>>()?;
    seen.sort_unstable();
    Ok(seen)
}

/// Writes the table from all rows.
pub(super) fn write() -> anyhow::Result<()> {
    let text = HEAD.to_owned() + &seen()?.concat();
    fs::write(workspace::root().join(TABLE), text).with_context(|| format!("failed to write {TABLE}"))
}

/// Fails if a row that was seen is not in the table.
pub(super) fn check() -> anyhow::Result<()> {
    let table = fs::read_to_string(workspace::root().join(TABLE)).with_context(|| format!("failed to read {TABLE}"))?;
    for row in seen()? {
        ensure!(table.contains(&row), "{TABLE} does not have this row: run cargo xtask ci --full\n{row}");
    }
    Ok(())
}
