//! Checks that the modules of each crate form no circle, except for a parent and its own children.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;

use crate::real::{root, rust_files};

/// A module by its path from the crate's root, which is empty.
type Module = Vec<String>;

fn modules(source: &Path) -> BTreeMap<Module, String> {
    let read = |path: PathBuf| (module(source, &path), without_tests(&fs::read_to_string(path).unwrap()));
    let mut modules: BTreeMap<_, _> = rust_files(source).into_iter().map(read).collect();
    // Test modules may import anything.
    modules.retain(|module, _| !module.iter().any(|name| name == "tests"));
    modules
}

fn module(source: &Path, path: &Path) -> Module {
    let relative = path.strip_prefix(source).unwrap().with_extension("");
    let mut names: Module = relative.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
    if names.last().is_some_and(|name| ["lib", "main", "mod"].contains(&name.as_str())) {
        names.pop();
    }
    names
}

fn without_tests(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Paths that begin with `crate` or `super`, with groups in braces written out.
fn paths(text: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in text.match_indices(start) {
            let is_whole = !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            if is_whole {
                expand(&text[at..], &mut Vec::new(), &mut paths);
            }
        }
    }
    paths
}

/// Reads a path, with the group in braces that it may end with. Gives the number of bytes read.
fn expand(text: &str, before: &mut Vec<String>, paths: &mut Vec<Vec<String>>) -> usize {
    let depth = before.len();
    let mut at = 0;
    loop {
        let name: String = text[at..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        at += name.len();
        if !name.is_empty() {
            before.push(name);
        }
        if text[at..].starts_with("::{") {
            at += 3;
            while !text[at..].starts_with('}') {
                let skipped = text[at..].chars().take_while(|c| c.is_whitespace() || *c == ',').map(char::len_utf8);
                at += skipped.sum::<usize>();
                if text[at..].starts_with('}') {
                    break;
                }
                let taken = expand(&text[at..], before, paths);
                if taken == 0 {
                    break;
                }
                at += taken;
            }
            at += 1;
        } else if text[at..].starts_with("::") {
            at += 2;
            continue;
        } else {
            paths.push(before.clone());
        }
        before.truncate(depth);
        return at;
    }
}

/// The deepest module of a path.
fn target(modules: &BTreeMap<Module, String>, from: &Module, path: &[String]) -> Module {
    let mut at = Vec::new();
    let mut rest = path;
    if path[0] == "super" {
        at.clone_from(from);
        while rest.first().is_some_and(|name| name == "super") {
            at.pop();
            rest = &rest[1..];
        }
    } else {
        rest = &rest[1..];
    }
    for name in rest {
        at.push(name.clone());
        if !modules.contains_key(&at) {
            at.pop();
            break;
        }
    }
    at
}

fn reaches(edges: &BTreeMap<Module, BTreeSet<Module>>, from: &Module, to: &Module) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        for known in &edges[module] {
            if known == to {
                return true;
            }
            if seen.insert(known) {
                next.push(known);
            }
        }
    }
    false
}

/// The modules of a crate that lie on a circle.
fn circles(source: &Path) -> Vec<String> {
    let modules = modules(source);
    let edges: BTreeMap<Module, BTreeSet<Module>> = modules
        .iter()
        .map(|(from, text)| {
            let targets = paths(text).into_iter().map(|path| target(&modules, from, &path));
            let others = targets.filter(|to| !to.starts_with(from) && !from.starts_with(to));
            (from.clone(), others.collect())
        })
        .collect();
    let on_one = modules.keys().filter(|module| reaches(&edges, module, module));
    on_one.map(|module| format!("{} -> {:?}", module.join("::"), edges[module])).collect()
}

#[test]
fn no_crate_has_a_circle_of_modules() {
    let metadata = MetadataCommand::new().current_dir(root()).no_deps().exec().unwrap();
    let mut read = 0;
    let mut found = String::new();
    for package in &metadata.packages {
        let source = package.manifest_path.parent().unwrap().join("src");
        if source.exists() {
            read += 1;
            for module in circles(source.as_std_path()) {
                found.push_str(&format!("{}: {module}\n", package.name));
            }
        }
    }
    assert!(read >= 8, "found only {read} crates");
    assert!(found.is_empty(), "modules on a circle:\n{found}");
}

#[test]
fn only_modules_beyond_parent_and_child_form_a_circle() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("circle");
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("lib.rs", "mod a;\nmod b;\nmod c;\n");
    write("a.rs", "mod d;\nuse crate::{c::X, b::{self, Y}};\n");
    write("a/d.rs", "use super::A;\n");
    write("b.rs", "// use crate::a;\n");
    write("c.rs", "\n");
    assert_eq!(circles(&folder), Vec::<String>::new());
    write("b.rs", "fn b() { super::a::d::D }\n");
    write("a/d.rs", "use crate::b::Y;\n");
    assert_eq!(circles(&folder).len(), 2, "{:?}", circles(&folder));
}
