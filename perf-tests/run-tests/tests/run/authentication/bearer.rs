//! A bearer token (RFC 6750) that a refresh token renews (RFC 6749, section 6). A person logs in
//! once; all virtual users share the token.

use std::time::Duration;

use monitoring::endpoint::Method;
use perf_report::exit_code::ExitCode;
use perf_tests::data::{Secret, SharedToken, Token};
use perf_tests::plan::LoadProfile;
use perf_tests::{Scenario, ScenarioResult, Vu, constant_vus};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::code;
use super::token_server::TokenServer;
use super::{DOCUMENTS, LOGIN, READ, TOKEN, assert_no_secret, secret_file, settings};

#[derive(Serialize, Deserialize)]
struct Session {
    refresh_token: String,
    token: SharedToken,
}

#[derive(Deserialize)]
struct Login {
    refresh_token: String,
}

#[derive(Deserialize)]
struct Issued {
    access_token: String,
    /// In seconds.
    expires_in: u64,
}

async fn log_in(vu: &mut Vu, password: &Secret) -> anyhow::Result<Session> {
    let person = json!({ "user": "ada", "password": password.expose() });
    let reply = vu.unjudged(Method::Post, "/login").on(LOGIN).json(&person).send().await?;
    let Login { refresh_token } = reply.json()?;
    Ok(Session { refresh_token, token: SharedToken::renewed_before(Duration::from_secs(1)) })
}

async fn renew(vu: &mut Vu, refresh_token: &str) -> anyhow::Result<Token> {
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    let reply = vu.request(TOKEN).form(form).send().await?;
    let Issued { access_token, expires_in } = reply.json()?;
    Ok(Token::new(&access_token, Duration::from_secs(expires_in)))
}

async fn read(vu: &mut Vu, session: &Session) -> anyhow::Result<()> {
    let token = session.token.get(async || renew(vu, &session.refresh_token).await).await?;
    let bearer = format!("Bearer {}", token.expose());
    vu.request(READ).path("id", 7).header("authorization", &bearer).send().await?;
    vu.think(Duration::from_millis(20), Duration::from_millis(40)).await;
    Ok(())
}

fn scenario(load: LoadProfile, testid: &str) -> Scenario<Session> {
    let password = secret_file(testid, "hunter2-ada");
    Scenario::new("bearer", &DOCUMENTS)
        .exercises(&[READ, TOKEN])
        .load(load)
        .setup(async move |vu: &mut Vu| log_in(vu, &Secret::file(&password)?).await)
}

/// Runs the scenario for 5 s with tokens that are valid for 2 s.
fn run(server: &TokenServer, vus: u32, testid: &str) -> ScenarioResult {
    let settings = settings(&server.url, testid);
    let finished = scenario(constant_vus(vus, Duration::from_secs(5)), testid).run_with(settings.clone(), read);
    assert_no_secret(&settings);
    finished
}

#[test]
fn one_virtual_user_renews_the_token_before_it_expires() {
    for (vus, testid) in [(1, "auth-bearer-1"), (30, "auth-bearer-2")] {
        let server = TokenServer::start(2);
        let finished = run(&server, vus, testid);
        let report = finished.report().unwrap();
        assert_eq!((code(&finished), report.requests.failed), (ExitCode::Met, 0), "{vus}: {:?}", report.failures);
        // Each is renewed 1 s before its end, whatever the number of VUs. A busy machine delays the
        // requests of tokens.
        let times = server.issued();
        assert!((3..=6).contains(&times.len()), "{vus}: {times:?}");
        let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(gaps.min().unwrap() > Duration::from_millis(500), "{vus}: {times:?}");
        assert_eq!(server.used(), times.len(), "each token was used");
        assert_eq!((report.endpoints[1].requests.sent, report.unjudged.sent), (times.len() as u64, 1));
    }
}

#[test]
fn a_token_that_expires_during_the_load_makes_the_run_missed() {
    let server = TokenServer::start(2);
    let settings = settings(&server.url, "auth-bearer-3");
    let finished = scenario(constant_vus(2, Duration::from_secs(4)), "auth-bearer-3").run_with(
        settings,
        async |vu: &mut Vu, session: &Session| {
            if vu.iteration() == 0 {
                let token = session.token.get(async || renew(vu, &session.refresh_token).await).await?;
                vu.header("authorization", &format!("Bearer {}", token.expose()));
            }
            vu.request(READ).path("id", 7).send().await?;
            vu.think(Duration::from_millis(20), Duration::from_millis(40)).await;
            Ok(())
        },
    );
    let report = finished.report().unwrap();
    assert_eq!((code(&finished), server.issued().len()), (ExitCode::Missed, 1));
    let [cause] = report.failures.as_slice() else { panic!("one cause: {:?}", report.failures) };
    assert_eq!(cause.detail.status(), Some(401), "{cause:?}");
    assert!(cause.body.contains("the token has expired"), "{cause:?}");
}
