//! Asks services of the stack whether they are ready, and what they are.

use std::time::Duration;

use anyhow::Context as _;
use prometheus_store::{BodyLimit, ClientOptions, Prometheus, StoreAccess};
use serde_json::Value;
use tokio::time;
use url::Url;

const POLL: Duration = Duration::from_millis(100);
const OPTIONS: ClientOptions = ClientOptions { user_agent: None, timeout: Duration::from_secs(5) };
const STORE_LIMIT: BodyLimit = BodyLimit(64 << 20);
/// Of a target's text, such as its metrics, several of which may be read at once.
const TEXT_LIMIT: BodyLimit = BodyLimit(8 << 20);

/// A client for any number of questions to one server.
pub(crate) fn client(url: &Url) -> anyhow::Result<reqwest::Client> {
    Ok(prometheus_store::client(url, OPTIONS)?)
}

/// A client for a store's query API, which tells the store who asks.
pub(crate) fn prometheus(url: &Url, access: &StoreAccess) -> anyhow::Result<Prometheus> {
    Ok(Prometheus::new(url.clone(), prometheus_store::store_client(url, access, OPTIONS)?, STORE_LIMIT))
}

/// A path below a URL, which may have a path itself.
pub(crate) fn join(base: &Url, path: &str) -> anyhow::Result<Url> {
    Url::parse(&format!("{}/{path}", base.as_str().trim_end_matches('/'))).context("failed to make a URL")
}

/// Whether the URL answers with success before the time is over.
pub(crate) async fn ready(url: &Url, within: Duration) -> anyhow::Result<bool> {
    let client = client(url)?;
    let answered = async {
        loop {
            if client.get(url.clone()).send().await.is_ok_and(|response| response.status().is_success()) {
                return;
            }
            time::sleep(POLL).await;
        }
    };
    Ok(time::timeout(within, answered).await.is_ok())
}

/// The JSON that is answered with at a path below a URL.
pub(crate) async fn json(base: &Url, path: &str) -> anyhow::Result<Value> {
    let url = join(base, path)?;
    let response = client(&url)?.get(url).send().await?.error_for_status()?;
    Ok(serde_json::from_slice(&STORE_LIMIT.read(response).await?)?)
}

/// The JSON that the URL answers with, whatever the status: where something is wrong, it says what.
pub(crate) async fn json_whatever(client: &reqwest::Client, url: Url) -> anyhow::Result<Value> {
    answer(client.get(url)).await
}

/// What is answered to a JSON document, likewise.
pub(crate) async fn post(client: &reqwest::Client, url: Url, body: &Value) -> anyhow::Result<Value> {
    answer(client.post(url).json(body)).await
}

async fn answer(request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let response = request.send().await?;
    let status = response.status();
    let text = STORE_LIMIT.read(response).await?;
    serde_json::from_slice(&text).with_context(|| format!("an answer with status {status} that is no JSON"))
}

/// The text that the URL answers with, on a connection of its own.
pub(crate) async fn text(url: Url) -> anyhow::Result<String> {
    let response = client(&url)?.get(url).send().await?.error_for_status()?;
    let text = TEXT_LIMIT.read(response).await?;
    Ok(String::from_utf8(text)?)
}
