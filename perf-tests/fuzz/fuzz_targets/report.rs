//! Any JSON for a report, a baseline among them: pages are made of it, the same each time, and nothing in them steers a terminal.

#![no_main]

use libfuzzer_sys::fuzz_target;
use perf_report::Report;
use monitoring::sanitize::sanitize_json;
use perf_report::render::{files, terminal};

fuzz_target!(|data: &[u8]| {
    let Ok(mut json) = serde_json::from_slice(data) else { return };
    sanitize_json(&mut json);
    let Ok(report) = serde_json::from_value::<Report>(json) else { return };
    let drawn = terminal::render(&report, false);
    assert!(!drawn.contains('\u{1b}'));
    // What cannot be written as XML is an error and no panic.
    if let (Ok(one), Ok(other)) = (files::of_run(&report, None), files::of_run(&report, None)) {
        assert_eq!(one, other);
        assert!(one.iter().all(|(_, text)| !text.contains('\u{1b}')));
    }
});
