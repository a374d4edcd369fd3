//! `cargo xtask dashboards diff`: lists the changes of dashboards since a revision, and prints the
//! diff of their JSON.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use perf_report::exit_code::ExitCode;
use perf_report::format::counted;
use perf_report::render::markdown;
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::dashboard_changes::{self, QueryChange};
use crate::host::git;
use crate::host::terminal::print_line;
use crate::host::{files, workspace};
use crate::refusal::refuse;

const FOLDER: &str = "dashboards/json";

/// The subcommands of `cargo xtask dashboards`.
#[derive(Debug, Subcommand)]
pub(crate) enum DashboardsCommand {
    /// List changes of panels, queries and thresholds since a revision
    Diff {
        /// Git revision to compare with
        #[arg(default_value = "HEAD")]
        revision: String,
        /// Print only the list of changes, not the diff of the JSON
        #[arg(long)]
        words: bool,
        /// Print only the list of changes, as Markdown
        #[arg(long, conflicts_with = "words")]
        markdown: bool,
    },
}

pub(crate) fn run(command: DashboardsCommand) -> anyhow::Result<ExitCode> {
    let DashboardsCommand::Diff { revision, words, markdown } = command;
    let shell = git::shell(&workspace::root())?;
    git::commit(&shell, &revision).map_err(refuse)?;
    let now = files_now()?;
    let then = files_then(&shell, &revision)?;
    let mut changes = Vec::new();
    for (name, then, now) in dashboard_changes::pairs(&then, &now) {
        match (then, now) {
            (Some(then), Some(now)) => {
                changes.extend(dashboard_changes::differences(then, now, QueryChange::WithPromql))
            }
            (Some(_), None) => changes.push(format!("dashboard {name} was removed")),
            (None, _) => changes.push(format!("dashboard {name} was added")),
        }
    }
    if markdown {
        print_line(&as_markdown(&changes));
        return Ok(ExitCode::Met);
    }
    if changes.is_empty() {
        print_line(&format!("no dashboard has changed since {revision}"));
        return Ok(ExitCode::Met);
    }
    changes.iter().for_each(|change| print_line(&change.to_string()));
    if !words {
        print_line("");
        cmd!(shell, "git --no-pager diff {revision} -- {FOLDER}").quiet().run()?;
    }
    Ok(ExitCode::Met)
}

fn as_markdown(changes: &[String]) -> String {
    if changes.is_empty() {
        return "## Dashboards\n\nNo dashboard changes.".to_owned();
    }
    let number = counted(changes.len() as u64, "change");
    format!("## Dashboards\n\n{number}:\n{}", markdown::fence(&changes.join("\n")))
}

fn files_now() -> anyhow::Result<BTreeMap<String, Value>> {
    let folder = workspace::root().join(FOLDER);
    let entries = files::list(&folder)?;
    let mut files = BTreeMap::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        files.insert(name.clone(), parse(&name, &files::read(&path)?)?);
    }
    Ok(files)
}

fn files_then(shell: &Shell, revision: &str) -> anyhow::Result<BTreeMap<String, Value>> {
    let listed = cmd!(shell, "git ls-tree --name-only {revision} {FOLDER}/").quiet().read()?;
    let mut files = BTreeMap::new();
    for path in listed.lines() {
        let text = cmd!(shell, "git show {revision}:./{path}").quiet().read()?;
        let name = path.rsplit('/').next().unwrap_or(path);
        files.insert(name.to_owned(), parse(name, &text)?);
    }
    Ok(files)
}

fn parse(name: &str, text: &str) -> anyhow::Result<Value> {
    let value: Value = serde_json::from_str(text).with_context(|| format!("{FOLDER}/{name} is not JSON"))?;
    if !value["panels"].is_array() {
        bail!("{FOLDER}/{name} is not a dashboard: it has no panels");
    }
    Ok(value)
}
