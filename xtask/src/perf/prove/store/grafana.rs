//! Queries through Grafana's data source, as a viewer's browser makes them.

use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use dashboards::query::QueryKind;
use perf_report::whole_ms;
use prometheus_store::grafana_response;
use prometheus_store::response::{QueryResult, shown};
use serde_json::{Value, json};
use url::Url;

use super::window::{POINTS, step};
use crate::host::http;
use crate::stack::dashboard_link::RunWindow;

/// The stack's Grafana. After a failure it gets no more
/// queries, since each of them would have to time out.
#[derive(Debug)]
pub(crate) struct Grafana {
    http: reqwest::Client,
    url: Url,
    gave_up: Mutex<Option<String>>,
}

impl Grafana {
    pub(crate) fn new(url: Url) -> anyhow::Result<Self> {
        // Viewing needs no credentials.
        Ok(Self { http: http::client(&url)?, url, gave_up: Mutex::new(None) })
    }

    /// The reason why Grafana gets no more queries.
    pub(crate) fn gave_up(&self) -> Option<String> {
        self.gave_up.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn give_up(&self, why: String) {
        *self.gave_up.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// The query's result; `None` if Grafana is down, refuses access or has no data source.
    pub(crate) async fn ask(&self, expr: &str, kind: QueryKind, window: RunWindow) -> Option<QueryResult> {
        let response = self.response(through_grafana(&self.http, &self.url, expr, kind, window)).await?;
        Some(grafana_response::query_result(&response))
    }

    /// The response of Prometheus' API at a path; `None` if Grafana is down, refuses access or has
    /// no data source.
    pub(crate) async fn resource(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Option<Value>> {
        let source = dashboards::panel::PROMETHEUS_UID;
        let mut url = self.url.join(&format!("api/datasources/uid/{source}/resources/api/v1/{path}"))?;
        url.query_pairs_mut().extend_pairs(query);
        Ok(self.response(http::json_of_any_status(&self.http, url)).await)
    }

    /// The response to a request, which is not sent after a failure.
    async fn response(&self, request: impl Future<Output = anyhow::Result<Value>>) -> Option<Value> {
        if self.gave_up().is_some() {
            return None;
        }
        match request.await {
            Ok(response) => self.check(response),
            Err(error) => {
                self.give_up(format!("it does not respond: {}", error.root_cause()));
                None
            }
        }
    }

    /// The response, unless Grafana refused access or has no data source for Prometheus.
    fn check(&self, response: Value) -> Option<Value> {
        // Grafana 13 has the data source as a plugin, which can be missing although Grafana is
        // healthy. The error of a query is either the whole response or that query's result.
        let result = response.pointer("/results/A").unwrap_or(&response);
        let plugin_error =
            |at: &Value| at["messageId"].as_str().filter(|id| id.starts_with("plugin.")).map(str::to_owned);
        if let Some(id) = plugin_error(&response).or_else(|| plugin_error(result)) {
            self.give_up(format!(
                "its Prometheus data source does not work ({}): cargo xtask stack restart",
                shown(&id)
            ));
            return None;
        }
        let refused = matches!(response["statusCode"].as_u64(), Some(401 | 403))
            || response["messageId"].as_str().is_some_and(|id| id.starts_with("auth") || id.contains("accesscontrol"))
            || matches!(response["message"].as_str(), Some("Unauthorized" | "Forbidden"));
        if refused {
            let message = shown(response["message"].as_str().unwrap_or("no message"));
            self.give_up(format!("it refuses access without a login ({message}): cargo xtask stack restart"));
            return None;
        }
        Some(response)
    }
}

/// `POST /api/ds/query`,
/// <https://grafana.com/docs/grafana/latest/developers/http_api/data_source/>.
async fn through_grafana(
    client: &reqwest::Client,
    grafana: &Url,
    expr: &str,
    kind: QueryKind,
    window: RunWindow,
) -> anyhow::Result<Value> {
    let query = json!({
        "refId": "A",
        "datasource": { "type": "prometheus", "uid": dashboards::panel::PROMETHEUS_UID },
        "expr": expr,
        "instant": kind == QueryKind::Instant,
        "range": kind == QueryKind::Range,
        "intervalMs": whole_ms(step(window)),
        "maxDataPoints": POINTS,
    });
    let body = json!({
        "from": window.from_ms.to_string(),
        "to": window.to_ms.to_string(),
        "queries": [query],
    });
    http::post(client, grafana.join("api/ds/query").context("failed to make a URL")?, &body).await
}
