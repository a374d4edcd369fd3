//! `cargo xtask dashboards diff`: what changed in the dashboards since a revision, in words, and then as JSON.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use perf_report::exit_code::ExitCode;
use perf_report::render::markdown;
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::terminal::refuse;
use crate::{dashboard_changes, files, workspace};

const FOLDER: &str = "dashboards/json";

/// What to do with dashboards.
#[derive(Debug, Subcommand)]
pub(crate) enum DashboardsCommand {
    /// Say what changed since a revision: panels, queries, thresholds, places
    Diff {
        /// The revision to compare with
        #[arg(default_value = "HEAD")]
        revision: String,
        /// Only the words, without the JSON
        #[arg(long)]
        words: bool,
        /// Only the words, as Markdown
        #[arg(long, conflicts_with = "words")]
        markdown: bool,
    },
}

/// Runs the command.
pub(crate) fn run(command: DashboardsCommand) -> anyhow::Result<ExitCode> {
    let DashboardsCommand::Diff { revision, words, markdown } = command;
    let shell = Shell::new()?;
    shell.change_dir(workspace::root());
    let commit = format!("{revision}^{{commit}}");
    if cmd!(shell, "git rev-parse --verify --quiet {commit}").quiet().ignore_stderr().read().is_err() {
        let why = format!("there is no revision {revision:?} here (a shallow clone has few: git fetch --unshallow)");
        return Ok(refuse(why));
    }
    let now = files_now()?;
    let then = files_then(&shell, &revision)?;
    let mut changes = Vec::new();
    for (name, then, now) in dashboard_changes::pairs(&then, &now) {
        match (then, now) {
            (Some(then), Some(now)) => changes.extend(dashboard_changes::differences(then, now)),
            (Some(_), None) => changes.push(format!("dashboard {name} is gone")),
            (None, _) => changes.push(format!("dashboard {name} is new")),
        }
    }
    if markdown {
        println!("{}", as_markdown(&changes));
        return Ok(ExitCode::Met);
    }
    if changes.is_empty() {
        println!("no dashboard differs from {revision}");
        return Ok(ExitCode::Met);
    }
    changes.iter().for_each(|change| println!("{change}"));
    if !words {
        println!();
        cmd!(shell, "git --no-pager diff {revision} -- {FOLDER}").quiet().run()?;
    }
    Ok(ExitCode::Met)
}

/// Words for a page that shows Markdown.
fn as_markdown(changes: &[String]) -> String {
    if changes.is_empty() {
        return "## Dashboards\n\nNo dashboard changes.".to_owned();
    }
    format!("## Dashboards\n\n{} changes:\n{}", changes.len(), markdown::fence(&changes.join("\n")))
}

fn files_now() -> anyhow::Result<BTreeMap<String, Value>> {
    let folder = workspace::root().join(FOLDER);
    let entries = files::list(&folder)?;
    let mut files = BTreeMap::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        files.insert(name.clone(), parsed(&name, &std::fs::read_to_string(&path)?)?);
    }
    Ok(files)
}

fn files_then(shell: &Shell, revision: &str) -> anyhow::Result<BTreeMap<String, Value>> {
    let listed = cmd!(shell, "git ls-tree --name-only {revision} {FOLDER}/").quiet().read()?;
    let mut files = BTreeMap::new();
    for path in listed.lines() {
        let text = cmd!(shell, "git show {revision}:./{path}").quiet().read()?;
        let name = path.rsplit('/').next().unwrap_or(path);
        files.insert(name.to_owned(), parsed(name, &text)?);
    }
    Ok(files)
}

fn parsed(name: &str, text: &str) -> anyhow::Result<Value> {
    let value: Value = serde_json::from_str(text).with_context(|| format!("{name} is no JSON"))?;
    if !value["panels"].is_array() {
        bail!("{name} is no dashboard: it has no panels");
    }
    Ok(value)
}
