//! Tests of `comment`.

use std::sync::mpsc;

use test_support::fake_server;

use super::*;

/// A GitHub with these comments, which responds to changes
/// with `status`. Returns the requests it gets.
fn github(comments: &'static str, status: &'static str) -> (PullRequest, mpsc::Receiver<String>) {
    let (sender, requests) = mpsc::channel();
    let url = fake_server::respond(move |request| {
        let _ = sender.send(request.to_owned());
        let (status, body) = if request.starts_with("GET") { ("200 OK", comments) } else { (status, "{}") };
        (status, body.to_owned())
    });
    let api = Url::parse(&format!("{url}/api/v3")).unwrap();
    (PullRequest { api, repository: "o/r".to_owned(), pull_request: 7, token: "t".to_owned() }, requests)
}

#[tokio::test]
async fn a_comment_is_written_once_and_then_updated() {
    let (pull_request, requests) = github(r#"[{"id":1,"body":"hello"}]"#, "201 Created");
    assert_eq!(pull_request.comment("gate", "## fine").await.unwrap(), "commented on pull request 7");
    assert!(requests.recv().unwrap().starts_with("GET /api/v3/repos/o/r/issues/7/comments?per_page=100&page=1"));
    let posted = requests.recv().unwrap();
    assert!(posted.starts_with("POST /api/v3/repos/o/r/issues/7/comments"), "{posted}");
    assert!(posted.contains("Bearer t"), "{posted}");
    let own = r#"[{"id":1,"body":"hello"},{"id":5,"body":"<!-- cargo xtask comment: gate -->\nold"}]"#;
    let (pull_request, requests) = github(own, "200 OK");
    assert_eq!(pull_request.comment("gate", "## fine").await.unwrap(), "updated the comment on pull request 7");
    assert!(requests.into_iter().take(2).last().unwrap().starts_with("PATCH /api/v3/repos/o/r/issues/comments/5"));
    let (pull_request, requests) = github(own, "201 Created");
    pull_request.comment("dashboards", "## fine").await.unwrap();
    assert!(requests.into_iter().take(2).last().unwrap().starts_with("POST"), "each topic has its own comment");
}

#[tokio::test]
async fn a_refused_comment_is_reported_and_fails_nothing() {
    let (pull_request, _requests) = github("[]", "403 Forbidden");
    let line = pull_request.comment("gate", "## fine").await.unwrap();
    assert!(line.contains("pull-requests: write"), "{line}");
    let (pull_request, _requests) = github("[]", "500 Internal Server Error");
    let line = pull_request.comment("gate", "## fine").await.unwrap();
    assert!(line.contains("no comment: GitHub responded 500"), "{line}");
}

#[test]
fn a_long_comment_is_truncated() {
    assert_eq!(truncate("short"), "short");
    let long = truncate(&"ä".repeat(70_000));
    assert!(long.chars().count() < 65_100 && long.contains("the job's page"));
}
