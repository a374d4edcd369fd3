//! Asks services of the stack whether they are ready, and what they are.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tokio::time;
use url::Url;

const POLL: Duration = Duration::from_millis(100);

fn client() -> anyhow::Result<reqwest::Client> {
    // Fails only if a provider is installed already, which then serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5));
    builder.build().context("failed to set up an HTTP client")
}

/// Whether the URL answers with success before the time is over.
pub(crate) async fn ready(url: &Url, within: Duration) -> anyhow::Result<bool> {
    let client = client()?;
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

/// The JSON that the URL answers with.
pub(crate) async fn json(url: Url) -> anyhow::Result<Value> {
    let response = client()?.get(url).send().await?.error_for_status()?;
    Ok(response.json().await?)
}
