//! Checks that product code does not decide by its own words: types say what something is, and text
//! is made from them once.

use std::collections::BTreeSet;
use std::fs;

use crate::modules::{is_in_name, without_tests};
use crate::real::root;
use crate::structure::files_that_a_fork_keeps;

/// Names of fields, variables and methods with text for people. A name that ends in one of them
/// after `_` counts as well.
const TEXTS: [&str; 17] = [
    "advice",
    "cause",
    "describe()",
    "description",
    "error",
    "explanation",
    "headline",
    "hint",
    "label",
    "message",
    "note",
    "reason",
    "refusal",
    "remedy",
    "summary",
    "warning",
    "why",
];

/// Methods that look into a text.
const SEARCHES: [&str; 11] = [
    ".contains(",
    ".starts_with(",
    ".ends_with(",
    ".strip_",
    ".find(",
    ".split",
    ".rsplit",
    ".trim_start_matches(",
    ".trim_end_matches(",
    ".replace",
    ".eq",
];

/// Methods that return the same text.
const SAME: [&str; 5] = ["()", ".as_str()", ".as_deref()", ".as_ref()", ".to_string()"];

/// Files that read such a text, with the reason.
const ALLOWED: [(&str, &str); 6] = [
    ("monitoring/store/src/response.rs", "the words of Prometheus"),
    ("perf-tests/src/agents/refused_peers.rs", "equal reasons are counted together"),
    ("xtask/src/commands/archive/series.rs", "a label of Prometheus"),
    ("xtask/src/kubernetes/kubectl.rs", "the words of another program"),
    ("xtask/src/kubernetes/pods.rs", "reasons that Kubernetes defines"),
    ("xtask/src/perf/prove/checks/query_tally.rs", "equal lines are printed once"),
];

/// Each place that compares or searches a text.
fn reads(code: &str) -> Vec<String> {
    let code = code.split_whitespace().collect::<Vec<_>>().join(" ").replace(" .", ".");
    let words = TEXTS.iter().flat_map(|text| code.match_indices(text).map(move |(at, _)| (*text, at)));
    let found = words.filter(|(text, at)| is_read(&code[..*at], text, &code[at + text.len()..]));
    found.map(|(text, at)| code[at..].chars().take(text.len() + 40).collect()).collect()
}

/// Whether the code around a word compares or searches the text of this name.
fn is_read(before: &str, text: &str, after: &str) -> bool {
    // The number of a system's error is not text.
    let is_longer = before.ends_with("raw_os_") || (before.ends_with(is_in_name) && !before.ends_with('_'));
    if is_longer || after.starts_with(is_in_name) {
        return false;
    }
    let mut after = after;
    while let Some(rest) = SAME.iter().find_map(|same| after.strip_prefix(same)) {
        after = rest;
    }
    let before = before.trim_end_matches(|c| is_in_name(c) || ".&*".contains(c));
    // A label of Prometheus has a type, and constants of it.
    let of_text = |operand: &str| text != "label" || operand.starts_with('"');
    let is_compared = [" == ", " != "].iter().any(|sign| after.strip_prefix(sign).is_some_and(of_text))
        || (text != "label" && !after.starts_with('.') && ["== ", "!= "].iter().any(|sign| before.ends_with(sign)));
    let is_matched = (before.ends_with("match ") && after.starts_with(" { \""))
        || (before.ends_with("matches!(") && after.starts_with(", \""));
    is_compared || is_matched || SEARCHES.iter().any(|search| after.starts_with(search))
}

#[test]
fn product_code_does_not_decide_by_its_own_words() {
    let mut unused: BTreeSet<_> = ALLOWED.iter().map(|(file, _)| *file).collect();
    let mut found = Vec::new();
    for path in files_that_a_fork_keeps() {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        // Renderers arrange text.
        if name.starts_with("monitoring/report/src/render/") {
            continue;
        }
        let reads = reads(&without_tests(&fs::read_to_string(&path).unwrap()));
        let is_allowed = ALLOWED.iter().any(|(file, _)| *file == name);
        if !reads.is_empty() {
            unused.remove(&*name);
        }
        found.extend(reads.iter().filter(|_| !is_allowed).map(|read| format!("{name}: {read}")));
    }
    assert!(found.is_empty(), "decide by a type in place of a text:\n{}", found.join("\n"));
    assert!(unused.is_empty(), "files that no longer read a text: {unused:?}");
}

#[test]
fn reading_a_text_is_found_in_each_form() {
    for code in [
        "if finding.message == \"missed\" {",
        "why != REDIRECTS",
        "Some(check) == cause.message",
        "side.label == \"base\"",
        "error\n    .message\n    .contains(\"refused\")",
        "!problem.why.as_str().starts_with(\"no \")",
        "reason.ends_with(NOT_SCRAPED)",
        "match &*cause.message { \"\" => 1,",
        "matches!(error.reason.as_deref(), \"gone\")",
        "objective.reason().to_string().split_once(' ')",
        "last_error.contains(\"refused\")",
        "error.to_string().strip_suffix(START)",
        "slo.describe().starts_with(\"p95\")",
        "hint == \"\"",
    ] {
        assert_eq!(reads(code).len(), 1, "{code}");
    }
    for code in [
        "finding.kind == FindingKind::Missed",
        "known.detail == cause.detail",
        "let message = format!(\"{why}\");",
        "messages.contains(&text)",
        "label == TESTID",
        "match reason { Reason::NoData => 1,",
        "why.is_empty()",
        "error.kind() == NotFound",
        "errors.contains(&kind)",
    ] {
        assert_eq!(reads(code), [""; 0], "{code}");
    }
}
