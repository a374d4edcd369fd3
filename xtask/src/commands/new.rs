//! `cargo xtask new-scenario` and `new-service`: a start that compiles, runs and has its snapshots.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use monitoring::run::ExitCode;

use crate::files;
use crate::terminal::refuse;
use crate::workspace;

/// A scenario that is compiled and run as every other: what a new one begins as.
const SCENARIO: &str = include_str!("../../../perf-tests/tests/load/smoke.rs");
const LIST: &str = "perf-tests/tests/load/main.rs";
const CATALOGUE: &str = "monitoring/src/catalogue.rs";

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
    if let Err(error) = write_scenario(&workspace::root(), name, &SCENARIO.replace("smoke", name)) {
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
    if !snapshots(name)? {
        return Ok(ExitCode::Internal);
    }
    println!("monitoring/src/catalogue/{name}.rs   its endpoints and promises: write down your own");
    println!("perf-tests/tests/load/{name}.rs      its scenario, and a snapshot of its load");
    println!("run it: cargo xtask perf {name} --target http://127.0.0.1:8000 --no-proof");
    println!(
        "watch it: set SERVED in {CATALOGUE} to {}, then cargo xtask codegen and cargo insta review",
        constant(name)
    );
    Ok(ExitCode::Met)
}

/// Makes the snapshots of a scenario, by its own tests.
fn snapshots(name: &str) -> anyhow::Result<bool> {
    let mut command = workspace::cargo();
    command.args(["test", "--quiet", "--workspace", "--test", "load", "--", &format!("{name}::")]);
    let ended = command.env("INSTA_UPDATE", "always").current_dir(workspace::root()).status();
    Ok(ended.context("failed to run cargo")?.success())
}

fn write_scenario(root: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let (path, list) = (root.join(format!("perf-tests/tests/load/{name}.rs")), root.join(LIST));
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

fn constant(name: &str) -> String {
    name.to_uppercase()
}

fn write_service(root: &Path, name: &str) -> anyhow::Result<()> {
    let (path, list) = (root.join(format!("monitoring/src/catalogue/{name}.rs")), root.join(CATALOGUE));
    ensure!(!path.exists(), "there is a {} already", path.display());
    let text = files::read(&list)?;
    let Some((above, below)) = text.split_once("\nuse ") else { bail!("{} has no imports", list.display()) };
    let (constant, service) = (constant(name), name.replace('_', "-"));
    // Before the imports, as a module's own parts are.
    let with = format!("{above}\nmod {name};\n\npub use {name}::{constant};\n\nuse {below}");
    write_scenario(root, name, &scenario_of_service(name, &constant))?;
    if let Some(folder) = path.parent() {
        files::make_folder(folder)?;
    }
    files::write(&path, catalogue_of_service(name, &constant, &service))?;
    files::write(&list, with)
}

fn catalogue_of_service(name: &str, constant: &str, service: &str) -> String {
    format!(
        "//! What {service} promises.

use std::time::Duration;

use super::{{Catalogue, Endpoint, Method}};
use crate::slo::{{Objective, Slo}};

/// Whether it is there. Write down your own: a name for its metrics, one for people, and how it is asked.
const HEALTH: Endpoint = Endpoint::new(\"{name}_health\", \"Health\", Method::Get, \"/health\");

/// The service.
pub const {constant}: Catalogue = Catalogue {{
    service: \"{service}\",
    title: \"{service}\",
    endpoints: &[HEALTH],
    critical: &[HEALTH],
    slos: &[Slo::p95(HEALTH, Duration::from_millis(300)), Slo::errors_below(Objective::percent(1))],
    backend: &[],
    caches: &[],
}};
"
    )
}

fn scenario_of_service(name: &str, constant: &str) -> String {
    format!(
        "//! Every endpoint of the service in turn.

use std::process::ExitCode;
use std::time::Duration;

use monitoring::catalogue::{constant};
use perf_tests::plan::LoadProfile;
use perf_tests::{{Scenario, Vu, constant_vus}};

fn load() -> LoadProfile {{
    constant_vus(5, Duration::from_secs(20))
}}

#[test]
#[ignore = \"load scenario: run with cargo xtask perf\"]
fn {name}() -> ExitCode {{
    Scenario::new(\"{name}\", &{constant})
        .exercises({constant}.endpoints)
        .load(load())
        .run(async |vu: &mut Vu, ()| {{
            for endpoint in {constant}.endpoints {{
                vu.request(*endpoint).send().await?;
            }}
            vu.think(Duration::from_millis(100), Duration::from_millis(300)).await;
            Ok(())
        }})
        .assert_slos()
}}

#[test]
fn its_load_is_as_reviewed() {{
    insta::assert_snapshot!(load().drawn(\"{name}\").unwrap());
}}
"
    )
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
