//! The table of faults, `xtask/FAULTS.md`: written from the rows of passed tests, or compared with
//! them.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};

use crate::{files, workspace};

const TABLE: &str = "xtask/FAULTS.md";
const HEAD: &str = "\
# How a run ends when something breaks

With this page you can look up what a fault costs: the exit code, the message, and whether a request
was lost.

Each row is a test with real programs ([`tests/it/matrix/`](tests/it/matrix/)): a Prometheus on
loopback, the stub backend, and `cargo xtask perf` or a scenario that panics at a given place.
`cargo xtask ci --full` runs all rows and writes this file from those that pass. `cargo xtask ci`
runs some rows of each class and compares them with this file.

- *message*: part of the command's output. It is empty for a fault that has no effect.
- *counted*: whether the store has every request that was sent.
- *left*: processes, files and data that remain when the command has ended.
- *within*: the longest time that the command may take, its load included.

| class | fault | exit code | message | counted | left | within |
|---|---|---|---|---|---|---|
";

/// The folder in which each passed test writes its row.
fn rows_folder() -> PathBuf {
    workspace::target().join("tmp/fault-rows")
}

/// Removes the rows of earlier tests.
pub(super) fn remove_rows() -> anyhow::Result<()> {
    files::remove_folder(&rows_folder())
}

fn read_rows() -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(rows_folder()).context("no test of the fault matrix has passed")?;
    let read = |entry: std::io::Result<fs::DirEntry>| Ok(fs::read_to_string(entry?.path())?);
    let mut rows = entries.map(read).collect::<anyhow::Result<Vec<_>>>()?;
    rows.sort_unstable();
    Ok(rows)
}

/// Writes the table from the rows of all passed tests.
pub(super) fn write() -> anyhow::Result<()> {
    let text = HEAD.to_owned() + &read_rows()?.concat();
    fs::write(workspace::root().join(TABLE), text).with_context(|| format!("failed to write {TABLE}"))
}

/// Fails if the row of a passed test is not in the table.
pub(super) fn check() -> anyhow::Result<()> {
    let table = fs::read_to_string(workspace::root().join(TABLE)).with_context(|| format!("failed to read {TABLE}"))?;
    for row in read_rows()? {
        ensure!(table.contains(&row), "{TABLE} does not have this row: run cargo xtask ci --full\n{row}");
    }
    Ok(())
}
