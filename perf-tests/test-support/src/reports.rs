//! Reports of real runs, as fixtures.

#![expect(clippy::expect_used, reason = "a helper that fails fails the test")]

use std::fs;
use std::path::{Path, PathBuf};

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
    read_report(&report_text(name)).expect("the file is a report")
}

/// The text of a file in `reports/`.
pub fn report_text(name: &str) -> String {
    fs::read_to_string(path(name)).expect("the file exists")
}

/// The text of the report of a situation, such as "missed"; with the suffix `_comparison`, of its
/// comparison. `None` if the situation has none.
///
/// Each report is from a run, without its line breaks inside a key. The runs are these, with `P`
/// for the stub backend's port, and `--delay` and `--errors` given to it:
///
/// | situation | command |
/// |---|---|
/// | met | `cargo xtask perf -d 10s --target http://127.0.0.1:P` |
/// | missed | the same, `--delay get_game_data=650ms` |
/// | several missed | the same, `--delay get_state=300ms --errors get_news=40%` |
/// | too few | `cargo xtask perf -u 1 -i 12 --target http://127.0.0.1:P` |
/// | interrupted | `-d 40s`, and Ctrl-C after 20 s |
/// | store gone | `-d 20s`, and Prometheus killed after 10 s |
/// | regressed | `-d 25s -u 20`, then again with `--delay get_news=20ms` and `--baseline` |
/// | failed setup | `python3 -m http.server P` as the target |
/// | without routes | a target that opens a room and responds with 404 to all else |
pub fn situation(name: &str, suffix: &str) -> Option<String> {
    fs::read_to_string(path(&format!("situations/{name}{suffix}.json"))).ok()
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("reports").join(name)
}
