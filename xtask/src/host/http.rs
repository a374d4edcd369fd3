//! HTTP requests to services of the stack and to the target's metrics.

use std::io::Read as _;
use std::time::Duration;

use anyhow::Context as _;
use flate2::read::MultiGzDecoder;
use perf_settings::{HttpSettings, UnixTarget};
use prometheus_store::{BodyLimit, ClientOptions, PrometheusClient, StoreAccess};
use reqwest::header::{ACCEPT, CONTENT_ENCODING, WWW_AUTHENTICATE};
use serde_json::Value;
use tokio::time;
use url::Url;

use super::target_request::{TargetRequest, target_url};

const POLL: Duration = Duration::from_millis(100);
/// Time limit of a request, its body included.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
const OPTIONS: ClientOptions = ClientOptions { user_agent: None, timeout: PATIENCE };
const STORE_LIMIT: BodyLimit = BodyLimit(64 << 20);
/// The limit on a target's text, such as its metrics. Several may be read at once.
const TEXT_LIMIT: BodyLimit = BodyLimit(8 << 20);

pub(crate) fn client(url: &Url) -> anyhow::Result<reqwest::Client> {
    Ok(prometheus_store::client(url, OPTIONS)?)
}

/// A client for a store's query API, with the store's credentials.
pub(crate) fn prometheus(url: &Url, access: &StoreAccess) -> anyhow::Result<PrometheusClient> {
    Ok(PrometheusClient::new(url.clone(), prometheus_store::store_client(url, access, OPTIONS)?, STORE_LIMIT))
}

/// Polls the URL. Returns whether it responds with success within the time.
pub(crate) async fn ready(url: &Url, within: Duration) -> anyhow::Result<bool> {
    let client = client(url)?;
    let responded = async {
        loop {
            if client.get(url.clone()).send().await.is_ok_and(|response| response.status().is_success()) {
                return;
            }
            time::sleep(POLL).await;
        }
    };
    Ok(time::timeout(within, responded).await.is_ok())
}

/// The JSON at a path below a URL, which may have a path itself. Any other status than success is
/// an error.
pub(crate) async fn json(base: &Url, path: &str) -> anyhow::Result<Value> {
    let url = Url::parse(&format!("{}/{path}", base.as_str().trim_end_matches('/')))?;
    let response = client(&url)?.get(url).send().await?.error_for_status()?;
    Ok(serde_json::from_slice(&STORE_LIMIT.read(response).await?)?)
}

/// The JSON at the URL with any status: the body of a failure has its reason.
pub(crate) async fn json_of_any_status(client: &reqwest::Client, url: Url) -> anyhow::Result<Value> {
    send(client.get(url)).await
}

/// Posts a JSON document. Returns the JSON of the response with any status.
pub(crate) async fn post(client: &reqwest::Client, url: Url, body: &Value) -> anyhow::Result<Value> {
    send(client.post(url).json(body)).await
}

async fn send(request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let response = request.send().await?;
    let status = response.status();
    let text = STORE_LIMIT.read(response).await?;
    serde_json::from_slice(&text).with_context(|| format!("the response with status {status} is not JSON"))
}

/// The formats of metrics, in the order in which Prometheus prefers them. Some libraries name
/// counters by the format, so that the names are those that Prometheus scrapes.
const EXPOSITION: &str = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1";

/// A target's response to a request for its metrics.
pub(crate) struct ExpositionResponse {
    pub(crate) status: reqwest::StatusCode,
    /// Whether the target accepts only a bearer token.
    pub(crate) wants_token: bool,
    is_compressed: bool,
    body: Vec<u8>,
}

/// Reads a target's metrics on a new connection. The token is sent to the target's own origin only:
/// a redirect to another one goes without it.
pub(crate) async fn exposition(
    of: &Url,
    path: &str,
    token: Option<&str>,
    settings: Option<&HttpSettings>,
) -> anyhow::Result<ExpositionResponse> {
    let is_own = UnixTarget::from_url(of).is_some() || target_url(of, path)?.origin() == of.origin();
    let mut request = TargetRequest::new(of, path, settings, OPTIONS).await?;
    let token = token.filter(|_| is_own);
    if token.is_some() {
        // In place of user and password. Both fail only for URLs without a host.
        let _ = request.url.set_username("");
        let _ = request.url.set_password(None);
    }
    let request = request.get().header(ACCEPT, EXPOSITION);
    let response = token.into_iter().fold(request, |request, token| request.bearer_auth(token)).send().await?;
    let status = response.status();
    let challenges = response.headers().get_all(WWW_AUTHENTICATE);
    let offers = |scheme: &[u8]| challenges.iter().any(|it| it.as_bytes().to_ascii_lowercase().starts_with(scheme));
    let wants_token = offers(b"bearer") && !offers(b"basic");
    let is_compressed = response.headers().get(CONTENT_ENCODING).is_some_and(|it| it != "identity");
    Ok(ExpositionResponse { status, wants_token, is_compressed, body: TEXT_LIMIT.read(response).await? })
}

/// Why the body of a response is not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotText {
    #[error("it is not text")]
    Encoding,
    #[error("it is longer than {} MiB", TEXT_LIMIT.0 >> 20)]
    TooLong,
    #[error("its compression is broken, or is not gzip")]
    Compression,
}

impl ExpositionResponse {
    /// The text of the body. It is decompressed if the target compressed it although it was not
    /// asked to.
    pub(crate) fn text(self) -> Result<String, NotText> {
        const GZIP: [u8; 2] = [0x1f, 0x8b];
        if !self.body.starts_with(&GZIP) {
            let why = if self.is_compressed { NotText::Compression } else { NotText::Encoding };
            return String::from_utf8(self.body).map_err(|_| why);
        }
        let limit = u64::try_from(TEXT_LIMIT.0 + 1).unwrap_or(u64::MAX);
        let mut text = String::new();
        let read = MultiGzDecoder::new(self.body.as_slice()).take(limit).read_to_string(&mut text);
        match read {
            Ok(read) if read > TEXT_LIMIT.0 => Err(NotText::TooLong),
            Ok(_) => Ok(text),
            Err(_) => Err(NotText::Compression),
        }
    }
}

/// The text at a path of a target, read on a new connection.
pub(crate) async fn text(target: &Url, path: &str, settings: Option<&HttpSettings>) -> anyhow::Result<String> {
    let request = TargetRequest::new(target, path, settings, OPTIONS).await?;
    let response = request.get().send().await?.error_for_status()?;
    let text = TEXT_LIMIT.read(response).await?;
    Ok(String::from_utf8(text)?)
}
