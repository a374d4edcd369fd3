//! Questions that go through Grafana's data source, which is what a viewer's browser asks, for as long as Grafana answers.

use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use prometheus_store::grafana_response;
use prometheus_store::response::{Found, shown};
use serde_json::{Value, json};
use url::Url;

use super::window::{POINTS, RunWindow, step};
use crate::http;

/// Our Grafana. Once it does not answer it is asked no more: each question would wait for it.
#[derive(Debug)]
pub(super) struct Grafana {
    http: reqwest::Client,
    url: Url,
    gave_up: Mutex<Option<String>>,
}

impl Grafana {
    pub(super) fn new(url: Url) -> anyhow::Result<Self> {
        // Whoever can reach it may look: no credentials.
        Ok(Self { http: http::client(&url)?, url, gave_up: Mutex::new(None) })
    }

    /// Why it is asked no more.
    pub(super) fn gave_up(&self) -> Option<String> {
        self.gave_up.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn give_up(&self, why: String) {
        *self.gave_up.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// What comes of a query; none if Grafana does not answer, or does not let us in.
    pub(super) async fn ask(&self, expr: &str, instant: bool, window: RunWindow) -> Option<Found> {
        if self.gave_up().is_some() {
            return None;
        }
        match through_grafana(&self.http, &self.url, expr, instant, window).await {
            Ok(answer) => self.let_in(answer).map(|response| grafana_response::found(&response)),
            Err(error) => {
                self.give_up(format!("it does not answer: {}", error.root_cause()));
                None
            }
        }
    }

    /// What Prometheus answers to a question of its own, likewise.
    pub(super) async fn resource(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Option<Value>> {
        if self.gave_up().is_some() {
            return Ok(None);
        }
        let source = dashboards::panel::PROMETHEUS_UID;
        let mut url = self.url.join(&format!("api/datasources/uid/{source}/resources/api/v1/{path}"))?;
        url.query_pairs_mut().extend_pairs(query);
        match http::json_whatever(&self.http, url).await {
            Ok(answer) => Ok(self.let_in(answer)),
            Err(error) => {
                self.give_up(format!("it does not answer: {}", error.root_cause()));
                Ok(None)
            }
        }
    }

    /// An answer, unless it is that we may not ask.
    fn let_in(&self, answer: Value) -> Option<Value> {
        let refused = matches!(answer["statusCode"].as_u64(), Some(401 | 403))
            || answer["messageId"].as_str().is_some_and(|id| id.starts_with("auth") || id.contains("accesscontrol"))
            || matches!(answer["message"].as_str(), Some("Unauthorized" | "Forbidden"));
        if refused {
            let said = shown(answer["message"].as_str().unwrap_or("no"));
            self.give_up(format!("it does not let us in ({said}); it was set up otherwise: cargo xtask stack restart"));
            return None;
        }
        Some(answer)
    }
}

/// `POST /api/ds/query`, <https://grafana.com/docs/grafana/latest/developers/http_api/data_source/>.
async fn through_grafana(
    client: &reqwest::Client,
    grafana: &Url,
    expr: &str,
    instant: bool,
    window: RunWindow,
) -> anyhow::Result<Value> {
    let query = json!({
        "refId": "A",
        "datasource": { "type": "prometheus", "uid": dashboards::panel::PROMETHEUS_UID },
        "expr": expr,
        "instant": instant,
        "range": !instant,
        "intervalMs": step(window).as_millis(),
        "maxDataPoints": POINTS,
    });
    let body = json!({
        "from": window.from_ms.to_string(),
        "to": window.to_ms.to_string(),
        "queries": [query],
    });
    http::post(client, grafana.join("api/ds/query").context("failed to make a URL")?, &body).await
}
