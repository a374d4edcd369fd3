//! `cargo xtask comment`: one comment on a pull request of GitHub, which is updated and not repeated.
//!
//! Workflows of forks may not write; then it says so and fails nothing, since the same stands on the job's page.
//! (<https://docs.github.com/rest/issues/comments>)

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;
use perf_report::exit_code::ExitCode;
use perf_report::render::files::MARKDOWN;
use serde_json::{Value, json};
use url::Url;

use crate::{files, http, workspace};

/// GitHub takes no more, <https://docs.github.com/rest/issues/comments>; in characters, which are fewer than bytes.
const MOST: usize = 65_000;
/// Comments on a page, and pages that are looked through.
const PAGE: usize = 100;
const PAGES: usize = 10;

/// What to say, and which comment it is.
#[derive(Debug, clap::Args)]
pub(crate) struct CommentArgs {
    /// A file of Markdown [default: the newest summary.md of a run or a comparison]
    file: Option<PathBuf>,
    /// What tells this comment from others of ours
    #[arg(long, default_value = "perf")]
    topic: String,
}

/// Where a workflow of GitHub runs, and for whom.
struct PullRequest {
    api: Url,
    repository: String,
    pull_request: u64,
    token: String,
}

/// Runs the command.
pub(crate) async fn run(args: &CommentArgs) -> anyhow::Result<ExitCode> {
    let Some(pull_request) = find_pull_request()? else {
        println!("no comment: this is no workflow of a pull request, or it has no GITHUB_TOKEN");
        return Ok(ExitCode::Met);
    };
    let Some(file) = args.file.clone().or_else(|| newest(&workspace::perf())) else {
        println!("no comment: there is no {} of a run", MARKDOWN);
        return Ok(ExitCode::Met);
    };
    let text = files::read(&file)?;
    println!("{}", pull_request.say(&args.topic, &text).await?);
    Ok(ExitCode::Met)
}

/// The pull request, by the variables that every workflow has; none outside of one, and for what is no pull request.
fn find_pull_request() -> anyhow::Result<Option<PullRequest>> {
    let (Some(event), Some(repository), Some(token)) =
        (workspace::var("GITHUB_EVENT_PATH"), workspace::var("GITHUB_REPOSITORY"), workspace::var("GITHUB_TOKEN"))
    else {
        return Ok(None);
    };
    let api = workspace::var("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".to_owned());
    let text = fs::read_to_string(&event).with_context(|| format!("failed to read {event} (GITHUB_EVENT_PATH)"))?;
    let event: Value = serde_json::from_str(&text).context("GITHUB_EVENT_PATH names no JSON")?;
    let Some(pull_request) = event.pointer("/pull_request/number").and_then(Value::as_u64) else { return Ok(None) };
    Ok(Some(PullRequest {
        api: Url::parse(&api).context("GITHUB_API_URL is no URL")?,
        repository,
        pull_request,
        token,
    }))
}

/// The summary that was written last.
fn newest(folder: &Path) -> Option<PathBuf> {
    let runs = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path().join(MARKDOWN));
    let written = |path: &PathBuf| path.metadata().and_then(|file| file.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    runs.filter(|path| path.is_file()).max_by_key(written)
}

/// What tells our comment from others: HTML that nobody sees.
fn marker(topic: &str) -> String {
    let word: String = topic.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    format!("<!-- cargo xtask comment: {word} -->")
}

/// No more than GitHub takes. What is cut off stands on the job's page.
fn fitted(text: &str) -> String {
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}\n\n… the rest is on the job's page.\n", &text[..at]),
        None => text.to_owned(),
    }
}

impl PullRequest {
    /// Writes the comment, or writes it again, and gives what became of it.
    async fn say(&self, topic: &str, text: &str) -> anyhow::Result<String> {
        let client = http::client(&self.api)?;
        let marker = marker(topic);
        let body = json!({ "body": format!("{marker}\n{}", fitted(text)) });
        let base = self.api.as_str().trim_end_matches('/');
        let issues = format!("{base}/repos/{}/issues", self.repository);
        let request = |request: reqwest::RequestBuilder| {
            let request = request.bearer_auth(&self.token).header("accept", "application/vnd.github+json");
            // GitHub refuses who does not say who it is.
            request.header("user-agent", concat!("perf-xtask/", env!("CARGO_PKG_VERSION")))
        };
        let mut found = None;
        for page in 1..=PAGES {
            let url = format!("{issues}/{}/comments?per_page={PAGE}&page={page}", self.pull_request);
            let answer = request(client.get(url)).send().await.context("failed to ask GitHub for comments")?;
            if let Some(why) = why_not(answer.status()) {
                return Ok(why);
            }
            let comments: Vec<Value> = answer.json().await.context("GitHub's comments are none")?;
            let ours = |comment: &&Value| comment["body"].as_str().is_some_and(|body| body.starts_with(&marker));
            found = comments.iter().find(ours).and_then(|comment| comment["id"].as_u64());
            if found.is_some() || comments.len() < PAGE {
                break;
            }
        }
        let answer = match found {
            Some(id) => request(client.patch(format!("{issues}/comments/{id}"))).json(&body).send().await,
            None => request(client.post(format!("{issues}/{}/comments", self.pull_request))).json(&body).send().await,
        };
        let status = answer.context("failed to send the comment")?.status();
        let done = if found.is_some() { "updated the comment" } else { "commented" };
        Ok(why_not(status).unwrap_or_else(|| format!("{done} on pull request {}", self.pull_request)))
    }
}

/// Why there is no comment; none if there is. It is no verdict: whatever GitHub answers, it fails nothing. A token that may not write is
/// answered 403; one that may not even see, 404; and none that is any, 401.
fn why_not(status: reqwest::StatusCode) -> Option<String> {
    match status.as_u16() {
        _ if status.is_success() => None,
        401 | 403 | 404 => Some(format!(
            "no comment: this workflow may not write to the pull request ({status}); it would need pull-requests: write, which forks do not have"
        )),
        _ => Some(format!("no comment: GitHub answered {status}")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use test_support::fake_server;

    use super::*;

    /// A GitHub that has those comments and answers changes with that status. Gives what it was asked.
    fn github(comments: &'static str, status: &'static str) -> (PullRequest, mpsc::Receiver<String>) {
        let (asked, requests) = mpsc::channel();
        let url = fake_server::respond(move |request| {
            let _ = asked.send(request.to_owned());
            let (status, body) = if request.starts_with("GET") { ("200 OK", comments) } else { (status, "{}") };
            (status, body.to_owned())
        });
        let api = Url::parse(&format!("{url}/api/v3")).unwrap();
        (PullRequest { api, repository: "o/r".to_owned(), pull_request: 7, token: "t".to_owned() }, requests)
    }

    #[tokio::test]
    async fn a_comment_is_written_once_and_then_updated() {
        let (pull_request, requests) = github(r#"[{"id":1,"body":"hello"}]"#, "201 Created");
        assert_eq!(pull_request.say("gate", "## fine").await.unwrap(), "commented on pull request 7");
        assert!(requests.recv().unwrap().starts_with("GET /api/v3/repos/o/r/issues/7/comments?per_page=100&page=1"));
        let posted = requests.recv().unwrap();
        assert!(posted.starts_with("POST /api/v3/repos/o/r/issues/7/comments"), "{posted}");
        assert!(posted.contains("Bearer t"), "{posted}");
        let ours = r#"[{"id":1,"body":"hello"},{"id":5,"body":"<!-- cargo xtask comment: gate -->\nold"}]"#;
        let (pull_request, requests) = github(ours, "200 OK");
        assert_eq!(pull_request.say("gate", "## fine").await.unwrap(), "updated the comment on pull request 7");
        assert!(requests.into_iter().take(2).last().unwrap().starts_with("PATCH /api/v3/repos/o/r/issues/comments/5"));
        let (pull_request, requests) = github(ours, "201 Created");
        pull_request.say("dashboards", "## fine").await.unwrap();
        assert!(requests.into_iter().take(2).last().unwrap().starts_with("POST"), "another topic's is another comment");
    }

    #[tokio::test]
    async fn who_may_not_write_is_told_and_nothing_fails() {
        let (pull_request, _requests) = github("[]", "403 Forbidden");
        let said = pull_request.say("gate", "## fine").await.unwrap();
        assert!(said.contains("pull-requests: write"), "{said}");
        let (pull_request, _requests) = github("[]", "500 Internal Server Error");
        let said = pull_request.say("gate", "## fine").await.unwrap();
        assert!(said.contains("no comment: GitHub answered 500"), "{said}");
    }

    #[test]
    fn a_comment_fits() {
        assert_eq!(fitted("short"), "short");
        let long = fitted(&"ä".repeat(70_000));
        assert!(long.chars().count() < 65_100 && long.contains("the job's page"));
    }
}
