//! Questions that go through Grafana's data source, which is what a viewer's browser asks, for as long as Grafana answers.

use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use prometheus_store::grafana_response;
use prometheus_store::response::{Found, shown};
use serde_json::{Value, json};
use url::Url;

use super::window::{POINTS, Window, step};
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
    pub(super) async fn ask(&self, expr: &str, instant: bool, window: Window) -> Option<Found> {
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
    window: Window,
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

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;
    use crate::perf::proof::source::Source;

    const MINUTE: Window = Window { from_ms: 1_000, to_ms: 61_000 };

    /// Answers every request with that status and body, or with nothing at all.
    fn server(status: &'static str, body: &'static str) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, mut request) = (stream.unwrap(), [0; 16 << 10]);
                let _ = stream.read(&mut request).unwrap();
                let head = "content-type: application/json\r\nconnection: close";
                let length = body.len();
                write!(stream, "HTTP/1.1 {status}\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
            }
        });
        url
    }

    #[tokio::test]
    async fn what_grafana_does_not_answer_is_put_to_prometheus_and_said() {
        let prometheus = || server("200 OK", r#"{"data":{"result":[{"value":[1,"1"]}]}}"#);
        let gone = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap()
        };
        let other_password = server("401 Unauthorized", r#"{"statusCode":401,"message":"Unauthorized"}"#);
        let proxy = server("502 Bad Gateway", "<html>");
        // Its backlog takes the connection, and nobody ever answers on it.
        let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
        let hangs = Url::parse(&format!("http://{}", hanging.local_addr().unwrap())).unwrap();
        for (grafana, says) in [
            (gone, "does not answer"),
            (other_password, "stack restart"),
            (proxy, "does not answer"),
            (hangs, "does not answer"),
        ] {
            let source = Source::new(prometheus(), Some(grafana), &Default::default()).unwrap();
            assert!(source.is_grafana());
            for _ in 0..2 {
                assert_eq!(source.ask("up", true, MINUTE).await.unwrap(), Found::Data);
            }
            let why = source.gave_up_on_grafana().unwrap();
            assert!(why.contains(says) && !source.is_grafana(), "{why}");
        }
        let works = server("200 OK", r#"{"results":{"A":{"error":"bad query"}}}"#);
        let source = Source::new(prometheus(), Some(works), &Default::default()).unwrap();
        assert_eq!(source.ask("up", true, MINUTE).await.unwrap(), Found::Complaint("bad query".to_owned()));
        assert_eq!(source.gave_up_on_grafana(), None, "a query that Grafana refuses is not Grafana's fault");
    }
}
