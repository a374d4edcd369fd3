//! Tables that are made from the rows of passed tests: `xtask/FAULTS.md` and `xtask/TESTED.md`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};

use crate::host::{files, workspace};

const FAULT_HEAD: &str = "\
# How a run ends when something breaks

With this page you can look up what a fault costs: the exit code, the message, and whether a request
was lost.

Each row is a test with real programs ([`tests/it/matrix/`](tests/it/matrix/)). The programs are a
Prometheus on loopback, the stub backend, and `cargo xtask perf` or a scenario that panics.
`cargo xtask ci --full` runs all rows and writes this file from those that pass. `cargo xtask ci`
runs some rows of each class and compares them with this file.

- *message*: part of the command's output. It is empty for a fault that has no effect.
- *counted*: \"= sent\" if the store has every request that was sent, \"–\" if that is not compared.
- *left*: processes, files and data that remain when the command has ended.
- *within*: the longest time that the command may take, its load included.

For agents, the network is cut in a network namespace. Messages are delayed by a relay on loopback.
An agent that keeps shared iterations, a wrong plan and wrong counts are tested without a store, in
`cargo test`.

| class | fault | exit code | message | counted | left | within |
|---|---|---|---|---|---|---|
";

const STORE_HEAD: &str = "\
# Stores and backends that are tested

With this page you can see which stores and backends a run works with, and how that is known.

Each row is a test with `cargo xtask perf` on loopback. `cargo xtask ci` runs all of them, and fails
if this file differs from what they found.

## Stores

- *push to*: the path for `K6_PROMETHEUS_RW_SERVER_URL`.
- *queries at*: the path for `--prometheus-url`.
- *tested*: \"run\" is a test with the program itself. \"imitated\" is a test with a small server in
  front of Prometheus ([`imitation.rs`](tests/it/stores/imitation.rs)). It behaves as the store's
  documents and sources say.
- *counted*: whether the store has every request that was sent.

| store | push to | queries at | it needs | tested | exit code | counted |
|---|---|---|---|---|---|---|
";

const BACKEND_HEAD: &str = "
1. Its responses are 30 s old, unless a query has `nocache=1` and `latency_offset`. Every query of a
   run has both. A run waits up to 45 s for a store that is late for another reason.
2. `K6_PROMETHEUS_RW_HTTP_HEADERS=X-Scope-OrgID:TENANT`

A real Mimir (commit `aced80d74930`, one process, files on disk) was tried by hand. The exit code
was 0, and Mimir had every request. Without a tenant, the run ended before the load and named the
setting.

## Backends

Each backend is a service with the usual metrics library of its language, or nginx in front of a
service. It is run with the default mapping, and with the mapping that
`cargo xtask stack doctor --target URL` finds. For nginx, the URL is that of its exporter.

- *delivery*: whether the proof compared the requests that the backend counted: by endpoint, in
  total, or not at all.
- *two clocks*: whether the backend's durations were compared.

| backend | library | mapping | exit code | delivery | two clocks |
|---|---|---|---|---|---|
";

const END: &str = "
The names of these mappings:
[../monitoring/BACKEND_METRICS.md](../monitoring/BACKEND_METRICS.md#if-the-names-differ)
";

/// A document of tables.
pub(super) struct TestedDocument {
    path: &'static str,
    tables: &'static [Table],
    end: &'static str,
}

struct Table {
    /// The text before the rows.
    head: &'static str,
    /// The folder in which each passed test writes its row.
    rows: &'static str,
}

/// The faults. Only `cargo xtask ci --full` runs all of them.
pub(super) const FAULTS: TestedDocument =
    TestedDocument { path: "xtask/FAULTS.md", tables: &[Table { head: FAULT_HEAD, rows: "fault-rows" }], end: "" };

/// The stores and backends. Every `cargo xtask ci` runs all of them.
pub(super) const STORES_AND_BACKENDS: TestedDocument = TestedDocument {
    path: "xtask/TESTED.md",
    tables: &[Table { head: STORE_HEAD, rows: "store-rows" }, Table { head: BACKEND_HEAD, rows: "backend-rows" }],
    end: END,
};

impl Table {
    fn folder(&self) -> PathBuf {
        workspace::target().join("tmp").join(self.rows)
    }

    fn read_rows(&self) -> anyhow::Result<Vec<String>> {
        let entries = fs::read_dir(self.folder()).with_context(|| format!("no test wrote {}", self.rows))?;
        let read = |entry: std::io::Result<fs::DirEntry>| Ok(fs::read_to_string(entry?.path())?);
        let mut rows = entries.map(read).collect::<anyhow::Result<Vec<_>>>()?;
        rows.sort_unstable();
        Ok(rows)
    }
}

impl TestedDocument {
    pub(super) fn remove_rows(&self) -> anyhow::Result<()> {
        self.tables.iter().try_for_each(|table| files::remove_folder(&table.folder()))
    }

    /// The text, with the rows of all passed tests.
    fn text(&self) -> anyhow::Result<String> {
        let mut text = String::new();
        for table in self.tables {
            text += table.head;
            text += &table.read_rows()?.concat();
        }
        Ok(text + self.end)
    }

    fn committed(&self) -> anyhow::Result<String> {
        fs::read_to_string(workspace::root().join(self.path)).with_context(|| format!("failed to read {}", self.path))
    }

    pub(super) fn write(&self) -> anyhow::Result<()> {
        let path = self.path;
        fs::write(workspace::root().join(path), self.text()?).with_context(|| format!("failed to write {path}"))
    }

    /// Fails if the row of a passed test is not in the document.
    pub(super) fn check_rows(&self) -> anyhow::Result<()> {
        let committed = self.committed()?;
        for table in self.tables {
            for row in table.read_rows()? {
                ensure!(
                    committed.contains(&row),
                    "{} does not have this row: run cargo xtask ci --full\n{row}",
                    self.path
                );
            }
        }
        Ok(())
    }

    /// Fails if the document differs from one with the rows of all passed tests, after writing that
    /// one.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if self.committed().is_ok_and(|committed| self.text().is_ok_and(|text| text == committed)) {
            return Ok(());
        }
        self.write()?;
        bail!("{} did not show what the tests found, and was written again: commit the change", self.path)
    }
}

#[cfg(test)]
mod tests;
