//! Checks that a function's name says what it does or gives: a verb, or the property.

use std::fs;

use crate::modules::is_in_name;
use crate::real::{root, rust_files};

/// Names that only a caller can complete, and verbs of saying in the past.
const REFUSED: [&str; 9] = ["came", "in_words", "kept", "of", "owned", "said", "told", "untold", "words"];

/// The names of functions in a source text.
fn function_names(code: &str) -> impl Iterator<Item = &str> {
    code.lines().filter_map(|line| {
        let line = line.trim_start();
        let (before, rest) = line.split_once("fn ")?;
        let is_definition = before.split_whitespace().all(|word| {
            ["pub", "const", "async", "unsafe", "extern", "\"C\""].contains(&word) || word.starts_with("pub(")
        });
        is_definition.then(|| &rest[..rest.find(|c| !is_in_name(c)).unwrap_or(rest.len())])
    })
}

/// The one name that ends in `of`: scenarios call it, as in `vu.all_of(requests)`.
const ALLOWED: &str = "all_of";

fn is_refused(name: &str) -> bool {
    let needs_caller = ["of_", "is_of_", "has_the_"].iter().any(|start| name.starts_with(start));
    REFUSED.contains(&name) || needs_caller || (name.ends_with("_of") && name != ALLOWED)
}

#[test]
fn names_that_only_a_caller_can_complete_are_refused() {
    for name in ["of", "of_phase", "text_of", "is_of", "is_of_the_process_of", "has_the_start_of"] {
        assert!(is_refused(name), "{name}");
    }
    for name in ["all_of", "share_of_threshold", "offers", "has_start"] {
        assert!(!is_refused(name), "{name}");
    }
}

#[test]
fn functions_are_named_by_a_verb_or_a_property() {
    let (mut found, mut functions) = (Vec::new(), 0);
    for folder in ["monitoring", "dashboards", "perf-tests", "xtask"] {
        for path in rust_files(&root().join(folder)) {
            let code = fs::read_to_string(&path).unwrap();
            for name in function_names(&code) {
                functions += 1;
                if is_refused(name) {
                    found.push(format!("{}: {name}", path.strip_prefix(root()).unwrap().display()));
                }
            }
        }
    }
    assert!(functions > 3_000, "found only {functions} functions");
    assert!(found.is_empty(), "use a verb or the property that the function gives:\n{}", found.join("\n"));
}

#[test]
fn definitions_of_functions_are_found_in_each_form() {
    let code =
        "fn a() {\n    pub(super) async fn of<T>(self) {\npub const fn said(self) {}\nlet b: fn of;\n// a fn told";
    assert_eq!(function_names(code).collect::<Vec<_>>(), ["a", "of", "said"]);
}
