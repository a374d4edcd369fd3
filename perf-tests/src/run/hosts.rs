//! The hosts of a run: their names, whether they respond, and which endpoint goes where.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Host, Method};
use monitoring::metric::RequestPart;
use perf_host::nearest::nearest;
use perf_report::FailureKind;
use perf_settings::{RESOLVE, Settings, TARGET, UnixTarget};
use prometheus_store::{OtherScheme, ProxySettings, shown_url};
use tokio::time;

use super::RunSpec;
use crate::clock;
use crate::http::{ConnectionOwner, HttpClient, HttpConfig, MAIN, Pool, RequestBody, RequestHead};
use crate::measure::DurationParts;

/// Time limit of the request that checks a target.
const TARGET_TIMEOUT: Duration = Duration::from_secs(5);

/// A host of the service, or an address of one, that load cannot be sent to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostError {
    #[error("{setting}: service {service} has no such host: {remedy}")]
    Unknown { setting: String, service: &'static str, remedy: String },
    #[error(
        "endpoint {endpoint} is on host {:?} ({}), which has no URL: add --target {}=URL (or to {})",
        .host.name,
        .host.title,
        .host.name,
        TARGET
    )]
    NoUrl { endpoint: &'static str, host: Host },
    #[error("{0} gives addresses, and a Unix socket has none: remove {0}")]
    ResolvedSocket(String),
    #[error(
        "{resolve} gives an address for {host}:{port}, but {} {}: give the host and port of a target",
        if .targets.len() == 1 { "the target is" } else { "the targets are" },
        .targets.join(", ")
    )]
    ResolvedOther { resolve: String, host: String, port: u16, targets: Vec<String> },
    #[error("cannot resolve the host of {target}: {why}; check {flag} (or {}), or the name server", TARGET)]
    Unresolved { flag: String, target: String, why: String },
    #[error("{flag}: {error}")]
    OtherScheme { flag: String, error: OtherScheme },
    #[error("{}", describe_no_response(.flag, .target, *.failure, .why))]
    NoResponse { flag: String, target: String, failure: FailureKind, why: String },
}

/// The remedy for the name of a host that is not known.
fn known_hosts(name: &str, known: &[&str], settings: &Settings) -> String {
    match (nearest(name, known.iter().copied()), known) {
        (Some(nearest), _) => format!("did you mean {nearest}=URL?"),
        (None, []) => format!("it has only the main target, as in {}", settings.with_value(TARGET, "URL")),
        (None, all) => format!("its hosts are {}", all.join(", ")),
    }
}

/// Checks that each host of the scenario's endpoints has a URL, and that each URL is of a host of
/// the service. The error names the first one that is not, and the flag.
pub(super) fn check_names(spec: &RunSpec, settings: &Settings) -> Result<(), HostError> {
    let known = spec.catalogue.hosts();
    if let Some(name) = settings.hosts.keys().find(|name| known.iter().all(|host| host.name != **name)) {
        let known: Vec<_> = known.iter().map(|host| host.name).collect();
        let setting = settings.with_value(TARGET, &format!("{name}=URL"));
        let remedy = known_hosts(name, &known, settings);
        return Err(HostError::Unknown { setting, service: spec.catalogue.service, remedy });
    }
    let needed = spec.exercised.iter().filter_map(|endpoint| Some((endpoint, endpoint.host?)));
    match needed.into_iter().find(|(_, host)| !settings.hosts.contains_key(host.name)) {
        None => Ok(()),
        Some((endpoint, host)) => Err(HostError::NoUrl { endpoint: endpoint.name, host }),
    }
}

/// Index of the host of each endpoint; `None` if the host has no URL.
pub(super) fn endpoint_hosts(catalogue: &Catalogue, http: &HttpConfig) -> Vec<Option<usize>> {
    let index = |host: &Host| http.host_index(host.name);
    catalogue.endpoints.iter().map(|endpoint| endpoint.host.as_ref().map_or(Some(MAIN), index)).collect()
}

/// All targets and the proxy on one line: "targets: http://a, auth https://b". With `http`, each
/// has the protocol that its host chose.
pub(super) fn describe(settings: &Settings, http: Option<&HttpConfig>) -> String {
    let names = settings.hosts.keys().map(|name| format!("{name} "));
    let urls = settings.targets().map(shown_url);
    let targets = [String::new()].into_iter().chain(names).zip(urls).enumerate().map(|(at, (name, url))| {
        let host = http.and_then(|http| http.hosts().get(at));
        host.map_or_else(|| format!("{name}{url}"), |host| format!("{name}{url} ({})", host.protocol()))
    });
    if http.is_none() && settings.stub.is_some() {
        // It is not started yet.
        return "target: the stub backend".to_owned();
    }
    let noun = if settings.hosts.is_empty() { "target" } else { "targets" };
    format!("{noun}: {}{}", targets.collect::<Vec<_>>().join(", "), through_proxy(settings))
}

/// " through the proxy http://p:3128"; empty if load goes through no proxy.
fn through_proxy(settings: &Settings) -> String {
    let proxy = settings.http.proxy.as_ref().filter(|_| !settings.has_only_sockets());
    proxy.map_or_else(String::new, |proxy| format!(" through the proxy {proxy}"))
}

/// Checks that every `--resolve` is about a target, or about another origin that redirects may lead
/// to. Otherwise it would have no effect.
pub(super) fn check_resolve(settings: &Settings) -> Result<(), HostError> {
    let targets = || settings.targets().filter(|url| UnixTarget::from_url(url).is_none());
    let of =
        |url: &url::Url| (url.host_str().unwrap_or_default().to_owned(), url.port_or_known_default().unwrap_or(80));
    let is_about = |resolve: &perf_settings::Resolve| {
        let is_allowed = settings.http.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(&resolve.host));
        is_allowed || targets().map(of).any(|(host, port)| resolve.find_addresses(&host, port).next().is_some())
    };
    let Some(other) = settings.http.resolve.iter().find(|resolve| !is_about(resolve)) else { return Ok(()) };
    let targets: Vec<_> = targets().map(of).map(|(host, port)| format!("{host}:{port}")).collect();
    if targets.is_empty() {
        return Err(HostError::ResolvedSocket(settings.setting_name(RESOLVE)));
    }
    let resolve = settings.setting_name(RESOLVE);
    Err(HostError::ResolvedOther { resolve, host: other.host.clone(), port: other.port, targets })
}

/// Checks that each target responds to a request. Any status will do. A service may close its root
/// path without a response, or send events there without end. So endpoints of the scenario are
/// tried, too, if a request to them changes nothing.
pub(super) async fn check_targets(
    exercised: &[Endpoint],
    settings: &Settings,
    config: &Arc<HttpConfig>,
) -> Result<(), HostError> {
    /// Limit on endpoints that are tried.
    const TRIED: usize = 3;
    let urls = settings.targets();
    for (at, (host, url)) in config.hosts().iter().zip(urls).enumerate() {
        let (flag, shown) = match &host.name {
            None => ("--target".to_owned(), shown_url(url)),
            Some(name) => (format!("--target {name}=URL"), format!("{} (host {name:?})", shown_url(url))),
        };
        let proxy = UnixTarget::from_url(url).map_or_else(|| through_proxy(settings), |_| String::new());
        let shown = shown + &proxy;
        let of_host =
            exercised.iter().filter(|it| it.host.map_or(Some(MAIN), |host| config.host_index(host.name)) == Some(at));
        let safe = of_host.filter(|it| matches!(it.method, Method::Get | Method::Head) && !it.path.contains('{'));
        let others = safe.take(TRIED).map(|it| RequestHead::new(it.method.as_str(), it.path));
        let result = check_target(&flag, &shown, config, at, others).await;
        if may_have_tls(url, settings, &result)
            && let Some(error) = OtherScheme::find(url, &ProxySettings::default()).await
        {
            return Err(HostError::OtherScheme { flag, error });
        }
        result?;
    }
    Ok(())
}

/// Whether the server at an `http://` URL may have TLS. Some servers with TLS respond to a request
/// without it with status 400.
fn may_have_tls(url: &url::Url, settings: &Settings, result: &Result<u16, HostError>) -> bool {
    let is_direct = settings.http.proxy.is_none() && settings.http.resolve.is_empty();
    let is_bad = match result {
        Ok(status) => *status == 400,
        Err(HostError::NoResponse { failure, .. }) => *failure != FailureKind::Refused,
        Err(_) => false,
    };
    url.scheme() == "http" && UnixTarget::from_url(url).is_none() && is_direct && is_bad
}

/// Checks that a target responds to a request of its root path, or to one of `others`. Returns the
/// status of a response.
async fn check_target(
    flag: &str,
    target: &str,
    config: &Arc<HttpConfig>,
    at: usize,
    others: impl Iterator<Item = RequestHead<'_>>,
) -> Result<u16, HostError> {
    let (failure, why) = match request(config, at, RequestHead::new("GET", "/")).await {
        Ok(status) => return Ok(status),
        Err(error) => error,
    };
    let may_respond =
        matches!(failure, FailureKind::Reset | FailureKind::Unanswered | FailureKind::Protocol | FailureKind::Timeout);
    // All at once, so that a target without any response is reported soon.
    let tried = join_all(others.filter(|_| may_respond).map(|other| request(config, at, other))).await;
    if let Some(status) = tried.into_iter().find_map(Result::ok) {
        return Ok(status);
    }
    let (flag, target) = (flag.to_owned(), target.to_owned());
    Err(match config.hosts()[at].lookup_failure().filter(|_| failure == FailureKind::Refused) {
        Some(why) => HostError::Unresolved { flag, target, why },
        None => HostError::NoResponse { flag, target, failure, why },
    })
}

/// Sends a request, and returns the status of its response. Its error has the kind of the failure
/// and its text.
async fn request(config: &Arc<HttpConfig>, at: usize, head: RequestHead<'_>) -> Result<u16, (FailureKind, String)> {
    let head = RequestHead { discards_body: true, ..head };
    let mut client = HttpClient::new(config.clone(), Pool::default(), ConnectionOwner::Client);
    let mut parts = DurationParts::default();
    let result = time::timeout(TARGET_TIMEOUT, async {
        config.hosts()[at].agree_on_protocol(&mut parts).await?;
        client.exchange(at, head, RequestBody::default(), clock::now()).await.result
    });
    let result = result.await;
    let is_over = |part| parts.get(part) > Duration::ZERO;
    let limit = TARGET_TIMEOUT.as_secs();
    match result {
        Ok(Ok(response)) => Ok(response.status),
        Ok(Err(broken)) => Err((broken.failure, broken.message)),
        Err(_) if is_over(RequestPart::Connecting) && !is_over(RequestPart::TlsHandshaking) => {
            let advice = "check the port, or use http:// if it has no TLS";
            Err((
                FailureKind::Tls,
                format!("the server did not respond to the TLS handshake within {limit} s: {advice}"),
            ))
        }
        Err(_) => Err((FailureKind::Timeout, format!("no connection or no response within {limit} s"))),
    }
}

/// The step at which the request failed, and what to do. Only a refused connection means that no
/// service runs there.
fn describe_no_response(flag: &str, target: &str, failure: FailureKind, why: &str) -> String {
    let other = format!("choose another target with {flag} (or {})", TARGET);
    match failure {
        FailureKind::Refused => {
            format!("cannot connect to {target}: {why}; start the service, or {other}")
        }
        FailureKind::Timeout => format!("{target} does not respond: {why}; check the address and firewall, or {other}"),
        FailureKind::Tls => {
            format!("{target} accepts connections, but TLS fails: {why}")
        }
        FailureKind::Unanswered => {
            format!(
                "{target} accepts connections, but closes them without a response: {why}; check the URL's scheme and port"
            )
        }
        FailureKind::Reset => format!(
            "{target} accepts connections, but closes them before a response is complete: {why}; check the URL's scheme \
             and port"
        ),
        FailureKind::Protocol => {
            format!(
                "{target} accepts requests, but its response is not valid HTTP: {why}; check the URL's scheme and --http2"
            )
        }
        // An error of this machine or of the proxy, or a target that load may not go to. The
        // message says what to do.
        FailureKind::Other | FailureKind::Proxy | FailureKind::Status | FailureKind::Check => why.to_owned(),
    }
}
