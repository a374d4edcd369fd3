//! `cargo xtask stack status`: shows the running stacks and their data.

use perf_report::Report;
use prometheus_store::{StoreAccess, exposition};
use serde_json::Value;
use url::Url;

use crate::host::{http, workspace};
use crate::runs::reports;
use crate::stack::{docker, native};

/// Number of last runs to show.
const RUNS: usize = 5;

/// The lines about this clone's stacks and last runs.
pub(super) async fn lines() -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    let mut found = match docker::status().await {
        Ok(found) => found,
        Err(error) => {
            lines.push(format!("the containers are unknown: {error:#}"));
            Vec::new()
        }
    };
    found.extend(native::status().await?);
    if found.is_empty() && lines.is_empty() {
        lines.push("no stack is running".to_owned());
    }
    for (line, url) in found {
        lines.push(line);
        if let Some(url) = url {
            lines.extend(describe_service(&url).await.into_iter().map(|line| format!("    {line}")));
        }
    }
    lines.extend(describe_last(reports::read_all(&workspace::state_folder())?.0));
    Ok(lines)
}

/// The last runs, one a line. Nothing if there are none.
fn describe_last(mut runs: Vec<Report>) -> Vec<String> {
    runs.sort_by_key(|run| std::cmp::Reverse(run.run.started_unix_ms));
    let title = (!runs.is_empty()).then(|| "last runs".to_owned());
    title.into_iter().chain(runs.iter().take(RUNS).map(|run| format!("    {}", run.run.testid))).collect()
}

/// Describes the Prometheus or the Grafana at a URL.
async fn describe_service(url: &Url) -> Vec<String> {
    let prometheus = http::prometheus(url, &StoreAccess::default()).ok();
    let ask = async |path: &str| -> Option<Value> {
        let response = prometheus.as_ref()?.get_json(path, &[]).await.ok()?;
        (response["status"] == "success").then_some(response)
    };
    let Some(build) = ask("status/buildinfo").await else {
        let health = http::json(url, "api/health").await.ok();
        let version = health.as_ref().and_then(|health| health["version"].as_str());
        let is_healthy = health.as_ref().is_some_and(|health| health["database"] == "ok");
        let state = if is_healthy { "healthy" } else { "not healthy: its database fails" };
        return vec![
            version.map_or_else(|| "does not respond".to_owned(), |version| format!("Grafana {version}, {state}")),
        ];
    };
    let healthy = http::text(url, "-/healthy", None).await;
    let healthy = healthy.map_or_else(|error| format!("not healthy: {error:#}"), |_| "healthy".to_owned());
    let text = |response: &Option<Value>, path: &str| {
        response.as_ref().and_then(|response| response.pointer(path)).and_then(Value::as_str).unwrap_or("?").to_owned()
    };
    let flags = ask("status/flags").await;
    let tsdb = ask("status/tsdb").await;
    let series = tsdb.as_ref().and_then(|tsdb| tsdb.pointer("/data/headStats/numSeries")).and_then(Value::as_u64);
    let receiver = text(&flags, "/data/web.enable-remote-write-receiver");
    let disk = on_disk(url).await.map(|bytes| format!(", {:.1} MB on disk", bytes / 1e6));
    let mut lines = vec![
        format!("Prometheus {}, {healthy}; {} active series", text(&Some(build), "/data/version"), series.unwrap_or(0)),
        format!(
            "retention {}{}; remote-write receiver: {receiver}",
            text(&flags, "/data/storage.tsdb.retention.time"),
            disk.unwrap_or_default()
        ),
    ];
    let runs = ask("label/testid/values").await;
    let runs = runs.as_ref().and_then(|runs| runs.pointer("/data")).and_then(Value::as_array);
    lines.push(format!("runs with series: {}", runs.map_or(0, Vec::len)));
    lines
}

/// Bytes of blocks, of the write-ahead log and of the head's
/// chunks, from the metrics of Prometheus.
async fn on_disk(url: &Url) -> Option<f64> {
    const PARTS: [&str; 3] = [
        "prometheus_tsdb_storage_blocks_bytes",
        "prometheus_tsdb_wal_storage_size_bytes",
        "prometheus_tsdb_head_chunks_storage_size_bytes",
    ];
    let samples = exposition::parse(&http::text(url, "metrics", None).await.ok()?).ok()?;
    Some(samples.iter().filter(|sample| PARTS.contains(&sample.name.as_str())).map(|sample| sample.value).sum())
}

#[cfg(test)]
mod tests;
