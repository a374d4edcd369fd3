//! `cargo xtask stack doctor`: why metrics do not appear. Each check ends with ok, or with what to do.

use monitoring::metric::Metric;
use monitoring::prometheus::config::RECEIVER_FLAG;
use monitoring::sanitize::sanitize;
use perf_report::exit_code::ExitCode;
use perf_settings::{REMOTE_WRITE, Settings};
use prometheus_store::response::shown;
use prometheus_store::{Prometheus, QueryError};
use serde_json::Value;
use url::Url;

use crate::stack::{GRAFANA_PORT, Images, PROMETHEUS_PORT, docker, local_url};
use crate::{generated_files, http, workspace};

/// What a check found: all is well with a remark, or what is wrong and what to do.
type CheckResult = Result<String, (String, String)>;

/// Which stack is looked at.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// Prometheus' port on 127.0.0.1
    #[arg(long, default_value_t = PROMETHEUS_PORT)]
    prometheus_port: u16,
    /// Grafana's port on 127.0.0.1
    #[arg(long, default_value_t = GRAFANA_PORT)]
    grafana_port: u16,
}

/// A store, and how it is asked.
struct Store {
    url: Url,
    prometheus: Prometheus,
    /// Somebody else's, so that starting a stack of ours is no way out.
    is_external: bool,
}

/// Runs every check, whatever those before found.
pub(super) async fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::from_lookup(&|name| workspace::var(name))?;
    let (url, is_external) = match settings.query_url() {
        Some(url) => (url, true),
        None => (local_url(args.prometheus_port)?, false),
    };
    let store = Store { prometheus: http::prometheus(&url, &settings.store_access)?, url, is_external };
    let grafana = local_url(args.grafana_port)?;
    let has_docker = docker::version().await.is_ok();
    let mut all_well = true;
    for (question, found) in [
        ("are generated files what the catalogue says?", generated()),
        ("where do metrics go?", Ok(environment(&store))),
        ("is there something to run the stack with?", programs().await),
        ("are its images there?", images().await),
        ("do its containers stay up?", containers().await),
        ("does Prometheus answer?", ready(&store).await),
        ("does it take remote write?", receiver(&store).await),
        ("are there metrics of runs?", metrics(&store).await),
        ("does Grafana answer?", if has_docker { answers(&grafana).await } else { Ok(NO_GRAFANA.to_owned()) }),
        (
            "does its data source work?",
            if has_docker { data_source(&grafana).await } else { Ok(NO_GRAFANA.to_owned()) },
        ),
    ] {
        match found {
            Ok(remark) => println!("✓ {question} {}", sanitize(&remark)),
            Err((wrong, way_out)) => {
                all_well = false;
                println!("✗ {question} {}\n    → {}", sanitize(&wrong), sanitize(&way_out));
            }
        }
    }
    Ok(if all_well { ExitCode::Met } else { ExitCode::BadConfiguration })
}

/// Grafana is in a container, or not at all.
const NO_GRAFANA: &str = "not needed: without Docker there is no Grafana";

fn wrong(what: impl Into<String>, way_out: impl Into<String>) -> CheckResult {
    Err((what.into(), way_out.into()))
}

fn generated() -> CheckResult {
    match generated_files::differences(&workspace::root()) {
        Ok(differences) if differences.is_empty() => Ok("yes".to_owned()),
        Ok(differences) => wrong(differences.join(", "), "cargo xtask codegen"),
        Err(error) => wrong(format!("{error:#}"), "cargo xtask codegen"),
    }
}

fn environment(store: &Store) -> String {
    let shown = prometheus_store::shown_url(&store.url);
    if store.is_external {
        format!("to a store that runs already, asked at {shown} ({}); no stack is started", REMOTE_WRITE)
    } else {
        format!("to the stack's Prometheus, {shown}")
    }
}

async fn programs() -> CheckResult {
    match docker::version().await {
        Ok(version) => Ok(format!("Docker {version}")),
        Err(error) => match workspace::program("prometheus") {
            Some(program) => Ok(format!("{} (no Docker, so no Grafana: {error})", program.display())),
            None => wrong(error.to_string(), "start Docker, or put a prometheus on PATH"),
        },
    }
}

async fn images() -> CheckResult {
    let Images { prometheus, grafana } = Images::chosen();
    let mut missing = Vec::new();
    for image in [prometheus.name, grafana.name] {
        match docker::has_image(&image).await {
            Ok(true) => {}
            Ok(false) => missing.push(image),
            // Without Docker nobody needs them.
            Err(_) => return Ok("not needed without Docker".to_owned()),
        }
    }
    if missing.is_empty() {
        return Ok("yes".to_owned());
    }
    let pulls: Vec<_> = missing.iter().map(|image| format!("docker pull {image}")).collect();
    wrong(format!("not yet: {}", missing.join(", ")), pulls.join(" && "))
}

/// Containers of ours that have ended, and what they said last.
async fn containers() -> CheckResult {
    match docker::ended().await {
        Ok(ended) if ended.is_empty() => Ok("yes, as far as there are any".to_owned()),
        Ok(ended) => {
            let said: Vec<_> = ended.iter().map(|(name, last)| format!("{name} ended: {last}")).collect();
            wrong(said.join("; "), "cargo xtask stack logs, then cargo xtask stack restart")
        }
        Err(_) => Ok("not needed without Docker".to_owned()),
    }
}

impl Store {
    fn way_out(&self) -> &'static str {
        if self.is_external {
            "look whether it runs, and whether the K6_PROMETHEUS_RW_* variables say who asks; --prometheus-url says where it is asked"
        } else {
            "cargo xtask stack up, and cargo xtask stack logs if Prometheus does not stay up"
        }
    }

    fn unanswered(&self, error: &QueryError) -> (String, String) {
        (format!("it cannot be asked: {error}"), self.way_out().to_owned())
    }

    async fn query(&self, expr: &str) -> Result<Value, (String, String)> {
        self.prometheus.instant(expr, None).await.map_err(|error| self.unanswered(&error))
    }
}

async fn ready(store: &Store) -> CheckResult {
    // Every store answers this, also those that are no Prometheus, and it wants the same credentials as all queries.
    let answer = store.query("vector(1)").await?;
    match answer["status"].as_str() {
        Some("success") => Ok(format!("yes, at {}", prometheus_store::shown_url(&store.url))),
        _ => wrong(
            format!("not at {}: {}", prometheus_store::shown_url(&store.url), shown(&answer.to_string())),
            store.way_out(),
        ),
    }
}

async fn answers(grafana: &Url) -> CheckResult {
    let health = http::json(grafana, "api/health").await;
    let out = "cargo xtask stack up, and cargo xtask stack logs if Grafana does not stay up";
    match health {
        Ok(health) if health["database"] == "ok" => Ok(format!("yes, at {}", prometheus_store::shown_url(grafana))),
        Ok(health) => wrong(
            format!(
                "something else answers at {}: {}",
                prometheus_store::shown_url(grafana),
                shown(&health.to_string())
            ),
            out,
        ),
        Err(error) => wrong(format!("not at {}: {}", prometheus_store::shown_url(grafana), error.root_cause()), out),
    }
}

async fn receiver(store: &Store) -> CheckResult {
    let flags = store.prometheus.get_json("status/flags", &[]).await.map_err(|error| store.unanswered(&error))?;
    match flags.pointer("/data/web.enable-remote-write-receiver").and_then(Value::as_str) {
        Some("true") => Ok("yes".to_owned()),
        Some(_) => wrong("no", format!("start it with {RECEIVER_FLAG}")),
        // Only a Prometheus has flags.
        None if store.is_external => Ok("it does not say; the first push of a run will tell".to_owned()),
        None => wrong(format!("it does not say: {}", shown(&flags.to_string())), store.way_out()),
    }
}

async fn metrics(store: &Store) -> CheckResult {
    // Any metric that every run has will do; this one is what people look for first.
    let name = monitoring::services::ALL
        .iter()
        .flat_map(|catalogue| catalogue.endpoints)
        .next()
        .map(|endpoint| Metric::latency(endpoint).count());
    let name = name.unwrap_or_else(|| Metric::vus().name);
    let found = store.query(&format!("count(last_over_time({name}[30d]))")).await?;
    match found.pointer("/data/result/0/value/1").and_then(Value::as_str) {
        Some(count) => Ok(format!("{count} series of {name} in the last 30 days")),
        None => wrong(format!("none of {name}"), "cargo xtask perf"),
    }
}

async fn data_source(grafana: &Url) -> CheckResult {
    let path = format!("api/datasources/uid/{}/resources/api/v1/status/buildinfo", dashboards::panel::PROMETHEUS_UID);
    let answer = http::json(grafana, &path).await;
    let version = answer.as_ref().ok().and_then(|answer| answer.pointer("/data/version")?.as_str());
    match (version, &answer) {
        (Some(version), _) => Ok(format!("yes, it reaches Prometheus {version}")),
        (None, Ok(_)) => wrong("it does not reach Prometheus", "cargo xtask stack restart"),
        (None, Err(error)) => wrong(format!("it cannot be asked: {}", error.root_cause()), "cargo xtask stack restart"),
    }
}
