//! Test of `cargo xtask new-scenario` and `new-service` in a copy of the repository: the new files
//! compile, pass clippy, and run.

use std::path::Path;
use std::process::Command;

use crate::real::{Backend, cargo as cargo_of_shell, out, root, run};

/// Copies every tracked file and every new file that git does not ignore.
fn copy(to: &Path) {
    let listed =
        Command::new("git").args(["ls-files", "-co", "--exclude-standard", "-z"]).current_dir(root()).output().unwrap();
    for name in String::from_utf8(listed.stdout).unwrap().split('\0').filter(|name| !name.is_empty()) {
        let (from, to) = (root().join(name), to.join(name));
        if from.is_file() {
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(from, to).unwrap();
        }
    }
}

#[test]
#[ignore = "compiles a copy of the workspace: run with cargo xtask ci"]
fn a_new_scenario_and_a_new_service_compile_and_run() {
    let copied = out("new");
    copy(&copied);
    let manifest = copied.join("Cargo.toml");
    let mut text = std::fs::read_to_string(&manifest).unwrap();
    for (ours, copys) in [
        // With the same version, cargo would confuse the crates of the copy with ours.
        ("version = \"0.1.0\"", "version = \"0.1.1\""),
        // Compiling takes longer than the few requests.
        ("perf-tests = { opt-level = 3, codegen-units = 16,", "perf-tests = { opt-level = 0,"),
    ] {
        assert!(text.contains(ours), "{ours}");
        text = text.replacen(ours, copys, 1);
    }
    std::fs::write(manifest, text).unwrap();
    // This clone's folder has the dependencies. Its programs must stay: other tests run them.
    let built_in = |folder: &str, command: &mut Command| {
        command.env("CARGO_BUILD_BUILD_DIR", root().join(folder));
        run(command.current_dir(&copied).env("CARGO_TARGET_DIR", copied.join("target")))
    };
    let within = |command: &mut Command| built_in("target", command);
    let xtask = |line: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        within(command.args(line).env("CARGO_MANIFEST_DIR", copied.join("xtask")))
    };
    let cargo = |line: &[&str]| within(cargo_of_shell().args(line));
    let lines: [&[&str]; 2] =
        [&["new-service", "payments_2"], &["new-scenario", "checkout", "--service", "payments_2"]];
    for line in lines {
        let made = xtask(line);
        assert_eq!(made.code, 0, "{}", made.text);
        let again = xtask(line);
        assert!(again.code == 104 && again.text.contains("already"), "{}", again.text);
    }
    let formatted = cargo(&["fmt", "--all", "--check"]);
    assert_eq!(formatted.code, 0, "{}", formatted.text);
    // The folder of `.ci/lint`.
    let line = ["clippy", "--quiet", "--workspace", "--lib", "--test", "load", "--", "--deny", "warnings"];
    let linted = built_in("target/lint", cargo_of_shell().args(line));
    assert_eq!(linted.code, 0, "{}", linted.text);
    let tested = cargo(&["test", "--quiet", "--workspace", "--test", "load"]);
    assert_eq!(tested.code, 0, "the snapshots exist: {}", tested.text);
    let backend = Backend::start(&[]);
    let line = ["test", "--quiet", "--workspace", "--test", "load", "--", "--ignored", "checkout"];
    let mut command = cargo_of_shell();
    command.args(line).env("PERF_TARGET", &backend.url).env("K6_ITERATIONS", "100").env("K6_VUS", "5");
    let ran = within(&mut command);
    assert_eq!(ran.code, 0, "{}", ran.text);
}
