//! Reports of real runs, as fixtures.

#![expect(clippy::expect_used, reason = "a helper that fails fails the test")]

use std::fs;
use std::path::Path;

use perf_report::Report;
use perf_report::read::read_report;

/// The report of a run that met its objectives, without a timeline.
pub fn report() -> Report {
    read("report.json")
}

/// The report of a run with a timeline.
pub fn report_over_time() -> Report {
    read("over_time.json")
}

fn read(name: &str) -> Report {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../monitoring/report/tests").join(name);
    read_report(&fs::read_to_string(path).expect("the file exists")).expect("the file is a report")
}
