//! Grafana's provisioning files: the data source and the folder of dashboards.
//!
//! Format: <https://grafana.com/docs/grafana/latest/administration/provisioning/>. Grafana replaces
//! `$NAME` by environment variables, so the files do not depend on Prometheus' port.

use monitoring::promql;
use serde::Serialize;

use crate::panel::PROMETHEUS_UID;
use crate::service_dashboard::FOLDER;

/// Environment variable of Grafana with the URL of Prometheus.
pub const PROMETHEUS_URL: &str = "PERF_PROMETHEUS_URL";
/// Folder in which Grafana looks for dashboards.
pub const DASHBOARDS: &str = "/var/lib/grafana/dashboards";

/// Provisioning file of data sources.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DataSources {
    api_version: u8,
    datasources: Vec<DataSource>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct DataSource {
    name: &'static str,
    uid: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    access: &'static str,
    url: String,
    is_default: bool,
    editable: bool,
    json_data: JsonData,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonData {
    http_method: &'static str,
    time_interval: String,
}

/// Prometheus as the only data source. `timeInterval` is the push interval. With Grafana's default
/// of 15 s, `$__rate_interval` would be at least one minute and hide short runs.
pub(crate) fn data_sources() -> DataSources {
    DataSources {
        api_version: 1,
        datasources: vec![DataSource {
            name: "Prometheus",
            uid: PROMETHEUS_UID,
            kind: "prometheus",
            access: "proxy",
            url: format!("${PROMETHEUS_URL}"),
            is_default: true,
            editable: false,
            json_data: JsonData {
                http_method: "POST",
                time_interval: promql::duration(monitoring::intervals::PUSH_INTERVAL),
            },
        }],
    }
}

/// Provisioning file of dashboard providers.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Providers {
    api_version: u8,
    providers: Vec<Provider>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Provider {
    name: &'static str,
    folder: &'static str,
    folder_uid: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    disable_deletion: bool,
    allow_ui_updates: bool,
    options: ProviderOptions,
}

#[derive(Debug, Clone, Serialize)]
struct ProviderOptions {
    path: &'static str,
}

/// The folder of generated dashboards, which cannot be edited in Grafana.
pub(crate) fn providers() -> Providers {
    Providers {
        api_version: 1,
        providers: vec![Provider {
            name: "perf",
            folder: FOLDER,
            folder_uid: "performance-testing",
            kind: "file",
            disable_deletion: true,
            allow_ui_updates: false,
            options: ProviderOptions { path: DASHBOARDS },
        }],
    }
}
