//! Any JSON for a report, a baseline among them: pages are made of it, the same each time, and nothing in them steers a terminal.

#![no_main]

use libfuzzer_sys::fuzz_target;
use perf_report::read::read_report;
use perf_report::render::{files, terminal};

fuzz_target!(|text: &str| {
    let Ok(report) = read_report(text) else { return };
    let drawn = terminal::render_run(&report, false);
    assert!(!drawn.contains('\u{1b}'));
    // What cannot be written as XML is an error and no panic.
    if let (Ok(one), Ok(other)) = (files::run_files(&report, None), files::run_files(&report, None)) {
        assert_eq!(one, other);
        assert!(one.iter().all(|(_, text)| !text.contains('\u{1b}')));
    }
});
