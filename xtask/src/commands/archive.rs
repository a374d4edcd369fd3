//! `cargo xtask archive`: packs a run into one file that can be read and shown years later.
//!
//! The file holds the series twice. A Prometheus can be started on the blocks. The OpenMetrics text
//! can be read with nothing but `tar` and `zstd`.

mod blocks;
mod open;
mod series;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use dashboards::service_dashboard;
use monitoring::generated_files::rule_files;
use monitoring::label::TESTID;
use monitoring::prometheus::recording_rules::Timing;
use monitoring::services;
use perf_host::files::LATEST;
use perf_report::Report;
use perf_report::exit_code::ExitCode;
use perf_report::format::counted;
use perf_report::render::files::REPORT as REPORT_FILE;
use perf_settings::Settings;
use prometheus_store::PrometheusClient;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::flags::setting_args::{ReportFolder, SettingArgs};
use crate::flags::values::{UrlValue, whole_number};
use crate::host::clock::Moment;
use crate::host::terminal::print_line;
use crate::host::{files, http, workspace};
use crate::refusal::refuse;
use crate::runs::report_index::ReportIndex;
use crate::runs::reports;
use crate::stack::dashboard_link::RunWindow;
use crate::stack::{PROMETHEUS_PORT, local_url};
use series::CollectedSeries;

/// The version of the archive's layout; grows when a file moves or changes its format.
const SCHEMA: u32 = 1;
const MANIFEST: &str = "manifest.json";
const REPORT: &str = "report";
const DASHBOARDS: &str = "dashboards";
const RULES: &str = "rules";
const SERIES: &str = "series.om";
const BLOCKS: &str = "prometheus";
/// The level of zstd's compression. Its default is 3; an archive is made once and kept for years.
const LEVEL: i32 = 12;

/// `archive <TESTID>` or `archive open <FILE>`.
#[derive(Debug)]
pub(crate) enum ArchiveCommand {
    Make(MakeArgs),
    Open(open::OpenArgs),
}

/// The run to pack, and the file to write.
#[derive(Debug, clap::Args)]
pub(crate) struct MakeArgs {
    /// Testid of the run, or latest
    #[arg(value_parser = parse_run)]
    testid: String,
    /// File to write [default: target/perf/TESTID.tar.zst]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Prometheus that has the run's series [default: the stack's]
    #[arg(long, value_name = "URL", value_parser = UrlValue("--prometheus-url"))]
    prometheus_url: Option<Url>,
    /// Port of the stack's Prometheus
    #[arg(long, value_name = "PORT", default_value_t = PROMETHEUS_PORT, value_parser = whole_number::<u16>(1..=65_535), conflicts_with = "prometheus_url")]
    prometheus_port: u16,
    #[command(flatten)]
    out: SettingArgs<ReportFolder>,
}

/// A testid, or the link to the last run's folder.
fn parse_run(text: &str) -> Result<String, perf_settings::ValueError> {
    if text == LATEST { Ok(text.to_owned()) } else { perf_settings::parse_testid(text) }
}

#[derive(Debug, Subcommand)]
enum Open {
    /// Start a second stack that shows the archive FILE
    Open(open::OpenArgs),
}

/// By hand: clap cannot derive a command that takes either an argument or a subcommand.
impl clap::Args for ArchiveCommand {
    fn augment_args(command: clap::Command) -> clap::Command {
        let command = MakeArgs::augment_args(command);
        Open::augment_subcommands(command).subcommand_negates_reqs(true).args_conflicts_with_subcommands(true)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for ArchiveCommand {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        match matches.subcommand() {
            Some(("open", matches)) => open::OpenArgs::from_arg_matches(matches).map(Self::Open),
            _ => MakeArgs::from_arg_matches(matches).map(Self::Make),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// `manifest.json`: the contents of an archive.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    schema: u32,
    testid: String,
    service: String,
    started_unix_ms: i64,
    /// The end of the run's series.
    ended_unix_ms: i64,
    /// PromQL selectors of the packed series.
    selectors: Vec<String>,
    series: u64,
    samples: u64,
    /// The version of the Prometheus that the series come from.
    prometheus: String,
}

pub(crate) async fn run(command: &ArchiveCommand) -> anyhow::Result<ExitCode> {
    match command {
        ArchiveCommand::Make(args) => make(args).await,
        ArchiveCommand::Open(args) => open::run(args).await,
    }
}

async fn make(args: &MakeArgs) -> anyhow::Result<ExitCode> {
    let index = ReportIndex::new(args.out.folder());
    let perf = index.folder();
    let path = index.run_folder(&args.testid).join(REPORT_FILE);
    if !path.is_file() {
        let testid = &args.testid;
        let hint = index.suggest(testid);
        let perf = perf.display();
        return Err(refuse(format!("{perf} has no report of {testid} (cargo xtask runs lists all){hint}")));
    }
    let report = reports::read(&path).map_err(refuse)?;
    // Not `latest`, which names another run tomorrow.
    let testid = &report.run.testid;
    let folder = index.run_folder(testid);
    let settings = Settings::from_lookup(&|name| workspace::var(name))?;
    let url = match &args.prometheus_url {
        Some(url) => url.clone(),
        None => local_url(args.prometheus_port)?,
    };
    let prometheus = http::prometheus(&url, &settings.store_access)?;
    let Some(version) = version(&prometheus).await else {
        let shown = prometheus_store::shown_url(&url);
        let remedy = "start it with cargo xtask stack up, or name another with --prometheus-url";
        return Err(refuse(format!("no Prometheus responds at {shown}, where the run's series should be: {remedy}")));
    };
    let collected = series::collect(&prometheus, &report).await?;
    // This Prometheus may have loaded the rules of another catalogue.
    let rules = prometheus.get_json("rules", &[]).await?;
    if collected.samples_of_run == 0 {
        let shown = prometheus_store::shown_url(&url);
        return Err(refuse(format!(
            "{shown} has no series of {testid}: they are in another store (--prometheus-url), or older than the retention"
        )));
    }
    let work = perf.join(format!(".archive-{}", std::process::id()));
    let contents = ArchivedStore { collected, rules, version };
    let made = write_all(&work, &folder, &report, &contents).await;
    let output = args.output.clone().unwrap_or_else(|| perf.join(format!("{testid}.tar.zst")));
    // The file gets its name once it is complete.
    let draft = output.with_extension("tmp");
    let packed = made.and_then(|()| pack(&work, testid, &draft));
    let packed = packed.and_then(|bytes| {
        fs::rename(&draft, &output).with_context(|| format!("failed to write {}", output.display()))?;
        Ok(bytes)
    });
    if packed.is_err() {
        files::remove_file(&draft)?;
    }
    files::remove_folder(&work)?;
    let bytes = packed?;
    let CollectedSeries { series, samples, .. } = contents.collected;
    let samples = counted(samples, "sample");
    print_line(&format!("{}  {} KiB: {} series, {samples}", output.display(), bytes.div_ceil(1024), series.len()));
    print_line(&format!("to show it: cargo xtask archive open {}", output.display()));
    Ok(ExitCode::Met)
}

async fn version(prometheus: &PrometheusClient) -> Option<String> {
    let response = prometheus.get_json("status/buildinfo", &[]).await.ok()?;
    Some(response.pointer("/data/version")?.as_str()?.to_owned())
}

/// The run's part of a Prometheus.
struct ArchivedStore {
    collected: CollectedSeries,
    rules: Value,
    version: String,
}

/// Writes everything that goes into the archive to the folder `work`.
async fn write_all(work: &Path, report_folder: &Path, report: &Report, store: &ArchivedStore) -> anyhow::Result<()> {
    let collected = &store.collected;
    files::remove_folder(work)?;
    for folder in [REPORT, DASHBOARDS, RULES] {
        files::make_folder(work.join(folder))?;
    }
    copy_files(report_folder, &work.join(REPORT))?;
    let dashboard = work.join(DASHBOARDS).join(format!("{}.json", service_dashboard::uid(&report.run.service)));
    files::write_json(&dashboard, &dashboard_of_run(report)?)?;
    for file in rule_files(services::ALL, &Timing::USUAL)? {
        write(&work.join(RULES).join(file.path), &file.contents)?;
    }
    files::write_json(&work.join(RULES).join("loaded.json"), &store.rules)?;
    let om = work.join(SERIES);
    let written = File::create(&om).and_then(|file| {
        let mut text = BufWriter::new(file);
        collected.open_metrics(&mut text)?;
        text.flush()
    });
    written.with_context(|| format!("failed to write {}", om.display()))?;
    blocks::create(work).await?;
    let manifest = Manifest {
        schema: SCHEMA,
        testid: report.run.testid.clone(),
        service: report.run.service.clone(),
        started_unix_ms: report.run.started_unix_ms,
        ended_unix_ms: report.series_end_unix_ms(),
        selectors: collected.selectors.clone(),
        series: collected.series.len() as u64,
        samples: collected.samples,
        prometheus: store.version.clone(),
    };
    files::write_json(&work.join(MANIFEST), &manifest)?;
    write(&work.join("README.md"), &readme(&manifest))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let ended = if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") };
    files::write(path, ended)
}

fn copy_files(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in files::list(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))
                .with_context(|| format!("failed to copy {}", entry.path().display()))?;
        }
    }
    Ok(())
}

/// The service's dashboard with the run selected and its window set.
fn dashboard_of_run(report: &Report) -> anyhow::Result<dashboards::grafana::Dashboard> {
    let catalogue = services::find(&report.run.service);
    let catalogue =
        catalogue.with_context(|| format!("monitoring/src/services has no service {}", report.run.service))?;
    let mut dashboard = service_dashboard::dashboard(catalogue);
    let RunWindow { from_ms, to_ms } = RunWindow::shown(report);
    let [from, to] = [from_ms, to_ms].map(|at| perf_settings::rfc3339_millis(Moment(at).time()));
    (dashboard.time.from, dashboard.time.to) = (from, to);
    dashboard.refresh = String::new();
    for variable in &mut dashboard.templating.list {
        // The variable of scenarios stays at all: a run with several loads has several.
        if variable.name == TESTID.as_str() {
            variable.current =
                dashboards::grafana::Current { text: report.run.testid.clone(), value: report.run.testid.clone() };
        }
    }
    Ok(dashboard)
}

fn readme(manifest: &Manifest) -> String {
    let Manifest { testid, prometheus, .. } = manifest;
    format!(
        "# Run {testid}

- `{REPORT}/report.json`: the report. Fields whose name ends in `_ms` are milliseconds. Times are UTC.
- `{SERIES}`: the series as OpenMetrics text (https://openmetrics.io). Each line is a sample; times
  are seconds since 1970.
- `{BLOCKS}/`: the same series as Prometheus blocks, from Prometheus {prometheus}. To show them:

      prometheus --config.file=/dev/null --storage.tsdb.path={BLOCKS} --storage.tsdb.retention.time=100y

  The blocks have no stale markers, so a series is drawn for five minutes after its last sample.
- `{DASHBOARDS}/`: the Grafana dashboard, with the run's window set.
- `{RULES}/`: recording rules and alerts of the workspace when the archive was made. `loaded.json`
  lists the rules that Prometheus had loaded then.
- `{MANIFEST}`: selectors and number of the series.
"
    )
}

/// Packs the folder without owners and times of this machine. Returns the size in bytes.
fn pack(work: &Path, testid: &str, output: &Path) -> anyhow::Result<u64> {
    let file = File::create(output).with_context(|| format!("failed to write {}", output.display()))?;
    let mut tar = tar::Builder::new(zstd::Encoder::new(file, LEVEL).context("failed to set up zstd")?);
    tar.mode(tar::HeaderMode::Deterministic);
    let mut files = BTreeMap::new();
    list(work, Path::new(testid), &mut files)?;
    for (name, path) in &files {
        tar.append_path_with_name(path, name).with_context(|| format!("failed to pack {}", path.display()))?;
    }
    tar.into_inner()?.finish()?.sync_all()?;
    Ok(fs::metadata(output)?.len())
}

fn list(folder: &Path, name: &Path, files: &mut BTreeMap<PathBuf, PathBuf>) -> anyhow::Result<()> {
    for entry in files::list(folder)? {
        let entry = entry?;
        let (path, name, kind) = (entry.path(), name.join(entry.file_name()), entry.file_type()?);
        if kind.is_dir() {
            list(&path, &name, files)?;
        } else if kind.is_file() {
            files.insert(name, path);
        } else {
            bail!("{} is neither a file nor a folder", path.display());
        }
    }
    Ok(())
}
