//! `cargo xtask export`: writes rules and dashboards for a Prometheus and a Grafana of the user's
//! own, or the manifests of a run by pods.

use std::path::PathBuf;

use anyhow::Context as _;
use dashboards::service_dashboard;
use monitoring::generated_files::{GeneratedFile, rule_files};
use monitoring::label::BACKEND_JOB;
use monitoring::prometheus::recording_rules::Timing;
use monitoring::services;
use perf_report::exit_code::ExitCode;
use serde_json::json;

use crate::host::terminal::print_line;
use crate::host::{files, workspace};
use crate::kubernetes;
use crate::refusal::refuse;

#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    /// Folder to write to; must be empty or not exist yet
    #[arg(value_name = "DIR", default_value = "target/perf/export")]
    folder: PathBuf,
    /// Write Kubernetes manifests of a run to DIR instead
    #[arg(long, value_name = "DIR", conflicts_with = "folder")]
    kubernetes: Option<PathBuf>,
    /// Replace an earlier export in the folder
    #[arg(long)]
    force: bool,
}

/// The file by which a folder is recognized as an earlier export.
const README: &str = "README.md";

pub(crate) fn run(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let folder = workspace::root().join(args.kubernetes.as_ref().unwrap_or(&args.folder));
    if folder.exists() {
        let is_empty = files::list(&folder)?.next().is_none();
        let is_export = folder.join(README).is_file();
        if !(is_empty || args.force && is_export) {
            return Err(refuse(format!(
                "{} is not empty: name another folder, or replace an earlier export with --force",
                folder.display()
            )));
        }
    }
    let written = if args.kubernetes.is_some() { manifests()? } else { files()? };
    files::write_generated(&folder, &written)?;
    print_line(&folder.display().to_string());
    written.iter().for_each(|file| print_line(&format!("  {}", file.path)));
    Ok(ExitCode::Met)
}

fn manifests() -> anyhow::Result<Vec<GeneratedFile>> {
    let files = kubernetes::exported_manifests()?.into_iter();
    let in_folder = |path: &str| path.trim_start_matches(kubernetes::FOLDER).trim_start_matches('/').to_owned();
    Ok(files.map(|file| GeneratedFile { path: in_folder(&file.path), ..file }).collect())
}

fn files() -> anyhow::Result<Vec<GeneratedFile>> {
    let mut files = rule_files(services::ALL, &Timing::USUAL)?;
    for file in &mut files {
        file.path.insert_str(0, "rules/");
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value).context("failed to write JSON");
    let mut guides = Vec::new();
    for catalogue in services::ALL {
        let mut dashboard = service_dashboard::dashboard(catalogue);
        // The links lead to a stack on the viewer's own machine.
        dashboard.links.clear();
        let name = service_dashboard::uid(catalogue.service);
        let model = serde_json::to_value(&dashboard).context("failed to write the dashboard")?;
        files.push(GeneratedFile { path: format!("dashboards/{name}.json"), contents: pretty(&model)? + "\n" });
        // The body of POST /api/dashboards/db,
        // <https://grafana.com/docs/grafana/latest/developers/http_api/dashboard/>.
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

Generated from the catalogue by `cargo xtask export`. The files need no edits.

Prometheus: copy `rules/*.yml` to a path of `rule_files` in its configuration, and reload. For Mimir,
Cortex and Grafana Cloud, load the same files with mimirtool:

    mimirtool rules load rules/{service}.yml rules/{service}-alerts.yml

Grafana: import `dashboards/{name}.json` (Dashboards, New, Import), or

    curl -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \\
      -d @dashboards/{name}.post.json https://grafana.example/api/dashboards/db

Select the data source in the variable at the top left of the dashboard.

The backend's panels need its `/metrics`, scraped with the label `job=\"{BACKEND_JOB}\"`:

    scrape_configs:
      - job_name: {BACKEND_JOB}
        static_configs:
          - targets: [\"backend.example:8000\"]
"
    )
}

#[cfg(test)]
mod tests;
