//! `cargo xtask comment`: writes one comment on a GitHub pull request, and updates it later.
//!
//! A workflow of a fork may not write comments. The command then prints that and succeeds, since
//! the job's page has the same summary. (<https://docs.github.com/rest/issues/comments>)

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;
use perf_report::exit_code::ExitCode;
use perf_report::render::files::MARKDOWN;
use serde_json::{Value, json};
use url::Url;

use crate::host::terminal::print_line;
use crate::host::{files, http, workspace};

/// Limit on the characters of a comment; GitHub's own is 65,536.
const MOST: usize = 65_000;
/// Comments on a page of GitHub's API.
const PAGE: usize = 100;
/// Limit on the pages that are searched for the comment.
const PAGES: usize = 10;

/// The text of the comment, and its topic.
#[derive(Debug, clap::Args)]
pub(crate) struct CommentArgs {
    /// Markdown file [default: the newest summary.md]
    ///
    /// The default is the newest summary of a run or a comparison in target/perf.
    file: Option<PathBuf>,
    /// Name that identifies the comment to update
    #[arg(long, default_value = "perf")]
    topic: String,
}

struct PullRequest {
    api: Url,
    repository: String,
    pull_request: u64,
    token: String,
}

pub(crate) async fn run(args: &CommentArgs) -> anyhow::Result<ExitCode> {
    let Some(pull_request) = find_pull_request()? else {
        print_line("no comment: this is not a workflow of a pull request, or GITHUB_TOKEN is not set");
        return Ok(ExitCode::Met);
    };
    let Some(file) = args.file.clone().or_else(|| newest(&workspace::state_folder())) else {
        print_line(&format!("no comment: {} has no {MARKDOWN} of a run", workspace::state_folder().display()));
        return Ok(ExitCode::Met);
    };
    let text = files::read(&file)?;
    print_line(&pull_request.comment(&args.topic, &text).await?);
    Ok(ExitCode::Met)
}

/// The pull request, from the variables of a GitHub workflow;
/// `None` outside of a pull request's workflow.
fn find_pull_request() -> anyhow::Result<Option<PullRequest>> {
    let (Some(event), Some(repository), Some(token)) =
        (workspace::var("GITHUB_EVENT_PATH"), workspace::var("GITHUB_REPOSITORY"), workspace::var("GITHUB_TOKEN"))
    else {
        return Ok(None);
    };
    let api = workspace::var("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".to_owned());
    let text = fs::read_to_string(&event).with_context(|| format!("failed to read {event} (GITHUB_EVENT_PATH)"))?;
    let event: Value =
        serde_json::from_str(&text).with_context(|| format!("{event} (GITHUB_EVENT_PATH) is not JSON"))?;
    let Some(pull_request) = event.pointer("/pull_request/number").and_then(Value::as_u64) else { return Ok(None) };
    Ok(Some(PullRequest {
        api: Url::parse(&api).with_context(|| format!("GITHUB_API_URL is not a URL: {api:?}"))?,
        repository,
        pull_request,
        token,
    }))
}

/// The newest summary of a run in a folder.
fn newest(folder: &Path) -> Option<PathBuf> {
    let runs = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path().join(MARKDOWN));
    let written = |path: &PathBuf| path.metadata().and_then(|file| file.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    runs.filter(|path| path.is_file()).max_by_key(written)
}

/// The HTML comment that identifies a comment of a topic. GitHub does not show it.
fn marker(topic: &str) -> String {
    let word: String = topic.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    format!("<!-- cargo xtask comment: {word} -->")
}

/// Cuts a text to the length that GitHub accepts.
fn truncate(text: &str) -> String {
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}\n\n… see the job's page for the rest.\n", &text[..at]),
        None => text.to_owned(),
    }
}

impl PullRequest {
    /// Writes or updates the comment of a topic. Returns the outcome as a line to print.
    async fn comment(&self, topic: &str, text: &str) -> anyhow::Result<String> {
        let client = http::client(&self.api)?;
        let marker = marker(topic);
        let body = json!({ "body": format!("{marker}\n{}", truncate(text)) });
        let base = self.api.as_str().trim_end_matches('/');
        let issues = format!("{base}/repos/{}/issues", self.repository);
        let request = |request: reqwest::RequestBuilder| {
            let request = request.bearer_auth(&self.token).header("accept", "application/vnd.github+json");
            // GitHub rejects requests without a user agent.
            request.header("user-agent", concat!("perf-xtask/", env!("CARGO_PKG_VERSION")))
        };
        let mut found = None;
        for page in 1..=PAGES {
            let url = format!("{issues}/{}/comments?per_page={PAGE}&page={page}", self.pull_request);
            let response = request(client.get(url)).send().await.context("failed to ask GitHub for comments")?;
            if let Some(refusal) = describe_refusal(response.status()) {
                return Ok(refusal);
            }
            let comments: Vec<Value> = response.json().await.context("GitHub's response is not a list of comments")?;
            let is_own = |comment: &&Value| comment["body"].as_str().is_some_and(|body| body.starts_with(&marker));
            found = comments.iter().find(is_own).and_then(|comment| comment["id"].as_u64());
            if found.is_some() || comments.len() < PAGE {
                break;
            }
        }
        let response = match found {
            Some(id) => request(client.patch(format!("{issues}/comments/{id}"))).json(&body).send().await,
            None => request(client.post(format!("{issues}/{}/comments", self.pull_request))).json(&body).send().await,
        };
        let status = response.context("failed to send the comment to GitHub")?.status();
        let done = if found.is_some() { "updated the comment" } else { "commented" };
        Ok(describe_refusal(status).unwrap_or_else(|| format!("{done} on pull request {}", self.pull_request)))
    }
}

/// The reason why GitHub did not accept the comment; `None` for success.
///
/// A refusal does not fail the command. GitHub responds 401 to an invalid token, 403 to a token
/// that may not write, and 404 to a token that may not read.
fn describe_refusal(status: reqwest::StatusCode) -> Option<String> {
    match status.as_u16() {
        _ if status.is_success() => None,
        401 | 403 | 404 => Some(format!(
            "no comment: this workflow may not write to the pull request ({status}): give it pull-requests: write (not possible for forks)"
        )),
        _ => Some(format!("no comment: GitHub responded {status}")),
    }
}

#[cfg(test)]
mod tests;
