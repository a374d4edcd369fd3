//! The stack: Prometheus and Grafana in containers, or a Prometheus from PATH.

pub(crate) mod dashboard_link;
pub(crate) mod docker;
pub(crate) mod docker_host;
mod images;
mod limits;
pub(crate) mod native;
mod stack_args;
mod stack_error;
mod stack_options;
pub(crate) mod stub_backend;

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use monitoring::backend_mapping::BackendMapping;
use monitoring::intervals::SCRAPE_INTERVAL;
use monitoring::label::{BACKEND_JOB, INSTANCE, JOB};
use monitoring::prometheus::config::{LOGIN, PASSWORD_FILE, ScrapeTarget, TARGETS, TOKEN, TOKEN_FILE, USER_FILE};
use monitoring::promql::Selector;
use percent_encoding::percent_decode_str;
use perf_host::signals::Signals;
use perf_settings::UnixTarget;
use prometheus_store::StoreAccess;
use tokio::time;
use url::Url;

use crate::backend::target_metrics::{self, MetricsSource};
use crate::host::cleanup::Cleanup;
use crate::host::clock::{self, Moment};
use crate::host::files;
use crate::host::target_request::{fixed_addresses, has_login, target_url};
use crate::host::terminal::print_note;
use crate::host::{http, owner, ports};
pub(crate) use images::{GRAFANA_VAR, Images, PROMETHEUS_VAR};
pub(crate) use stack_args::{PortArgs, StackArgs};
pub(crate) use stack_error::{StackError, UnavailableError};
use stack_options::stack_folder;
pub(crate) use stack_options::{PROMETHEUS_PORT, ShownArchive, StackChoice, StackOptions};

/// The folder of the shown archive, in the stack's state folder.
const ARCHIVE: &str = "archive";

/// A container or process of one of this clone's stacks, running or left over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StackPart {
    Container {
        name: String,
        /// Part of the identity: a container that was started again counts as new.
        running: bool,
        /// Whether this command has created it.
        is_made_here: bool,
    },
    /// A Prometheus from PATH. The process id is part of its identity: after a restart, it is a new
    /// part.
    Native { port: u16, pid: String },
}

#[derive(Debug, Default)]
pub(crate) struct Stack {
    pub(crate) prometheus: Option<Url>,
    pub(crate) grafana: Option<Url>,
    /// The parts that this command started, and therefore stops.
    started: Vec<StackPart>,
    /// The name under which containers reach a backend on 127.0.0.1, if it differs.
    backend_host: Option<&'static str>,
    /// Whether Prometheus is a container. It then cannot read files that only this user may read.
    is_in_container: bool,
    port: u16,
}

/// A page of a backend's metrics that Prometheus can scrape.
struct MetricsPage {
    target: ScrapeTarget,
    /// Whether the backend itself serves it, and not another server.
    is_of_backend: bool,
}

/// Starts a stack, or reuses the running one.
///
/// If the start fails or is interrupted by a signal, nothing is left. Prints which programs are
/// missing and which features the user loses.
pub(crate) async fn start(options: &StackOptions, mut signals: Signals) -> Result<Stack, StackError> {
    let before = parts(options.choice, Some(options.prometheus_port)).await?;
    let failure = tokio::select! {
        stack = up(options, &before) => match stack {
            Ok(stack) => return Ok(stack),
            Err(error) => error,
        },
        () = signals.interrupted() => StackError::Interrupted,
    };
    let stopped = match parts_since(&before, options).await {
        Ok(parts) => stop(&parts).await,
        Err(error) => Err(error.into()),
    };
    if let Err(error) = stopped {
        print_note(&format!("warning: parts of the stack may be left; the next command cleans them up: {error:#}"));
    }
    Err(failure)
}

async fn up(options: &StackOptions, before: &[StackPart]) -> Result<Stack, StackError> {
    let mut stack = match options.choice {
        StackChoice::None => return Ok(Stack::default()),
        StackChoice::Docker => docker::up(options).await.map_err(|error| or_other_stack(error, "native"))?,
        StackChoice::Native => native::up(options).await.map_err(|error| or_other_stack(error, "docker"))?,
        StackChoice::Auto => auto(options).await?,
    };
    stack.started = parts_since(before, options).await?;
    Ok(stack)
}

/// The error of the chosen kind of stack. If it is not available, the message names another.
fn or_other_stack(error: StackError, other: &'static str) -> StackError {
    match error {
        StackError::Unavailable(why) => StackError::ChosenUnavailable { why, other },
        error => error,
    }
}

async fn auto(options: &StackOptions) -> Result<Stack, StackError> {
    let no_docker = match docker::up(options).await {
        Err(StackError::Unavailable(why)) => why.problem(),
        result => return result,
    };
    match native::up(options).await {
        Err(StackError::Unavailable(no_native)) => {
            let loss = "requests are judged, but no metrics are stored, and there is no dashboard";
            print_note(&format!("{no_docker}, and {no_native}: {loss}"));
            Ok(Stack::default())
        }
        Ok(stack) => {
            print_note(&format!("{no_docker}: using prometheus from PATH, without Grafana and its dashboard"));
            Ok(stack)
        }
        Err(error) => Err(error),
    }
}

/// The parts of this clone's stacks of the chosen kind, or of the one whose Prometheus has that
/// port.
pub(crate) async fn parts(choice: StackChoice, prometheus_port: Option<u16>) -> Result<Vec<StackPart>, StackError> {
    let mut parts = match choice {
        StackChoice::None => return Ok(Vec::new()),
        StackChoice::Native => Vec::new(),
        StackChoice::Auto | StackChoice::Docker => docker::parts(prometheus_port).await?,
    };
    parts.extend(native::parts(prometheus_port).await);
    Ok(parts)
}

/// Removes the stack parts of commands that have ended.
pub(crate) async fn clean_up(cleanup: &mut Cleanup) {
    docker::clean_up(cleanup).await;
    native::clean_up(cleanup).await;
}

/// The parts that this command has added.
async fn parts_since(before: &[StackPart], options: &StackOptions) -> Result<Vec<StackPart>, StackError> {
    let mut parts = parts(options.choice, Some(options.prometheus_port)).await?;
    // A container that another command has created since then is not ours to stop.
    parts.retain(|part| !before.contains(part) && !matches!(part, StackPart::Container { is_made_here: false, .. }));
    Ok(parts)
}

/// Stops all of the parts, even if one fails, and gives the first error. Named volumes stay.
pub(crate) async fn stop(parts: &[StackPart]) -> anyhow::Result<()> {
    let mut stopped = Ok(());
    for part in parts {
        stopped = stopped.and(match part {
            StackPart::Container { name, .. } => docker::remove_container(name).await,
            StackPart::Native { port, .. } => native::stop(*port).await,
        });
    }
    if parts.iter().any(|part| matches!(part, StackPart::Container { .. })) {
        stopped = stopped.and(docker::remove_idle_networks().await);
    }
    stopped
}

impl std::fmt::Display for StackPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Container { name, .. } => f.write_str(name),
            Self::Native { port, .. } => write!(f, "prometheus at port {port}"),
        }
    }
}

impl Stack {
    /// Lets Prometheus scrape the backend's metrics, at the paths of the mapping or of all
    /// services. It cannot scrape a Unix socket, or with some options of the load. It logs in with
    /// the token, or with user and password of the backend's URL, at the backend's own origin only.
    pub(crate) fn scrape<'a>(
        &self,
        backend: impl Into<MetricsSource<'a>>,
        mapping: Option<BackendMapping>,
    ) -> anyhow::Result<()> {
        let source = backend.into();
        let pages = self.metrics_pages(source, mapping)?;
        if pages.is_empty() {
            return Ok(());
        }
        let MetricsSource { target: backend, token, .. } = source;
        // Without it, metrics that are open to everyone are scraped nevertheless.
        let token = token.filter(|_| !self.is_in_container);
        let has_login = token.is_some() || has_login(backend);
        // The owner is written first: if this command is killed, the next one can clean up.
        files::write(backend_owner(self.port), owner::this_command())?;
        let (own, others): (Vec<_>, Vec<_>) = pages.into_iter().partition(|page| page.is_of_backend && has_login);
        if !others.is_empty() {
            let others: Vec<_> = others.into_iter().map(|page| page.target).collect();
            files::write(backend_file(self.port), serde_json::to_string(&others)?)?;
        }
        if own.is_empty() {
            return Ok(());
        }
        let own: Vec<_> = own.into_iter().map(|page| page.target.with_login()).collect();
        let folder = login_folder(self.port, if token.is_some() { TOKEN } else { LOGIN });
        files::make_folder(&folder)?;
        let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
        if let Some(token) = token {
            files::write_private(&folder.join(TOKEN_FILE), token.as_bytes())?;
        } else {
            files::write_private(&folder.join(USER_FILE), &decoded(backend.username()))?;
            files::write_private(&folder.join(PASSWORD_FILE), &decoded(backend.password().unwrap_or_default()))?;
        }
        files::write(folder.join("backend.json"), serde_json::to_string(&own)?)
    }

    fn metrics_pages(
        &self,
        source: MetricsSource<'_>,
        mapping: Option<BackendMapping>,
    ) -> anyhow::Result<Vec<MetricsPage>> {
        let backend = source.target;
        if self.prometheus.is_none() || UnixTarget::from_url(backend).is_some() {
            return Ok(Vec::new());
        }
        let mut pages = Vec::new();
        let paths = target_metrics::paths(mapping).into_iter();
        for path in paths.filter(|path| source.unscraped_option(path).is_none()) {
            let url = target_url(backend, path)?;
            let is_of_backend = url.origin() == backend.origin();
            let addresses = source.options.map(|options| fixed_addresses(&url, options)).unwrap_or_default();
            let mut urls = vec![url.clone(); addresses.len().max(1)];
            for (url, address) in urls.iter_mut().zip(addresses) {
                // Fails only for URLs without a host.
                let _ = url.set_ip_host(address.ip());
            }
            let targets = urls.iter().map(|url| self.scrape_target(url));
            pages.extend(targets.map(|target| MetricsPage { target, is_of_backend }));
        }
        Ok(pages)
    }

    fn scrape_target(&self, url: &Url) -> ScrapeTarget {
        let host = url.host_str().unwrap_or_default();
        let local = prometheus_store::is_this_machine(url);
        let host = self.backend_host.filter(|_| local).unwrap_or(host);
        let port = url.port_or_known_default().unwrap_or(80);
        ScrapeTarget::new(format!("{host}:{port}"), url.scheme() == "https", url.path())
    }

    /// Waits until Prometheus has dropped the series of backends at other addresses, which it
    /// scraped for an earlier run. It does so two scrapes after it has lost one. Until then, a
    /// query gives their values as those of this run.
    pub(crate) async fn wait_for_dropped_backends(
        &self,
        backend: MetricsSource<'_>,
        mapping: Option<BackendMapping>,
    ) -> anyhow::Result<()> {
        const LIMIT: Duration = Duration::from_secs(SCRAPE_INTERVAL.as_secs() * 4);
        const PAUSE: Duration = Duration::from_millis(250);
        let Some(url) = &self.prometheus else { return Ok(()) };
        let pages = self.metrics_pages(backend, mapping)?;
        let up = Selector::new("up").with(JOB, BACKEND_JOB);
        let others = pages.iter().fold(up, |up, page| up.without(INSTANCE, page.target.instance()));
        let others = others.now().max_by(&[]).to_string();
        let store = http::prometheus(url, &StoreAccess::default())?;
        let begin = clock::instant();
        let mut is_shown = false;
        loop {
            match store.value(&others, Moment::now().0).await {
                Ok(None) => return Ok(()),
                Ok(Some(_)) if clock::instant() - begin > LIMIT => {
                    print_note(&format!(
                        "warning: {url} still has metrics of an earlier backend, and values of the backend may be those: \
                         stop that Prometheus with cargo xtask stack down"
                    ));
                    return Ok(());
                }
                Ok(Some(_)) if !is_shown => {
                    is_shown = true;
                    print_note(&format!(
                        "{url} still has metrics of an earlier backend: waiting until it drops them, {} s at most",
                        LIMIT.as_secs()
                    ));
                }
                Ok(Some(_)) => {}
                Err(error) => {
                    print_note(&format!("warning: values of the backend may be those of an earlier one: {error}"));
                    return Ok(());
                }
            }
            time::sleep(PAUSE).await;
        }
    }

    /// Ends the scraping of the backend.
    pub(crate) fn forget_backend(&self) -> anyhow::Result<()> {
        if self.prometheus.is_some() { forget_backend(self.port) } else { Ok(()) }
    }

    /// Whether the containers have a network of their own.
    pub(crate) const fn is_on_a_bridge(&self) -> bool {
        self.backend_host.is_some()
    }

    /// The URL of a Grafana that was running before this command.
    pub(crate) fn found_grafana(&self) -> Option<&Url> {
        self.grafana.as_ref().filter(|_| self.started.is_empty())
    }

    /// Stops the parts that this command started.
    pub(crate) async fn down(&self) -> anyhow::Result<()> {
        stop(&self.started).await
    }
}

/// The file from which a stack's Prometheus reads the address of the backend.
fn backend_file(prometheus_port: u16) -> PathBuf {
    stack_folder(prometheus_port).join(TARGETS).join("backend.json")
}

/// The folder from which a stack's Prometheus reads a backend with a login of one kind. It has the
/// backend's address, and user and password ([`LOGIN`]) or the token ([`TOKEN`]).
fn login_folder(prometheus_port: u16, kind: &str) -> PathBuf {
    stack_folder(prometheus_port).join(TARGETS).join(kind)
}

/// The file that names the owner of the backend's file.
fn backend_owner(prometheus_port: u16) -> PathBuf {
    stack_folder(prometheus_port).join("backend-owner")
}

/// Removes the backend's files, with user, password and token, and its owner's.
fn forget_backend(prometheus_port: u16) -> anyhow::Result<()> {
    [LOGIN, TOKEN].iter().try_for_each(|kind| files::remove_folder(&login_folder(prometheus_port, kind)))?;
    files::remove_file(&backend_file(prometheus_port))?;
    files::remove_file(&backend_owner(prometheus_port))
}

/// The folder in which a stack's archive is unpacked.
pub(crate) fn archive_folder(prometheus_port: u16) -> anyhow::Result<PathBuf> {
    Ok(std::path::absolute(stack_folder(prometheus_port).join(ARCHIVE))?)
}

fn make_targets_folder(prometheus_port: u16) -> anyhow::Result<PathBuf> {
    let folder = stack_folder(prometheus_port).join(TARGETS);
    files::make_folder(&folder)?;
    Ok(folder)
}

/// Fails if another program uses the port. `alternative` follows the advice to choose another port.
fn check_port(port: u16, service: &'static str, flag: &'static str, alternative: &str) -> Result<(), StackError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(drop).map_err(|error| StackError::PortInUse {
        port,
        service,
        holder: ports::holder(port).unwrap_or_else(|| error.to_string()),
        flag,
        alternative: alternative.to_owned(),
    })
}

/// Fails if the stack belongs to another running command.
///
/// That command stops the stack when it ends, so this command must neither use nor replace it.
fn check_owner(owner: &str, stack: u16) -> Result<(), StackError> {
    owner::running_owner(owner).map_or(Ok(()), |pid| Err(StackError::InUse { stack, pid }))
}

fn check_prometheus_port(port: u16) -> Result<(), StackError> {
    let alternative = format!(", or use the store there with --prometheus-url http://127.0.0.1:{port}");
    check_port(port, "Prometheus", "--prometheus-port", &alternative)
}

fn check_grafana_port(port: u16) -> Result<(), StackError> {
    check_port(port, "Grafana", "--grafana-port", ", or run without Grafana: --no-grafana")
}

pub(crate) fn local_url(port: u16) -> anyhow::Result<Url> {
    Ok(Url::parse(&format!("http://127.0.0.1:{port}/"))?)
}

#[cfg(test)]
mod tests;
