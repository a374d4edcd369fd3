//! `cargo xtask stack doctor`: finds out why metrics do not appear. Each check prints ok or a
//! remedy.

mod target;

use monitoring::metric::Metric;
use monitoring::prometheus::config::RECEIVER_FLAG;
use monitoring::sanitize::sanitize;
use perf_report::exit_code::ExitCode;
use perf_report::mark::Mark;
use perf_settings::{REMOTE_WRITE, Settings, TARGET};
use prometheus_store::response::shown;
use prometheus_store::{PrometheusClient, QueryError};
use serde_json::Value;
use url::Url;

use crate::backend::target_metrics::MetricsSource;
use crate::flags::setting_args::{SettingArgs, SettingChoice};
use crate::generated_files;
use crate::host::terminal::{print_line, print_wrapped};
use crate::host::{http, workspace};
use crate::refusal::refuse;
use crate::stack::{Images, PortArgs, StackError, docker, local_url};

#[derive(Debug, Clone, PartialEq, Eq)]
struct FoundProblem {
    problem: String,
    remedy: String,
}

/// The details of a passed check, or the problem.
type CheckResult = Result<String, FoundProblem>;

struct DoctorCheck {
    question: &'static str,
    outcome: CheckOutcome,
}

enum CheckOutcome {
    /// It passed, with details.
    Passed(String),
    Failed(FoundProblem),
    /// The question was not asked, for this reason.
    NotChecked(&'static str),
}

impl From<CheckResult> for CheckOutcome {
    fn from(result: CheckResult) -> Self {
        result.map_or_else(Self::Failed, Self::Passed)
    }
}

impl DoctorCheck {
    fn new(question: &'static str, outcome: impl Into<CheckOutcome>) -> Self {
        Self { question, outcome: outcome.into() }
    }

    /// Prints the outcome. Returns whether the check did not fail.
    fn print(&self, print: fn(&str)) -> bool {
        let (mark, text) = match &self.outcome {
            CheckOutcome::Passed(details) => (Mark::GOOD, details.clone()),
            CheckOutcome::Failed(FoundProblem { problem, remedy }) => (Mark::BAD, format!("{problem}\n    → {remedy}")),
            CheckOutcome::NotChecked(why) => (Mark::QUIET, format!("not checked: {why}")),
        };
        print(&format!("{} {} {}", mark.sign, self.question, sanitize(&text)));
        mark != Mark::BAD
    }
}

/// The stack to check.
#[derive(Debug, clap::Args)]
#[command(mut_arg("target", |arg| arg.help(TARGET_HELP).long_help(TARGET_LONG_HELP)))]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    ports: PortArgs,
    #[command(flatten)]
    targets: SettingArgs<DoctorTargets>,
}

const TARGET_HELP: &str = "Also find the mapping of this service's metrics (repeatable)";
const TARGET_LONG_HELP: &str = "\
Also find the mapping of this service's metrics (repeatable)

NAME=URL is the URL of another host, as in `cargo xtask perf --target`.";

/// The services whose metrics are looked at.
#[derive(Clone)]
struct DoctorTargets;

impl SettingChoice for DoctorTargets {
    const VARIABLES: Option<&'static [&'static str]> = Some(&[TARGET]);
    const READS_VARIABLES: bool = false;
}

/// The store that metrics go to, with its client.
struct Store {
    url: Url,
    prometheus: PrometheusClient,
    /// Whether the store is the user's own, so that starting a stack does not help.
    is_external: bool,
}

/// Runs every check, unless an earlier one has found the same cause.
pub(super) async fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::from_lookup(&|name| workspace::var(name))?;
    let (url, is_external) = match settings.query_url() {
        Some(url) => (url, true),
        None => (local_url(args.ports.prometheus())?, false),
    };
    let store = Store { prometheus: http::prometheus(&url, &settings.store_access)?, url, is_external };
    let named = perf_settings::parse_targets(args.targets.text("target").unwrap_or_default());
    let named = named.map_err(|error| refuse(format!("--target: {error}")))?;
    let grafana = local_url(args.ports.grafana())?;
    let has_docker = docker::version().await.is_ok();
    let mut checks = vec![
        DoctorCheck::new("are generated files up to date?", generated()),
        DoctorCheck::new("where do metrics go?", Ok(environment(&store))),
        DoctorCheck::new("is there Docker or a prometheus for the stack?", programs().await),
        DoctorCheck::new("are the stack's images present?", images().await),
        DoctorCheck::new("do the stack's containers stay up?", containers(has_docker).await),
    ];
    checks.extend(check_store(&store).await);
    checks.extend(check_grafana(&grafana, has_docker).await);
    let mut all_well = true;
    for check in &checks {
        all_well &= check.print(print_wrapped);
    }
    for (name, url) in &named {
        let result = target::mapping(MetricsSource {
            target: url,
            token: settings.metrics_token.as_deref().filter(|_| name.is_none()),
            options: Some(&settings.http).filter(|_| name.is_none()),
        })
        .await;
        let about = |text: String| name.as_ref().map_or_else(|| text.clone(), |name| format!("{name}: {text}"));
        let result = result.map(about).map_err(|found| FoundProblem { problem: about(found.problem), ..found });
        // Its lines are not broken, because a mapping is copied.
        all_well &= DoctorCheck::new("which mapping fits the target's metrics?", result).print(print_line);
    }
    Ok(if all_well { ExitCode::Met } else { ExitCode::BadConfiguration })
}

/// Grafana runs only in a container.
const NO_GRAFANA: &str = "not needed: without Docker there is no Grafana";

/// The checks of the store. If it does not respond, the later ones would only repeat that.
async fn check_store(store: &Store) -> [DoctorCheck; 3] {
    const SILENT: &str = "Prometheus does not respond";
    let ready = ready(store).await;
    let (receiver, metrics) = match ready {
        Ok(_) => (receiver(store).await.into(), metrics(store).await.into()),
        Err(_) => (CheckOutcome::NotChecked(SILENT), CheckOutcome::NotChecked(SILENT)),
    };
    [
        DoctorCheck::new("does Prometheus respond?", ready),
        DoctorCheck::new("does Prometheus accept remote write?", receiver),
        DoctorCheck::new("are there metrics of runs?", metrics),
    ]
}

async fn check_grafana(grafana: &Url, has_docker: bool) -> [DoctorCheck; 2] {
    let (health, source) = if has_docker {
        match grafana_health(grafana).await {
            Ok(details) => (CheckOutcome::Passed(details), data_source(grafana).await.into()),
            Err(found) => (CheckOutcome::Failed(found), CheckOutcome::NotChecked("Grafana does not respond")),
        }
    } else {
        (CheckOutcome::Passed(NO_GRAFANA.to_owned()), CheckOutcome::Passed(NO_GRAFANA.to_owned()))
    };
    [DoctorCheck::new("does Grafana respond?", health), DoctorCheck::new("does Grafana's data source work?", source)]
}

fn failed(problem: impl Into<String>, remedy: impl Into<String>) -> CheckResult {
    Err(FoundProblem { problem: problem.into(), remedy: remedy.into() })
}

fn generated() -> CheckResult {
    match generated_files::differences(&workspace::root()) {
        Ok(differences) if differences.is_empty() => Ok("yes".to_owned()),
        Ok(differences) => {
            let differences: Vec<_> = differences.iter().map(ToString::to_string).collect();
            failed(differences.join(", "), "cargo xtask codegen")
        }
        Err(error) => failed(format!("{error:#}"), "cargo xtask codegen"),
    }
}

fn environment(store: &Store) -> String {
    let shown = prometheus_store::shown_url(&store.url);
    if store.is_external {
        format!("to a store of your own ({REMOTE_WRITE}), queried at {shown}; no stack is started")
    } else {
        format!("to the stack's Prometheus, {shown}")
    }
}

async fn programs() -> CheckResult {
    match docker::version().await {
        Ok(version) => Ok(format!("Docker {version}")),
        Err(error) => match workspace::program("prometheus") {
            Some(program) => Ok(format!("{} (no Docker, so no Grafana: {error})", program.display())),
            None => {
                let problem = match error {
                    StackError::Unavailable(why) => why.problem(),
                    error => error.to_string(),
                };
                let remedy = "start Docker, name its socket with DOCKER_HOST=unix:///PATH, or put a prometheus on PATH";
                failed(problem, remedy)
            }
        },
    }
}

async fn images() -> CheckResult {
    let Images { prometheus, grafana } = Images::from_environment();
    let mut missing = Vec::new();
    for image in [prometheus.name, grafana.name] {
        match docker::has_image(&image).await {
            Ok(true) => {}
            Ok(false) => missing.push(image),
            // Images are for Docker only.
            Err(_) => return Ok("not needed without Docker".to_owned()),
        }
    }
    if missing.is_empty() {
        return Ok("yes".to_owned());
    }
    let pulls: Vec<_> = missing.iter().map(|image| format!("docker pull {image}")).collect();
    failed(format!("not pulled yet: {}", missing.join(", ")), pulls.join(" && "))
}

/// Fails if a container of this clone has ended, with its last log line.
async fn containers(has_docker: bool) -> CheckResult {
    if !has_docker {
        return Ok("not needed without Docker".to_owned());
    }
    match docker::ended_containers().await {
        Ok(ended) if ended.is_empty() => Ok("yes, no container has ended".to_owned()),
        Ok(ended) => {
            let lines: Vec<_> = ended.iter().map(|(name, last)| format!("{name} ended: {last}")).collect();
            failed(lines.join("; "), "cargo xtask stack logs, then cargo xtask stack restart")
        }
        Err(_) => Ok("not needed without Docker".to_owned()),
    }
}

impl Store {
    fn remedy(&self) -> &'static str {
        if self.is_external {
            "check that the store runs, that the K6_PROMETHEUS_RW_* variables have its credentials, and that --prometheus-url is its query API"
        } else {
            "cargo xtask stack up; if Prometheus does not stay up: cargo xtask stack logs"
        }
    }

    fn query_failure(&self, error: &QueryError) -> FoundProblem {
        FoundProblem { problem: format!("the query failed: {error}"), remedy: self.remedy().to_owned() }
    }

    async fn query(&self, expr: &str) -> Result<Value, FoundProblem> {
        self.prometheus.instant(expr, None).await.map_err(|error| self.query_failure(&error))
    }
}

async fn ready(store: &Store) -> CheckResult {
    // Every store supports this query, also those that are not a Prometheus. It needs the same
    // credentials as all other queries.
    let response = store.query("vector(1)").await?;
    match response["status"].as_str() {
        Some("success") => Ok(format!("yes, at {}", prometheus_store::shown_url(&store.url))),
        _ => failed(
            format!("not at {}: {}", prometheus_store::shown_url(&store.url), shown(&response.to_string())),
            store.remedy(),
        ),
    }
}

async fn grafana_health(grafana: &Url) -> CheckResult {
    let health = http::json(grafana, "api/health").await;
    let remedy = "cargo xtask stack up; if Grafana does not stay up: cargo xtask stack logs";
    match health {
        Ok(health) if health["database"] == "ok" => Ok(format!("yes, at {}", prometheus_store::shown_url(grafana))),
        Ok(health) => failed(
            format!(
                "another service responds at {}: {}",
                prometheus_store::shown_url(grafana),
                shown(&health.to_string())
            ),
            remedy,
        ),
        Err(error) => {
            failed(format!("not at {}: {}", prometheus_store::shown_url(grafana), error.root_cause()), remedy)
        }
    }
}

async fn receiver(store: &Store) -> CheckResult {
    let flags = store.prometheus.get_json("status/flags", &[]).await.map_err(|error| store.query_failure(&error))?;
    match flags.pointer("/data/web.enable-remote-write-receiver").and_then(Value::as_str) {
        Some("true") => Ok("yes".to_owned()),
        Some(_) => failed("no", format!("start it with {RECEIVER_FLAG}")),
        // Only a Prometheus has flags.
        None if store.is_external => Ok(
            "unknown: this store does not report its flags; the first push of a run shows whether it accepts metrics"
                .to_owned(),
        ),
        None => failed(format!("unknown, its flags are: {}", shown(&flags.to_string())), store.remedy()),
    }
}

async fn metrics(store: &Store) -> CheckResult {
    // Every run of every service has it.
    let name = Metric::vus().name;
    let found = store.query(&format!("count(last_over_time({name}[30d]))")).await?;
    match found.pointer("/data/result/0/value/1").and_then(Value::as_str) {
        Some(count) => Ok(format!("{count} series of {name} in the last 30 days")),
        None => failed(format!("no series of {name} in the last 30 days"), "cargo xtask perf"),
    }
}

async fn data_source(grafana: &Url) -> CheckResult {
    let path = format!("api/datasources/uid/{}/resources/api/v1/status/buildinfo", dashboards::panel::PROMETHEUS_UID);
    let response = http::json(grafana, &path).await;
    let version = response.as_ref().ok().and_then(|response| response.pointer("/data/version")?.as_str());
    match (version, &response) {
        (Some(version), _) => Ok(format!("yes, it reaches Prometheus {version}")),
        (None, Ok(_)) => failed("it does not reach Prometheus", "cargo xtask stack restart"),
        (None, Err(error)) => {
            failed(format!("Grafana does not respond: {}", error.root_cause()), "cargo xtask stack restart")
        }
    }
}
