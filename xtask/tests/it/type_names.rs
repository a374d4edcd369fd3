//! Checks that each public type has a name of its own in the whole workspace.

use std::collections::BTreeMap;
use std::fs;

use crate::modules::{is_in_name, without_tests};
use crate::real::root;
use crate::structure::files_that_a_fork_keeps;

/// Files whose names others have chosen, or that have a twin. Structs of a wire format keep the
/// names of its specification.
const OTHERS: [(&str, &str); 3] = [
    ("dashboards/src/grafana/", "the names of Grafana"),
    ("perf-tests/src/http/h2", "HTTP/1.1 has the same parts"),
    ("perf-tests/src/remote_write/wire_", "the names of Prometheus"),
];

/// The names of the public types of a source text.
///
/// Types with a restricted visibility, such as `pub(super)`, count as well.
fn type_names(code: &str) -> impl Iterator<Item = &str> {
    const KINDS: [&str; 4] = ["struct ", "enum ", "trait ", "type "];
    code.lines().filter_map(|line| {
        let rest = line.trim_start().strip_prefix("pub")?;
        let rest = rest.strip_prefix('(').map_or(rest, |scope| scope.split_once(')').map_or("", |(_, rest)| rest));
        let rest = KINDS.into_iter().find_map(|kind| rest.trim_start().strip_prefix(kind))?;
        Some(&rest[..rest.find(|c| !is_in_name(c)).unwrap_or(rest.len())])
    })
}

#[test]
fn types_of_each_visibility_are_found() {
    let code = "pub struct A;\n    pub(crate) enum B {\npub(in crate::a) trait C {\nstruct D;\npub fn e() {}";
    assert_eq!(type_names(code).collect::<Vec<_>>(), ["A", "B", "C"]);
}

#[test]
fn no_two_public_types_share_a_name() {
    let mut places = BTreeMap::<String, Vec<String>>::new();
    for path in files_that_a_fork_keeps() {
        let file = path.strip_prefix(root()).unwrap().display().to_string();
        if OTHERS.iter().any(|(start, _)| file.starts_with(start)) {
            continue;
        }
        for name in type_names(&without_tests(&fs::read_to_string(&path).unwrap())) {
            places.entry(name.to_owned()).or_default().push(file.clone());
        }
    }
    assert!(places.len() > 500, "found only {} types", places.len());
    places.retain(|_, files| files.len() > 1);
    assert!(places.is_empty(), "rename one of each: {places:#?}");
}
