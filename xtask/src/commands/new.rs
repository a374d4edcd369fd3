//! `cargo xtask new-scenario` and `new-service`: a start that compiles, runs and has its snapshots.

use std::path::Path;

use anyhow::{Context as _, ensure};
use perf_report::exit_code::ExitCode;

use crate::terminal::refuse;
use crate::{files, workspace};

/// A scenario that is compiled and run as every other: what a new one begins as.
const SCENARIO: &str = "perf-tests/tests/load/smoke.rs";
const SCENARIOS: &str = "perf-tests/tests/load/main.rs";
const SERVICES: &str = "monitoring/src/services";
const SERVICE_TEMPLATE: &str = include_str!("../../templates/service.rs.in");
const SERVICE_SCENARIO_TEMPLATE: &str = include_str!("../../templates/scenario.rs.in");

/// The name of what is to be made.
#[derive(Debug, clap::Args)]
pub(crate) struct NewArgs {
    /// Lower-case words joined by underscores
    #[arg(value_parser = parse_name)]
    name: String,
}

fn parse_name(name: &str) -> Result<String, String> {
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    if starts && name.len() <= 40 && name.split('_').all(is_word) {
        Ok(name.to_owned())
    } else {
        Err("not lower-case words joined by underscores".to_owned())
    }
}

/// `cargo xtask new-scenario NAME`
pub(crate) fn scenario(args: &NewArgs) -> anyhow::Result<ExitCode> {
    let name = &args.name;
    let root = workspace::root();
    let example = files::read(root.join(SCENARIO));
    if let Err(error) = example.and_then(|text| write_scenario(&root, name, &text.replace("smoke", name))) {
        return Ok(refuse(error));
    }
    if !snapshots(name)? {
        return Ok(ExitCode::Internal);
    }
    println!("perf-tests/tests/load/{name}.rs  and its snapshot");
    println!("run it: cargo xtask perf {name}");
    Ok(ExitCode::Met)
}

/// `cargo xtask new-service NAME`
pub(crate) fn service(args: &NewArgs) -> anyhow::Result<ExitCode> {
    let name = &args.name;
    let root = workspace::root();
    if let Err(error) = write_service(&root, name) {
        return Ok(refuse(error));
    }
    // Its rules and dashboard, which this program does not know of yet, and their snapshots.
    let codegen = ["run", "--quiet", "--package", "xtask", "--", "codegen"];
    let generated = ["test", "--quiet", "--workspace", "--test", "snapshots"];
    if !cargo(&codegen)? || !cargo(&generated)? || !snapshots(name)? {
        return Ok(ExitCode::Internal);
    }
    println!(
        "{SERVICES}/{name}.rs            its endpoints and objectives: write down your own, then cargo xtask codegen"
    );
    println!("perf-tests/tests/load/{name}.rs  its scenario, and a snapshot of its load");
    println!("run it: cargo xtask perf {name} --target http://127.0.0.1:8000");
    Ok(ExitCode::Met)
}

/// Makes the snapshots of a scenario, by its own tests.
fn snapshots(name: &str) -> anyhow::Result<bool> {
    cargo(&["test", "--quiet", "--workspace", "--test", "load", "--", &format!("{name}::")])
}

/// Runs cargo, which accepts new snapshots. False if it fails.
fn cargo(line: &[&str]) -> anyhow::Result<bool> {
    let mut command = workspace::cargo();
    let ended = command.args(line).env("INSTA_UPDATE", "always").current_dir(workspace::root()).status();
    Ok(ended.context("failed to run cargo")?.success())
}

fn write_scenario(root: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let (path, list) = (root.join(format!("perf-tests/tests/load/{name}.rs")), root.join(SCENARIOS));
    ensure!(!path.exists(), "there is a {} already", path.display());
    let modules = files::read(&list)?;
    let with =
        inserted(&modules, &format!("mod {name};")).with_context(|| format!("{} has no modules", list.display()))?;
    files::write(&path, text)?;
    files::write(&list, with)
}

/// A line among its like, in their order; none if there are no others.
fn inserted(text: &str, line: &str) -> Option<String> {
    let kind = line.rsplit_once(' ')?.0;
    let mut lines: Vec<_> = text.lines().collect();
    let is_like = |other: &&str| other.starts_with(kind) && other.ends_with(';');
    let last = lines.iter().rposition(is_like)?;
    let at = lines.iter().position(|other| is_like(other) && **other > *line).unwrap_or(last + 1);
    lines.insert(at, line);
    Some(lines.join("\n") + "\n")
}

fn write_service(root: &Path, name: &str) -> anyhow::Result<()> {
    let (path, list) = (root.join(format!("{SERVICES}/{name}.rs")), root.join(SERVICES).join("mod.rs"));
    ensure!(!path.exists(), "there is a {} already", path.display());
    let text = files::read(&list)?;
    let constant = name.to_uppercase();
    let with = inserted(&text, &format!("pub mod {name};")).and_then(|text| {
        let (above, below) = text.split_once("];")?;
        Some(format!("{above}, &{name}::{constant}];{below}"))
    });
    let with = with.with_context(|| format!("{} has no list of services", list.display()))?;
    let fill = |template: &str| {
        let named = template.replace("{name}", name).replace("{constant}", &constant);
        named.replace("{service}", &name.replace('_', "-"))
    };
    write_scenario(root, name, &fill(SERVICE_SCENARIO_TEMPLATE))?;
    files::write(&path, fill(SERVICE_TEMPLATE))?;
    files::write(&list, with)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_rust_and_metrics_take() {
        for good in ["soak", "soak_2", "a_b_c"] {
            assert!(parse_name(good).is_ok(), "{good}");
        }
        for bad in ["", "Soak", "2soak", "soak-2", "a__b", "_a", "../x", "a b", "ä"] {
            assert!(parse_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_module_stands_in_the_order_of_its_like() {
        let text = "//! a\n\nmod basic;\nmod game;\n\nfn f() {}\n";
        assert_eq!(
            inserted(text, "mod checkout;").unwrap(),
            "//! a\n\nmod basic;\nmod checkout;\nmod game;\n\nfn f() {}\n"
        );
        assert_eq!(inserted(text, "mod zzz;").unwrap(), "//! a\n\nmod basic;\nmod game;\nmod zzz;\n\nfn f() {}\n");
        assert_eq!(inserted("fn f() {}\n", "mod a;"), None);
    }
}
