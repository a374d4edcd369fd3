//! Tests that `cargo xtask` and `cargo test` share their compiled packages. They are about half of
//! the time that `cargo test` takes in a fresh clone.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, NodeDep, PackageId, TargetKind};

use crate::real::{cargo, root};

/// Packages with their versions and features, as cargo builds them with these dependencies.
fn features(kinds: &str) -> BTreeMap<String, BTreeSet<String>> {
    let args = ["tree", "--workspace", "--locked", "--offline", "--prefix", "none", "--format", "{p}|{f}", "--edges"];
    let tree = cargo().args(args).arg(kinds).current_dir(root()).output().unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let mut packages = BTreeMap::<_, BTreeSet<_>>::new();
    for line in String::from_utf8(tree.stdout).unwrap().lines().filter(|line| !line.is_empty()) {
        let (package, features) = line.split_once('|').unwrap();
        // cargo marks a package that it has printed before.
        packages.entry(package.to_owned()).or_default().insert(features.trim_end_matches(" (*)").to_owned());
    }
    packages
}

/// `cargo test` uses dev-dependencies, `cargo xtask` does not. If a feature differed, they would
/// compile its package, and all packages that need it, twice.
#[test]
fn dev_dependencies_enable_no_more_features() {
    let with_dev = features("normal,build,dev");
    for (package, features) in features("normal,build") {
        assert_eq!(features, with_dev[&package], "{package}: name the missing features in perf-tests/bench/Cargo.toml");
    }
}

/// The packages that some packages link by dependencies of these kinds, and they themselves.
fn linked(metadata: &Metadata, roots: Vec<PackageId>, kinds: &[DependencyKind]) -> BTreeSet<PackageId> {
    let nodes = metadata.resolve.as_ref().unwrap().nodes.iter().map(|node| (&node.id, node));
    let nodes: BTreeMap<_, _> = nodes.collect();
    let (mut found, mut waiting) = (BTreeSet::new(), roots);
    while let Some(id) = waiting.pop() {
        let is_linked =
            |it: &&NodeDep| !is_macro(metadata, &it.pkg) && it.dep_kinds.iter().any(|it| kinds.contains(&it.kind));
        if found.insert(id.clone()) {
            waiting.extend(nodes[&id].deps.iter().filter(is_linked).map(|it| it.pkg.clone()));
        }
    }
    found
}

fn is_macro(metadata: &Metadata, id: &PackageId) -> bool {
    metadata[id].targets.iter().any(|target| target.kind.contains(&TargetKind::ProcMacro))
}

/// With `lto = "off"`, cargo compiles a library of procedural macros in another mode if a package
/// links it, too. If only tests did, `cargo test` would compile all macros and their users again.
#[test]
fn tests_link_no_more_libraries_of_macros_than_commands() {
    let metadata = MetadataCommand::new().current_dir(root()).exec().unwrap();
    let macros = metadata.packages.iter().map(|package| package.id.clone()).filter(|id| is_macro(&metadata, id));
    let of_macros = linked(&metadata, macros.collect(), &[DependencyKind::Normal]);
    let xtask = metadata.packages.iter().filter(|package| package.name == "xtask").map(|package| package.id.clone());
    let by_commands = linked(&metadata, xtask.collect(), &[DependencyKind::Normal]);
    let kinds = [DependencyKind::Normal, DependencyKind::Development];
    let by_tests = linked(&metadata, metadata.workspace_members.clone(), &kinds);
    let only_by_tests: Vec<_> = by_tests.intersection(&of_macros).filter(|id| !by_commands.contains(id)).collect();
    assert!(only_by_tests.is_empty(), "{only_by_tests:?}: let a crate of cargo xtask link them, too");
}
