//! Asks services of the stack whether they are ready, and what they are.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use prometheus_store::StoreAccess;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use serde_json::Value;
use tokio::time;
use url::Url;

const POLL: Duration = Duration::from_millis(100);
/// The longest answer that we ask a store for, in bytes.
pub(crate) const LONGEST: usize = 64 << 20;
/// The longest text of a target that we read, such as its metrics, several of which may be read at once.
const LONGEST_TEXT: usize = 8 << 20;

/// A client for any number of questions to one server.
pub(crate) fn client(url: &Url) -> anyhow::Result<reqwest::Client> {
    builder(url).build().context("failed to set up an HTTP client")
}

/// A client that tells a store who asks.
pub(crate) fn store_client(url: &Url, access: &StoreAccess) -> anyhow::Result<reqwest::Client> {
    let mut headers = HeaderMap::new();
    for (name, value) in access.headers_for(url) {
        let mut value = HeaderValue::from_str(value).context("not a header's value")?;
        value.set_sensitive(true);
        headers.append(HeaderName::from_bytes(name.as_bytes()).context("not a header's name")?, value);
    }
    // Who we are is said to nobody else, wherever an answer points.
    let mut builder = builder(url).redirect(Policy::none()).default_headers(headers);
    builder = builder.danger_accept_invalid_certs(access.insecure_skip_tls_verify);
    if access.tls_1_3 {
        builder = builder.tls_version_min(reqwest::tls::Version::TLS_1_3);
    }
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("failed to read {}", path.display()));
    if let Some(path) = &access.ca_certificate {
        let unusable = || format!("there are no certificates in {}", path.display());
        let certificates = reqwest::Certificate::from_pem_bundle(&read(path)?).with_context(unusable)?;
        builder = certificates.into_iter().fold(builder, reqwest::ClientBuilder::add_root_certificate);
    }
    if let Some((certificate, key)) = access.client_certificate_for(url) {
        let both = [read(key)?, read(certificate)?].concat();
        builder = builder.identity(reqwest::Identity::from_pem(&both).context("no certificate with its key")?);
    }
    builder.build().context("failed to set up an HTTP client")
}

fn builder(url: &Url) -> reqwest::ClientBuilder {
    // Fails only if a provider is installed already, which then serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5));
    // A machine that knows no authority, as many a container, does without where nobody has to prove who he is.
    if url.scheme() == "https" { builder } else { builder.tls_certs_only([]) }
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
    Ok(serde_json::from_slice(&limited(response, LONGEST).await?)?)
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
    let text = limited(response, LONGEST).await?;
    serde_json::from_slice(&text).with_context(|| format!("an answer with status {status} that is no JSON"))
}

/// A body that is no longer than that, in bytes.
pub(crate) async fn limited(mut response: reqwest::Response, limit: usize) -> anyhow::Result<Vec<u8>> {
    let mut text = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        text.extend_from_slice(&chunk);
        anyhow::ensure!(text.len() <= limit, "an answer of more than {limit} bytes");
    }
    Ok(text)
}

/// The text that the URL answers with, on a connection of its own.
pub(crate) async fn text(url: Url) -> anyhow::Result<String> {
    let response = client(&url)?.get(url).send().await?.error_for_status()?;
    let text = limited(response, LONGEST_TEXT).await?;
    Ok(String::from_utf8(text)?)
}
