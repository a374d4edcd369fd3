//! Rows of a file under a load of several processes.

use std::path::Path;

use perf_report::finding::FindingKind;
use perf_tests::data::Feeder;

use super::super::*;
use super::{AGENTS, Run, bodies};

/// The environment variable with the fixture's file of rows.
const ROWS: &str = "TEST_ROWS";
const ITERATIONS: u64 = 60;

#[derive(serde::Deserialize)]
struct Row {
    id: u64,
}

/// The scenario that the tests here run in processes of its own. Each iteration sends its row.
#[test]
#[ignore = "the other tests here start it as a process"]
#[expect(clippy::disallowed_methods, reason = "the tests choose its file by the environment")]
fn fixture() -> std::process::ExitCode {
    // `cargo xtask ci` runs all ignored tests, and this one without a file.
    let Ok(path) = std::env::var(ROWS) else { return std::process::ExitCode::SUCCESS };
    Scenario::new("rows", &CATALOGUE)
        .exercises(&[ECHO])
        .load(shared_iterations(6, ITERATIONS))
        .setup(async move |_: &mut Vu| Ok(Feeder::open(&path)?.shuffled()))
        .run(async |vu: &mut Vu, rows: &Feeder| {
            let row: Row = vu.row(rows)?;
            let body = serde_json::json!({ "iteration": vu.iteration(), "row": row.id });
            vu.request(ECHO).path("word", row.id).json(&body).send().await?;
            Ok(())
        })
        .assert_slos()
}

/// Runs the fixture over a file with this many rows. Returns its report and the bodies that the
/// service got, sorted.
fn run(rows: u64, agents: Option<usize>) -> (Report, Vec<Vec<u8>>) {
    let name = format!("rows-{rows}-{}", agents.unwrap_or(1));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.csv"));
    let lines: String = (0..rows).map(|row| format!("{row}\n")).collect();
    std::fs::write(&path, format!("id\n{lines}")).unwrap();
    let service = Service::start();
    let agents = agents.map(|agents| agents.to_string());
    let variables: Vec<_> = [(ROWS, path.to_str().unwrap())]
        .into_iter()
        .chain(agents.iter().map(|agents| (perf_settings::AGENTS, agents.as_str())))
        .collect();
    let report = Run::start_fixture("agents::rows::fixture", &service, &name, &variables).finish().unwrap();
    (report, bodies(&service))
}

fn rows_in(bodies: &[Vec<u8>]) -> Vec<u64> {
    let row = |body: &Vec<u8>| serde_json::from_slice::<serde_json::Value>(body).unwrap()["row"].as_u64().unwrap();
    let mut rows: Vec<_> = bodies.iter().map(row).collect();
    rows.sort_unstable();
    rows
}

#[test]
fn agents_take_each_row_once_and_as_one_process_does() {
    let (report, together) = run(ITERATIONS, Some(AGENTS));
    assert_eq!((report.exit_code, report.run.agents.len()), (ExitCode::Met, AGENTS), "{:?}", report.findings);
    assert_eq!(rows_in(&together), (0..ITERATIONS).collect::<Vec<_>>());
    let (report, alone) = run(ITERATIONS, None);
    assert_eq!(report.exit_code, ExitCode::Met, "{:?}", report.findings);
    assert_eq!(together, alone, "an iteration has the same row");
}

#[test]
fn agents_without_enough_rows_make_the_run_inconclusive() {
    let (report, together) = run(50, Some(AGENTS));
    assert_eq!(report.exit_code, ExitCode::Inconclusive, "{:?}", report.findings);
    let findings = &report.findings;
    assert!(findings.iter().any(|it| it.message.contains("all rows (50 rows) of data file")), "{findings:?}");
    assert_eq!(rows_in(&together), (0..50).collect::<Vec<_>>());
    assert!(!report.has(FindingKind::AgentLost), "{:?}", report.findings);
}
