//! Checks that the modules of each crate form no circle, except for a parent and its own children.
//!
//! Each name counts as a use of the module that defines it, however it was exported. Two rules
//! leave no other circle:
//!
//! - The children of a module, each with all modules below it, do not use each other in a circle.
//! - A module does not use an ancestor above its parent if that ancestor uses it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;

use crate::real::{root, rust_files};

/// A module by its path from the crate's root, which is empty.
type Module = Vec<String>;

/// The names of a path, as written.
type Names = Vec<String>;

/// The modules that each module uses.
type Edges = BTreeMap<Module, BTreeSet<Module>>;

/// The code of a module.
#[derive(Default)]
struct Code {
    /// Names of items. It has the names of methods, too.
    defined: BTreeSet<String>,
    /// Imports by the name that they get. `*` imports all names of a module.
    imports: Vec<(String, Names)>,
    /// Paths of at least two names.
    paths: Vec<Names>,
}

type Modules = BTreeMap<Module, Code>;

fn modules(source: &Path) -> Modules {
    let read = |path: PathBuf| (module(source, &path), Code::read(&without_tests(&fs::read_to_string(path).unwrap())));
    let mut modules: Modules = rust_files(source).into_iter().map(read).collect();
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

/// The code of a module without its tests, its comments, and the paths in `pub(in path)`.
pub(crate) fn without_tests(text: &str) -> String {
    let mut code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut lines = Vec::new();
    while let Some(line) = code.next() {
        match line.split_once("#[cfg(").filter(|(_, rule)| rule.starts_with("test)]") || rule.starts_with("all(test,"))
        {
            Some((indent, _)) => skip_item(&mut code, indent),
            None => lines.push(line),
        }
    }
    let text = lines.join("\n");
    let mut parts = text.split("pub(in ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "pub" + part.split_once(')').map_or("", |(_, rest)| rest))
}

/// Skips the rest of an item whose first attribute was read: up to its brace at the same
/// indentation, or up to the end of its only line.
fn skip_item<'a>(code: &mut impl Iterator<Item = &'a str>, indent: &str) {
    let mut code = code.skip_while(|line| line.trim_start().starts_with("#["));
    let is_whole = code.next().is_none_or(|line| line.ends_with([';', ',', '}']));
    if !is_whole {
        code.find(|line| line.strip_prefix(indent).is_some_and(|rest| rest.starts_with('}')));
    }
}

pub(crate) fn is_in_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The name at the start of a text.
fn leading_name(text: &str) -> &str {
    &text[..text.find(|c| !is_in_name(c)).unwrap_or(text.len())]
}

impl Code {
    fn read(text: &str) -> Self {
        const ITEMS: [&str; 9] = ["fn", "struct", "enum", "union", "const", "static", "type", "trait", "macro_rules"];
        let mut code = Self::default();
        let (mut at, mut previous) = (0, "");
        while let Some(skipped) = text[at..].find(is_in_name) {
            let start = at + skipped;
            let name = leading_name(&text[start..]);
            at = start + name.len();
            if previous == "use" {
                at = start + code.read_imports(&text[start..], &mut Vec::new());
            } else if ITEMS.contains(&previous) {
                code.defined.insert(name.to_owned());
            } else {
                let mut path = vec![name.to_owned()];
                while let Some(next) = text[at..].strip_prefix("::").map(leading_name).filter(|name| !name.is_empty()) {
                    path.push(next.to_owned());
                    at += 2 + next.len();
                }
                let is_whole = !text[..start].ends_with(['.', ':']);
                if is_whole && path.len() > 1 {
                    code.paths.push(path);
                }
            }
            previous = name;
        }
        code
    }

    /// Reads a path of a `use`, with the group in braces that it may end with. Gives the number of
    /// bytes read.
    fn read_imports(&mut self, text: &str, before: &mut Names) -> usize {
        let depth = before.len();
        let mut at = 0;
        loop {
            let name = if text[at..].starts_with('*') { "*" } else { leading_name(&text[at..]) };
            at += name.len();
            if !name.is_empty() {
                before.push(name.to_owned());
            }
            if text[at..].starts_with("::{") {
                at += 3;
                loop {
                    at += text[at..].find(|c: char| !c.is_whitespace() && c != ',').unwrap_or(0);
                    match self.read_imports(&text[at..], before) {
                        0 => break,
                        taken => at += taken,
                    }
                }
                at += 1;
            } else if text[at..].starts_with("::") {
                at += 2;
                continue;
            } else if !name.is_empty() {
                let path = before.clone();
                let alias = text[at..].strip_prefix(" as ").map(leading_name);
                at += alias.map_or(0, |alias| " as ".len() + alias.len());
                self.import(path, alias);
            }
            before.truncate(depth);
            return at;
        }
    }

    fn import(&mut self, mut path: Names, alias: Option<&str>) {
        let is_glob = path.last().is_some_and(|name| name == "*");
        if is_glob || path.len() > 1 && path.last().is_some_and(|name| name == "self") {
            path.pop();
        }
        let last = path.last().cloned().unwrap_or_default();
        let name = if is_glob { "*".to_owned() } else { alias.map_or(last, str::to_owned) };
        self.imports.push((name, path));
    }
}

/// The kind of thing that a name stands for: a module, or an item that a module defines.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Module,
    Item,
}

/// Meanings of a name in the module `at`. Empty if the crate does not define it. Names under
/// way are in `open`: modules may export each other's.
fn look_up(modules: &Modules, at: &Module, name: &str, open: &mut BTreeSet<(Module, String)>) -> Vec<(Kind, Module)> {
    let key = (at.clone(), name.to_owned());
    if !open.insert(key.clone()) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let child = [&at[..], &[name.to_owned()]].concat();
    if modules.contains_key(&child) {
        found.push((Kind::Module, child));
    }
    let code = &modules[at];
    for (_, path) in code.imports.iter().filter(|(known, _)| known == name) {
        found.extend(resolve(modules, at, path, open));
    }
    if found.is_empty() && code.defined.contains(name) {
        found.push((Kind::Item, at.clone()));
    }
    if found.is_empty() {
        for (_, path) in code.imports.iter().filter(|(known, _)| known == "*") {
            for (_, module) in resolve(modules, at, path, open) {
                found.extend(look_up(modules, &module, name, open));
            }
        }
    }
    open.remove(&key);
    found
}

/// Meanings of a path that is written in the module `from`.
fn resolve(
    modules: &Modules,
    from: &Module,
    path: &[String],
    open: &mut BTreeSet<(Module, String)>,
) -> Vec<(Kind, Module)> {
    let ancestors = path.iter().take_while(|name| *name == "super").count();
    let (mut found, rest) = match path[0].as_str() {
        "crate" => (vec![(Kind::Module, Module::new())], &path[1..]),
        "self" => (vec![(Kind::Module, from.clone())], &path[1..]),
        "super" => (vec![(Kind::Module, from[..from.len() - ancestors].to_vec())], &path[ancestors..]),
        name => (look_up(modules, from, name, open), &path[1..]),
    };
    for name in rest {
        let next = |(kind, module): (Kind, Module)| {
            let known = if kind == Kind::Module { look_up(modules, &module, name, open) } else { Vec::new() };
            if known.is_empty() { vec![(Kind::Item, module)] } else { known }
        };
        found = found.into_iter().flat_map(next).collect();
    }
    found
}

fn edges(modules: &Modules) -> Edges {
    let used = |(from, code): (&Module, &Code)| {
        let paths = code.paths.iter().chain(code.imports.iter().map(|(_, path)| path));
        let targets = paths.flat_map(|path| resolve(modules, from, path, &mut BTreeSet::new()));
        (from.clone(), targets.map(|(_, module)| module).filter(|to| to != from).collect())
    };
    modules.iter().map(used).collect()
}

fn reaches(edges: &Edges, from: &Module, to: &Module) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        for known in edges.get(module).into_iter().flatten() {
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

/// Uses on a circle, as `a::b -> c::d`.
fn circles(source: &Path) -> BTreeSet<String> {
    let edges = edges(&modules(source));
    let all = || edges.iter().flat_map(|(from, used)| used.iter().map(move |to| (from, to)));
    let mut found = BTreeSet::new();
    let mut add = |(from, to): (&Module, &Module)| found.insert(format!("{} -> {}", from.join("::"), to.join("::")));
    for parent in edges.keys() {
        let depth = parent.len() + 1;
        let is_between = |(from, to): &(&Module, &Module)| {
            let are_below = [from, to].iter().all(|module| module.len() >= depth && module.starts_with(parent));
            are_below && from[..depth] != to[..depth]
        };
        let mut folders = Edges::new();
        for (from, to) in all().filter(is_between) {
            folders.entry(from[..depth].to_vec()).or_default().insert(to[..depth].to_vec());
        }
        let is_back =
            |(from, to): &(&Module, &Module)| reaches(&folders, &to[..depth].to_vec(), &from[..depth].to_vec());
        all().filter(is_between).filter(is_back).for_each(|edge| _ = add(edge));
    }
    let is_above = |(from, to): &(&Module, &Module)| from.starts_with(to) && from.len() > to.len() + 1;
    all().filter(is_above).filter(|(from, to)| reaches(&edges, to, from)).for_each(|edge| _ = add(edge));
    found
}

#[test]
fn code_without_tests_has_none_under_any_condition() {
    let code = "mod a;\n#[cfg(test)]\nmod tests;\n#[cfg(all(test, unix))]\n#[rustfmt::skip]\nmod tests {\n    \
         fn b() {\n    }\n}\nimpl A {\n    #[cfg(all(test, target_os = \"linux\"))]\n    fn c() {\n        d();\n    \
         }\n    #[cfg(unix)]\n    fn e() {}\n}";
    assert_eq!(without_tests(code), "mod a;\nimpl A {\n    #[cfg(unix)]\n    fn e() {}\n}");
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

/// The circles of a crate of these files.
fn find_circles(name: &str, files: &[(&str, &str)]) -> Vec<String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("circles").join(name);
    for (file, text) in files {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    circles(&folder).into_iter().collect()
}

#[test]
fn only_modules_beyond_parent_and_child_form_a_circle() {
    let mut files = vec![
        ("lib.rs", "mod a;\nmod b;\nmod c;\n"),
        ("a.rs", "mod d;\nuse crate::{c::X, b::{self, Y}};\npub(in crate::b) struct A;\n"),
        ("a/d.rs", "use super::A;\n"),
        ("b.rs", "// use crate::a;\nstruct Y;\n"),
        ("c.rs", "\n"),
    ];
    assert_eq!(find_circles("direct", &files), [""; 0]);
    files.extend([("b.rs", "fn b() { super::a::d::D }\n"), ("a/d.rs", "use crate::b::Y;\n")]);
    assert_eq!(find_circles("direct", &files), ["a -> b", "a::d -> b", "b -> a::d"]);
}

#[test]
fn a_name_is_a_use_of_the_module_that_defines_it() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\npub use a::*;\npub use b::{B as C};\n"),
        ("a.rs", "mod d;\npub use d::D;\nuse crate::C;\n"),
        ("a/d.rs", "pub struct D;\n"),
        ("b.rs", "use crate::D;\npub struct B;\n"),
    ];
    assert_eq!(find_circles("exported", &files), ["a -> b", "b -> a::d"]);
}

#[test]
fn folders_beside_each_other_form_a_circle_through_their_children() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\n"),
        ("a.rs", "mod d;\nuse crate::b::B;\n"),
        ("a/d.rs", "pub struct D;\n"),
        ("b.rs", "mod e;\npub struct B;\n"),
        ("b/e.rs", "use crate::a::d::D;\n"),
    ];
    assert_eq!(find_circles("folders", &files), ["a -> b", "b::e -> a::d"]);
}

#[test]
fn a_child_does_not_use_its_grandparent() {
    let mut files = vec![
        ("lib.rs", "mod a;\n"),
        ("a.rs", "mod d;\nuse d::D;\npub struct A;\n"),
        ("a/d.rs", "mod e;\nuse e::E;\npub struct D;\n"),
        ("a/d/e.rs", "use super::super::A;\npub struct E;\n"),
    ];
    assert_eq!(find_circles("grandparent", &files), ["a::d::e -> a"]);
    files.push(("a/d/e.rs", "use super::D;\npub struct E;\n"));
    assert_eq!(find_circles("grandparent", &files), [""; 0]);
}
