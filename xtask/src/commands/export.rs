//! `cargo xtask export`: rules and dashboards for a Prometheus and a Grafana that are not ours, ready to load.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use dashboards::service_dashboard;
use monitoring::generated_files::GeneratedFile;
use monitoring::label::BACKEND_JOB;
use monitoring::services;
use perf_report::exit_code::ExitCode;
use serde_json::json;

use crate::{files, generated_files, workspace};

/// Where to.
#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    /// Where to write; a folder that is empty or not there yet
    #[arg(value_name = "DIR", default_value = "target/perf/export")]
    folder: PathBuf,
    /// Replace what an earlier export left there
    #[arg(long)]
    force: bool,
}

/// What the folder is known by as one of ours.
const README: &str = "README.md";

/// Writes the files.
pub(crate) fn run(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let folder = if args.folder.is_absolute() { args.folder.clone() } else { workspace::root().join(&args.folder) };
    if folder.exists() {
        let is_empty = fs::read_dir(&folder).context("failed to look into it")?.next().is_none();
        let is_export = folder.join(README).is_file();
        if !(is_empty || args.force && is_export) {
            eprintln!(
                "error: {} is not empty: name another, or replace an earlier export by --force",
                folder.display()
            );
            return Ok(ExitCode::BadConfiguration);
        }
    }
    let files = files()?;
    for GeneratedFile { path, contents } in &files {
        write(&folder.join(path), contents)?;
    }
    println!("{}", folder.display());
    files.iter().for_each(|file| println!("  {}", file.path));
    Ok(ExitCode::Met)
}

fn write(path: &Path, contents: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        files::make_folder(folder)?;
    }
    files::write(path, contents)
}

fn files() -> anyhow::Result<Vec<GeneratedFile>> {
    let rules = generated_files::generated_files()?.into_iter().filter_map(|file| {
        let path = file.path.strip_prefix("monitoring/prometheus/rules/")?;
        Some(GeneratedFile { path: format!("rules/{path}"), contents: file.contents })
    });
    let mut files: Vec<_> = rules.collect();
    let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value).context("failed to write JSON");
    let mut guides = Vec::new();
    for catalogue in services::ALL {
        let mut dashboard = service_dashboard::dashboard(catalogue);
        // They lead to a stack on the machine of whoever looks.
        dashboard.links.clear();
        let name = service_dashboard::uid(catalogue.service);
        let model = serde_json::to_value(&dashboard).context("failed to write the dashboard")?;
        files.push(GeneratedFile { path: format!("dashboards/{name}.json"), contents: pretty(&model)? + "\n" });
        // The body of POST /api/dashboards/db, <https://grafana.com/docs/grafana/latest/developers/http_api/dashboard/>.
        let body = json!({ "dashboard": model, "overwrite": true, "message": "cargo xtask export" });
        files.push(GeneratedFile { path: format!("dashboards/{name}.post.json"), contents: pretty(&body)? + "\n" });
        guides.push(readme(catalogue.service, name));
    }
    files.push(GeneratedFile { path: README.to_owned(), contents: guides.join("\n") });
    Ok(files)
}

fn readme(service: &str, name: &str) -> String {
    format!(
        "# Monitoring of {service}

Generated from the catalogue by `cargo xtask export`. Nothing here has to be edited.

Prometheus: put `rules/*.yml` where `rule_files` of its configuration finds them, and reload. Mimir, Cortex and Grafana Cloud
take the same files by their own tool:

    mimirtool rules load rules/{service}.yml rules/{service}-alerts.yml

Grafana: import `dashboards/{name}.json` (Dashboards, New, Import), or

    curl -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \\
      -d @dashboards/{name}.post.json https://grafana.example/api/dashboards/db

The dashboard asks for its data source by a variable, at its top left.

The backend's own panels want its `/metrics` scraped with the label `job=\"{BACKEND_JOB}\"`:

    scrape_configs:
      - job_name: {BACKEND_JOB}
        static_configs:
          - targets: [\"backend.example:8000\"]
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_exported_is_what_is_committed_and_asks_for_its_data_source() {
        let files = files().unwrap();
        let paths: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
        let service = services::ALL[0].service;
        assert!(paths.contains(&format!("rules/{service}-alerts.yml").as_str()), "{paths:?}");
        let post = files.iter().find(|file| file.path.ends_with(".post.json")).unwrap();
        let body: serde_json::Value = serde_json::from_str(&post.contents).unwrap();
        assert_eq!((&body["dashboard"]["uid"], &body["overwrite"]), (&json!(service), &json!(true)));
        assert!(!post.contents.contains("localhost"), "a link that leads nowhere");
        let sources = post.contents.matches("\"uid\": \"${datasource}\"").count();
        assert!(sources > 20 && !post.contents.contains("\"uid\": \"prometheus\""), "{sources}");
    }
}
