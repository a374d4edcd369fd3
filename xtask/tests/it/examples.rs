//! Checks that the documentation of a scenario author's API has an example of each item.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::modules::is_in_name;
use crate::real::{root, rust_files};

/// The modules whose public names a scenario uses.
const FRONT: [&str; 5] = ["lib.rs", "engine.rs", "data.rs", "plan.rs", "plan/profile.rs"];

/// The folders that define these names.
const FOLDERS: [&str; 4] = ["scenario", "engine", "data", "plan"];

/// Public names that an author meets: types and functions that these modules define or export, and
/// that the documentation shows.
fn names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in FRONT {
        let text = fs::read_to_string(root().join("perf-tests/src").join(file)).unwrap();
        let text = text.replace("#[doc(hidden)]\npub ", "");
        for export in text.split("\npub use ").skip(1).filter_map(|rest| rest.split(';').next()) {
            let list = export.rsplit("::{").next().unwrap_or_default();
            let last =
                |path: &str| path.trim().rsplit("::").next().unwrap_or_default().trim_end_matches('}').to_owned();
            names.extend(list.split(',').map(last).filter(|name| !name.trim().is_empty()));
        }
        names.extend(text.lines().filter_map(item).map(str::to_owned));
    }
    names
}

/// The name of a public type or function that a line of code defines.
fn item(line: &str) -> Option<&str> {
    const KINDS: [&str; 5] = ["struct ", "enum ", "fn ", "async fn ", "const fn "];
    let rest = line.strip_prefix("pub ")?;
    let rest = KINDS.into_iter().find_map(|kind| rest.strip_prefix(kind))?;
    Some(&rest[..rest.find(|c| !is_in_name(c)).unwrap_or(rest.len())])
}

/// The type that a line begins an `impl` block of; `None` for a trait's.
fn implemented(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("impl").filter(|_| line.ends_with('{') && !line.contains(" for "))?;
    // Generic parameters come before the type, as in `impl<S> Scenario<S> {`.
    let rest = rest.split_once("> ").map_or(rest, |(before, after)| if before.starts_with('<') { after } else { rest });
    let rest = rest.trim_start();
    Some(&rest[..rest.find(|c| !is_in_name(c)).unwrap_or(rest.len())])
}

/// Items of a source file without an example that compiles, and the number of all of them.
fn without_example(text: &str, names: &BTreeSet<String>) -> (Vec<String>, usize) {
    let (mut missing, mut count) = (Vec::new(), 0);
    let (mut has_example, mut is_in_block, mut of_type) = (false, false, None);
    for line in text.lines() {
        let trimmed = line.trim_start();
        if let Some(doc) = trimmed.strip_prefix("///") {
            if let Some(kind) = doc.trim_start().strip_prefix("```") {
                let is_compiled = kind.split(',').all(|word| !matches!(word.trim(), "ignore" | "text"));
                has_example |= !is_in_block && is_compiled;
                is_in_block = !is_in_block;
            }
            continue;
        }
        is_in_block = false;
        if let Some(name) = implemented(line) {
            of_type = names.contains(name).then(|| name.to_owned());
        } else if line == "}" {
            of_type = None;
        }
        let name = match (item(trimmed), &of_type) {
            (Some(name), Some(of_type)) => Some(format!("{of_type}::{name}")),
            (Some(name), None) if line == trimmed && names.contains(name) => Some(name.to_owned()),
            _ => None,
        };
        count += usize::from(name.is_some());
        missing.extend(name.filter(|_| !has_example));
        // An attribute stands between an item and its documentation.
        has_example &= trimmed.starts_with("#[") || trimmed.ends_with(")]");
    }
    (missing, count)
}

#[test]
fn each_item_of_an_author_has_an_example() {
    let (names, mut missing, mut count) = (names(), Vec::new(), 0);
    let source = root().join("perf-tests/src");
    let is_front =
        |path: &PathBuf| FOLDERS.iter().any(|folder| path.with_extension("").starts_with(source.join(folder)));
    for path in rust_files(&source).into_iter().filter(is_front) {
        let (found, all) = without_example(&fs::read_to_string(&path).unwrap(), &names);
        let file = path.strip_prefix(root()).unwrap().display();
        missing.extend(found.iter().map(|name| format!("{file}: {name}")));
        count += all;
    }
    assert!(count > 90, "found only {count} items");
    assert!(missing.is_empty(), "write an example that compiles:\n{}", missing.join("\n"));
}

#[test]
fn an_item_without_an_example_is_found() {
    let names = BTreeSet::from(["Feeder", "Scenario", "draw"].map(str::to_owned));
    let text = "/// ```text\n/// Rows.\n/// ```\npub struct Feeder {\n}\n\nimpl<S: Send + 'static> Scenario<S> {\n    /// ```\n    \
        #[must_use]\n    pub const fn load(self) {\n    }\n\n    /// Runs it.\n    pub fn run(self) {\n    }\n}\n\n\
        /// ```\npub fn draw() {\n}\n\nimpl Other {\n    pub fn other() {\n    }\n}\n";
    let (missing, count) = without_example(text, &names);
    assert_eq!((missing, count), (vec!["Feeder".to_owned(), "Scenario::run".to_owned()], 4));
}
