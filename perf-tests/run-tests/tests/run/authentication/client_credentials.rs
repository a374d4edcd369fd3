//! OAuth 2.0 with client credentials (RFC 6749, section 4.4): a program has a token of its own.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use perf_report::exit_code::ExitCode;
use perf_tests::data::{Secret, SharedToken, Token};
use perf_tests::{Scenario, ScenarioResult, Vu, per_vu_iterations};
use serde::{Deserialize, Serialize};
use url::form_urlencoded::byte_serialize;

use super::super::code;
use super::token_server::TokenServer;
use super::{DOCUMENTS, READ, TOKEN, assert_no_secret, secret_file, settings};

#[derive(Serialize, Deserialize)]
struct Client {
    secret: Secret,
    token: SharedToken,
}

#[derive(Deserialize)]
struct Issued {
    access_token: String,
    /// In seconds.
    expires_in: u64,
}

async fn request_token(vu: &mut Vu, secret: &Secret) -> anyhow::Result<Token> {
    // Both are form-encoded before they are basic credentials (section 2.3.1).
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let credentials = format!("{}:{}", encoded("load test"), encoded(secret.expose()));
    let basic = format!("Basic {}", STANDARD.encode(credentials));
    let form = [("grant_type", "client_credentials"), ("scope", "read")];
    let request = vu.request(TOKEN).header("authorization", &basic).form(form);
    let Issued { access_token, expires_in } = request.send().await?.json()?;
    Ok(Token::new(&access_token, Duration::from_secs(expires_in)))
}

async fn read(vu: &mut Vu, client: &Client) -> anyhow::Result<()> {
    let token = client.token.get(async || request_token(vu, &client.secret).await).await?;
    let bearer = format!("Bearer {}", token.expose());
    vu.request(READ).path("id", 7).header("authorization", &bearer).send().await?;
    Ok(())
}

fn run(server: &TokenServer, secret: &str, testid: &str) -> ScenarioResult {
    let (settings, file) = (settings(&server.url, testid), secret_file(testid, secret));
    let finished = Scenario::new("program", &DOCUMENTS)
        .exercises(&[READ, TOKEN])
        .load(per_vu_iterations(20, 5))
        .setup(async move |vu: &mut Vu| {
            let client =
                Client { secret: Secret::file(&file)?, token: SharedToken::renewed_before(Duration::from_secs(10)) };
            // With wrong credentials, no load runs.
            client.token.get(async || request_token(vu, &client.secret).await).await?;
            Ok(client)
        })
        .run_with(settings.clone(), read);
    assert_no_secret(&settings);
    finished
}

#[test]
fn all_virtual_users_share_the_token_of_a_program() {
    let server = TokenServer::start(300);
    let finished = run(&server, "hunter2 %:+", "auth-client-1");
    let report = finished.report().unwrap();
    assert_eq!((code(&finished), report.requests.sent, report.requests.failed), (ExitCode::Met, 100, 0));
    assert_eq!((server.issued().len(), report.unjudged.sent), (1, 1));
}

#[test]
fn wrong_client_credentials_prevent_the_load() {
    let server = TokenServer::start(300);
    let finished = run(&server, "hunter2-x", "auth-client-2");
    let report = finished.report().unwrap();
    assert_eq!((code(&finished), report.requests.sent), (ExitCode::Inconclusive, 0));
    let problem = report.problems().next().unwrap();
    assert!(problem.message.contains("setup failed") && problem.message.contains("401"), "{problem:?}");
    assert!(server.issued().is_empty());
}
