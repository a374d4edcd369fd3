//! Rows of a file in a run: one for each iteration, and what happens once they are taken.

use std::path::PathBuf;
use std::sync::Mutex;

use perf_tests::data::Feeder;
use perf_tests::per_vu_iterations;
use perf_tests::plan::LoadProfile;

use super::*;

#[derive(serde::Deserialize)]
struct Row {
    id: u64,
}

/// A file with this many rows.
fn file(name: &str, rows: u64) -> PathBuf {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let lines: String = (0..rows).map(|row| format!("{row}\n")).collect();
    std::fs::write(&path, format!("id\n{lines}")).unwrap();
    path
}

/// Runs a load over a file, and returns the rows that its iterations had, sorted.
fn run_with_rows(load: LoadProfile, path: PathBuf, testid: &str) -> (ScenarioResult, Vec<u64>) {
    let (service, taken) = (Service::start(), Arc::new(Mutex::new(Vec::new())));
    let shared = taken.clone();
    let finished = Scenario::new("rows", &CATALOGUE)
        .exercises(&[PING])
        .load(load)
        .setup(async move |_: &mut Vu| Ok(Feeder::open(&path)?.shuffled()))
        .run_with(settings(&service, None, testid), async move |vu: &mut Vu, rows: &Feeder| {
            let row: Row = vu.row(rows)?;
            shared.lock().unwrap().push(row.id);
            ping(vu).await
        });
    let mut rows = taken.lock().unwrap().clone();
    rows.sort_unstable();
    (finished, rows)
}

#[test]
fn every_iteration_has_its_own_row() {
    for (load, testid) in [(shared_iterations(4, 40), "rows-1"), (per_vu_iterations(4, 10), "rows-2")] {
        let (finished, rows) = run_with_rows(load, file(&format!("{testid}.csv"), 40), testid);
        assert_eq!(finished.report().unwrap().iterations.failed, 0);
        assert_eq!(rows, (0..40).collect::<Vec<_>>());
    }
}

#[test]
fn every_part_takes_each_row_of_its_own_feeder() {
    let service = Service::start();
    let (few, many) = (file("part-1.csv", 50), file("part-2.csv", 100));
    let taken = Arc::new(Mutex::new([Vec::new(), Vec::new()]));
    let iteration = |part: usize| {
        let taken = taken.clone();
        async move |vu: &mut Vu, feeders: &[Feeder; 2]| {
            let row: Row = vu.row(&feeders[part])?;
            taken.lock().unwrap()[part].push(row.id);
            ping(vu).await
        }
    };
    let finished = Scenario::new("rows", &CATALOGUE)
        .exercises(&[PING])
        .setup(async move |_: &mut Vu| Ok([Feeder::open(&few)?, Feeder::open(&many)?.shuffled()]))
        .part("few", per_vu_iterations(5, 10), iteration(0))
        .part("many", per_vu_iterations(10, 10), iteration(1))
        .run_parts_with(settings(&service, None, "rows-4"));
    assert_eq!(finished.report().unwrap().iterations.failed, 0);
    let mut taken = taken.lock().unwrap().clone();
    taken.iter_mut().for_each(|rows| rows.sort_unstable());
    assert_eq!(taken, [(0..50).collect::<Vec<_>>(), (0..100).collect()]);
}

#[test]
fn a_run_without_enough_rows_is_inconclusive() {
    let (finished, rows) = run_with_rows(shared_iterations(2, 40), file("few.csv", 30), "rows-3");
    assert_eq!((code(&finished), rows), (ExitCode::Inconclusive, (0..30).collect()));
    let findings = &finished.report().unwrap().findings;
    assert!(findings.iter().any(|it| it.message.contains("all rows (30 rows) of data file")), "{findings:?}");
}

/// Its rows are long, so that the file is too large to be kept in memory.
#[test]
fn a_run_whose_rows_change_is_inconclusive() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("changing.csv");
    let rows: String = (0..20).map(|row| format!("{row},{}\n", "x".repeat(1 << 20))).collect();
    std::fs::write(&path, format!("id,text\n{rows}")).unwrap();
    let (service, opened) = (Service::start(), path.clone());
    let finished = Scenario::new("rows", &CATALOGUE)
        .exercises(&[PING])
        .load(shared_iterations(1, 20))
        .setup(async move |_: &mut Vu| Ok(Feeder::open(&opened)?))
        .run_with(settings(&service, None, "rows-9"), async move |vu: &mut Vu, rows: &Feeder| {
            if vu.iteration() == 7 {
                std::fs::File::options().append(true).open(&path)?.set_len(9)?;
            }
            let _: Row = vu.row(rows)?;
            ping(vu).await
        });
    let report = finished.report().unwrap();
    assert_eq!((code(&finished), report.iterations.failed), (ExitCode::Inconclusive, 1));
    let message = &report.problems().next().unwrap().message;
    assert!(message.contains("changing.csv has changed since it was opened: it had 20"), "{message}");
    assert!(message.contains("and has 9 now; do not write to it during a run"), "{message}");
}

#[test]
fn a_data_file_that_cannot_be_used_exits_104() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-such-file.csv");
    let (finished, _) = run_with_rows(shared_iterations(2, 4), path, "rows-8");
    assert_eq!(code(&finished), ExitCode::BadConfiguration);
    let findings = &finished.report().unwrap().findings;
    assert!(findings[0].message.contains("setup failed: data file"), "{findings:?}");
}

#[test]
fn a_vu_stops_once_all_its_rows_were_taken() {
    let loads = [constant_vus(2, Duration::from_secs(10)), per_vu_iterations(2, 40), shared_iterations(2, 40)];
    for (load, testid) in loads.into_iter().zip(["rows-5", "rows-6", "rows-7"]) {
        let (finished, _) = run_with_rows(load, file(&format!("{testid}.csv"), 30), testid);
        assert_eq!(code(&finished), ExitCode::Inconclusive, "{testid}");
        assert_eq!(finished.report().unwrap().iterations.failed, 2, "{testid}");
    }
}
