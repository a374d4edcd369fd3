//! Basic authentication (RFC 7617) of each user of a file. If all requests have one user, the
//! target's URL can have it: `PERF_TARGET=http://USER:PASSWORD@HOST`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use perf_report::exit_code::ExitCode;
use perf_tests::data::Feeder;
use perf_tests::{Scenario, ScenarioResult, Vu, per_vu_iterations};
use serde::Deserialize;

use super::super::code;
use super::token_server::TokenServer;
use super::{DOCUMENTS, READ, assert_no_secret, secret_file, settings};

#[derive(Deserialize)]
struct User {
    name: String,
    password: String,
}

async fn read(vu: &mut Vu, users: &Feeder) -> anyhow::Result<()> {
    let User { name, password } = vu.row(users)?;
    let basic = format!("Basic {}", STANDARD.encode(format!("{name}:{password}")));
    vu.request(READ).path("id", 7).header("authorization", &basic).send().await?;
    Ok(())
}

fn run(users: &str, testid: &str) -> ScenarioResult {
    let (server, users) = (TokenServer::start(60), secret_file(&format!("{testid}.csv"), users));
    let settings = settings(&server.url, testid);
    let finished = Scenario::new("basic", &DOCUMENTS)
        .exercises(&[READ])
        .load(per_vu_iterations(2, 20))
        .setup(async move |_: &mut Vu| Ok(Feeder::open(&users)?.cycle()))
        .run_with(settings.clone(), read);
    assert_no_secret(&settings);
    finished
}

#[test]
fn each_user_of_a_file_logs_in_with_basic_authentication() {
    let finished = run("name,password\nada,hunter2-ä:a\nbob,hunter2-b", "auth-basic-1");
    let report = finished.report().unwrap();
    assert_eq!((code(&finished), report.requests.failed), (ExitCode::Met, 0), "{:?}", report.failures);
    let refused = run("name,password\nada,hunter2-ä:a\nbob,hunter2-x", "auth-basic-2");
    let report = refused.report().unwrap();
    assert_eq!((code(&refused), report.requests.sent, report.requests.failed), (ExitCode::Missed, 40, 20));
    assert_eq!(report.failures[0].detail.status(), Some(401));
}
