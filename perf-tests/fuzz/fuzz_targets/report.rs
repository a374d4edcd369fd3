//! Parses any JSON as a report, possibly a baseline. Its pages are the same each time they are
//! rendered and contain no escape sequences for terminals.

#![no_main]

use libfuzzer_sys::fuzz_target;
use perf_report::read::read_report;
use perf_report::render::{files, terminal};

fuzz_target!(|text: &str| {
    let Ok(report) = read_report(text) else { return };
    let drawn = terminal::render_run(&report, terminal::TerminalStyle::PLAIN);
    assert!(!drawn.contains('\u{1b}'));
    // Text that cannot be written as XML causes an error, not a panic.
    if let (Ok(one), Ok(other)) = (files::run_files(&report, None), files::run_files(&report, None)) {
        assert_eq!(one, other);
        assert!(one.iter().all(|(_, text)| !text.contains('\u{1b}')));
    }
});
