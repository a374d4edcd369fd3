//! `cargo xtask stack doctor`: why metrics do not appear. Each check ends with ok, or with what to do.

use monitoring::metric::Metric;
use monitoring::prometheus::RECEIVER_FLAG;
use monitoring::run::{self, ExitCode};
use serde_json::Value;
use url::Url;

use super::{GRAFANA_PORT, Images, docker, local_url};
use crate::{codegen, http, workspace};

/// What a check found: all is well with a remark, or what is wrong and what to do.
type Found = Result<String, (String, String)>;

/// Runs every check, whatever those before found.
pub(super) async fn run(prometheus_port: u16) -> anyhow::Result<ExitCode> {
    let prometheus = match workspace::var(run::REMOTE_WRITE).and_then(|url| Url::parse(&url).ok()) {
        Some(url) => url.join("/")?,
        None => local_url(prometheus_port)?,
    };
    let grafana = local_url(GRAFANA_PORT)?;
    let mut all_well = true;
    for (question, found) in [
        ("are generated files what the catalogue says?", generated()),
        ("where do metrics go?", Ok(environment(&prometheus))),
        ("is there something to run the stack with?", programs().await),
        ("are its images there?", images().await),
        ("does Prometheus answer?", answers(&prometheus, "-/ready", "Prometheus").await),
        ("does it take remote write?", receiver(&prometheus).await),
        ("are there metrics of runs?", metrics(&prometheus).await),
        ("does Grafana answer?", answers(&grafana, "api/health", "Grafana").await),
        ("does its data source work?", data_source(&grafana).await),
    ] {
        match found {
            Ok(remark) => println!("✓ {question} {remark}"),
            Err((wrong, way_out)) => {
                all_well = false;
                println!("✗ {question} {wrong}\n    → {way_out}");
            }
        }
    }
    Ok(if all_well { ExitCode::Met } else { ExitCode::BadConfiguration })
}

fn wrong(what: impl Into<String>, way_out: impl Into<String>) -> Found {
    Err((what.into(), way_out.into()))
}

fn generated() -> Found {
    match codegen::differences(&workspace::root()) {
        Ok(differences) if differences.is_empty() => Ok("yes".to_owned()),
        Ok(differences) => wrong(differences.join(", "), "cargo xtask codegen"),
        Err(error) => wrong(format!("{error:#}"), "cargo xtask codegen"),
    }
}

fn environment(prometheus: &Url) -> String {
    match workspace::var(run::REMOTE_WRITE) {
        Some(_) => format!("to {}, as {} says; no stack is started", run::shown(prometheus), run::REMOTE_WRITE),
        None => format!("to the stack's Prometheus, {prometheus}"),
    }
}

async fn programs() -> Found {
    match docker::version().await {
        Ok(version) => Ok(format!("Docker {version}")),
        Err(error) => match workspace::program("prometheus") {
            Some(program) => Ok(format!("{} (no Docker, so no Grafana: {error})", program.display())),
            None => wrong(error.to_string(), "start Docker, or put a prometheus on PATH"),
        },
    }
}

async fn images() -> Found {
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

async fn answers(url: &Url, path: &str, name: &str) -> Found {
    let found = match url.join(path) {
        Ok(ready) => http::text(ready).await,
        Err(error) => Err(error.into()),
    };
    match found {
        Ok(_) => Ok(format!("yes, at {}", run::shown(url))),
        Err(error) => {
            let out = format!("cargo xtask stack up, and cargo xtask stack logs if {name} does not stay up");
            wrong(format!("not at {}: {}", run::shown(url), error.root_cause()), out)
        }
    }
}

async fn ask(url: &Url, path: &str) -> Result<Value, (String, String)> {
    let question = url.join(path).map_err(anyhow::Error::from);
    let answer = match question {
        Ok(question) => http::json(question).await,
        Err(error) => Err(error),
    };
    answer.map_err(|error| (format!("it cannot be asked: {}", error.root_cause()), "cargo xtask stack up".to_owned()))
}

async fn receiver(prometheus: &Url) -> Found {
    let flags = ask(prometheus, "api/v1/status/flags").await?;
    match flags.pointer("/data/web.enable-remote-write-receiver").and_then(Value::as_str) {
        Some("true") => Ok("yes".to_owned()),
        _ => wrong("no", format!("start it with {RECEIVER_FLAG}")),
    }
}

async fn metrics(prometheus: &Url) -> Found {
    // Any metric that every run has will do; this one is what people look for first.
    let name = monitoring::catalogue::SERVED.endpoints.first().map(|endpoint| Metric::latency(endpoint).count());
    let name = name.unwrap_or_else(|| Metric::vus().name);
    let path = format!("api/v1/query?query=count(last_over_time({name}%5B30d%5D))");
    let found = ask(prometheus, &path).await?;
    match found.pointer("/data/result/0/value/1").and_then(Value::as_str) {
        Some(count) => Ok(format!("{count} series of {name} in the last 30 days")),
        None => wrong(format!("none of {name}"), "cargo xtask perf"),
    }
}

async fn data_source(grafana: &Url) -> Found {
    let path = format!("api/datasources/uid/{}/resources/api/v1/status/buildinfo", dashboards::panel::PROMETHEUS_UID);
    let answer = ask(grafana, &path).await?;
    match answer.pointer("/data/version").and_then(Value::as_str) {
        Some(version) => Ok(format!("yes, it reaches Prometheus {version}")),
        None => wrong("it does not reach Prometheus", "cargo xtask stack restart"),
    }
}
