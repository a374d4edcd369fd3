//! Any JSON for a report, a baseline among them: pages are made of it, the same each time, and nothing in them steers a terminal.

#![no_main]

use libfuzzer_sys::fuzz_target;
use monitoring::judgement::Report;
use monitoring::plain::plain_json;
use monitoring::{pages, table};

fuzz_target!(|data: &[u8]| {
    let Ok(mut json) = serde_json::from_slice(data) else { return };
    plain_json(&mut json);
    let Ok(report) = serde_json::from_value::<Report>(json) else { return };
    let drawn = table::render(&report, false);
    assert!(!drawn.contains('\u{1b}'));
    // What cannot be written as XML is an error and no panic.
    if let (Ok(one), Ok(other)) = (pages::of_run(&report, None), pages::of_run(&report, None)) {
        assert_eq!(one, other);
        assert!(one.iter().all(|(_, text)| !text.contains('\u{1b}')));
    }
});
