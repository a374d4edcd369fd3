//! Nouns beside counts: one is singular.

use perf_report::read::read_report;
use perf_report::render::files::run_files;
use perf_report::render::terminal::{TerminalStyle, render_run};
use serde_json::Value;

/// Fields of a report that count something.
const COUNTS: [&str; 15] = [
    "accepted",
    "completed",
    "count",
    "dropped",
    "failed",
    "good",
    "iterations",
    "planned_vus",
    "requests",
    "sent",
    "started",
    "total",
    "unknown",
    "vus",
    "workers",
];

/// Sets all counts that are not 0 to 1.
fn set_to_one(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(set_to_one),
        Value::Object(fields) => {
            for (name, field) in fields {
                match field.as_u64() {
                    Some(1..) if COUNTS.contains(&name.as_str()) => *field = 1.into(),
                    _ => set_to_one(field),
                }
            }
        }
        _ => {}
    }
}

/// Plural words after the number 1, such as "1 requests".
fn wrong_plurals(text: &str) -> Vec<String> {
    let words: Vec<_> = text.split([' ', '\n', '>', '<', '(']).collect();
    let is_plural = |word: &str| {
        let word = word.trim_end_matches([',', ';', '.', ':', ')']);
        word.len() > 2 && word.ends_with('s') && word != "was" && word.chars().all(char::is_alphabetic) && word != "ms"
    };
    let pairs = words.windows(2).filter(|pair| pair[0] == "1" && is_plural(pair[1]));
    pairs.map(|pair| pair.join(" ")).collect()
}

#[test]
fn a_report_of_one_request_has_no_wrong_plural() {
    for situation in ["met", "missed", "several_missed", "store_gone", "too_few", "without_routes"] {
        let mut json = serde_json::from_str(&test_support::situation(situation, "").unwrap()).unwrap();
        set_to_one(&mut json);
        let report = read_report(&json.to_string()).unwrap();
        let terminal = render_run(&report, TerminalStyle::PLAIN);
        assert!(terminal.contains("1 request, "), "{terminal}");
        let texts = run_files(&report, None).unwrap().into_iter().map(|(_, text)| text).chain([terminal]);
        for text in texts {
            assert_eq!(wrong_plurals(&text), [""; 0], "{situation}: {text}");
        }
    }
}

#[test]
fn a_plural_after_one_is_found() {
    assert_eq!(wrong_plurals("<b>1 requests</b>, 21 requests, 1 request, 1 was late"), ["1 requests"]);
}
