//! The terminal text of common situations, at 80 and 120 columns. The first line tells the cause.
//!
//! Each file in `situations/` is what a run wrote, without its line breaks inside a key. The runs
//! are these, with `P` for the stub backend's port, and `--delay` and `--errors` given to it:
//!
//! | situation | command |
//! |---|---|
//! | met | `cargo xtask perf -d 10s --target http://127.0.0.1:P` |
//! | missed | the same, `--delay get_game_data=650ms` |
//! | several missed | the same, `--delay get_state=300ms --errors get_news=40%` |
//! | too few | `cargo xtask perf -u 1 -i 12 --target http://127.0.0.1:P` |
//! | interrupted | `-d 40s`, and Ctrl-C after 20 s |
//! | store gone | `-d 20s`, and Prometheus killed after 10 s |
//! | regressed | `-d 25s -u 20`, then again with `--delay get_news=20ms` and `--baseline` |
//! | failed setup | `python3 -m http.server P` as the target |
//! | without routes | a target that opens a room and answers 404 to all else |

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]

use std::fs;
use std::path::Path;

use perf_report::headline::Headline;
use perf_report::read::{read_comparison, read_report};
use perf_report::render::terminal::{RunResult, TerminalStyle, render_result};

/// Texts of a situation at both widths, from its report and, if it has them, proof and comparison.
fn texts(situation: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/situations");
    let read = |suffix: &str| fs::read_to_string(folder.join(format!("{situation}{suffix}")));
    let report = read_report(&read(".json").unwrap()).unwrap();
    let proof = read("_proof.txt").ok();
    let comparison = read("_comparison.json").ok().map(|text| read_comparison(&text).unwrap());
    let result = RunResult {
        report: &report,
        proof: proof.as_deref().map(str::trim_end),
        compared: comparison.as_ref(),
        dashboard: Some("http://localhost:3001/d/stock-ai-multiplayer"),
        html: "target/perf/20261129-basic/report.html",
    };
    let verdict = Headline::new(&report).verdict;
    let texts = [80, 120].map(|width| {
        let text = render_result(&result, TerminalStyle { width, ..TerminalStyle::PLAIN });
        let text = format!("{}\n{verdict}", text.trim_start());
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= width, "a line has {widest} of {width} columns:\n{text}");
        format!("{}\n{text}", "-".repeat(width))
    });
    texts.join("\n\n")
}

#[test]
fn a_met_run() {
    insta::assert_snapshot!(texts("met"));
}

#[test]
fn a_missed_objective() {
    insta::assert_snapshot!(texts("missed"));
}

#[test]
fn several_missed_objectives() {
    insta::assert_snapshot!(texts("several_missed"));
}

#[test]
fn too_few_requests() {
    insta::assert_snapshot!(texts("too_few"));
}

#[test]
fn a_failed_setup() {
    insta::assert_snapshot!(texts("failed_setup"));
}

#[test]
fn a_target_without_the_routes() {
    insta::assert_snapshot!(texts("without_routes"));
}

#[test]
fn a_store_that_is_gone() {
    insta::assert_snapshot!(texts("store_gone"));
}

#[test]
fn an_interrupted_run() {
    insta::assert_snapshot!(texts("interrupted"));
}

#[test]
fn a_regressed_run() {
    insta::assert_snapshot!(texts("regressed"));
}
