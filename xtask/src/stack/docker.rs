//! Prometheus and Grafana in containers, through testcontainers.
//!
//! Both are reachable from this machine only. On Linux they share the host's network and listen on
//! its loopback interface, so that Prometheus can scrape a backend that listens there too. With
//! Docker Desktop and rootless Docker, the host's network is not this machine's. There, the
//! containers get a bridge network and published ports. The right network is found by trying.

mod container;
mod container_spec;
mod error_chain;
mod networks;
mod pull;
mod supported_limits;
mod tool;

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Context as _;
use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::RemoveVolumeOptions;
use testcontainers::core::client::docker_client_instance;
use tokio::time;

use super::docker_host::{self, DockerSearch};
use super::stack_error::ContainerError;
use super::{
    Images, Stack, StackError, StackOptions, StackPart, UnavailableError, check_grafana_port, check_owner,
    check_prometheus_port, local_url, make_targets_folder,
};
use crate::host::cleanup::Cleanup;
use crate::host::terminal::print_note;
use crate::host::{http, owner, workspace};
use container::{
    CONFIG_HASH, CREATED_BY, KEEPS_DATA, OWNER, OwnContainer, PORT, URL, WORKSPACE, inspect, list_own,
    remove_if_made_here,
};
use container_spec::{ContainerSpec, Network, Role};
use error_chain::ErrorChain;
pub(crate) use tool::promtool;

/// Time limit for Docker to respond.
const PATIENCE: Duration = Duration::from_secs(5);
/// Time limit for a service to be ready once it listens. On the wrong network it never is.
const READY: Duration = Duration::from_secs(10);

/// Starts the containers, or reuses the running ones.
pub(super) async fn up(options: &StackOptions) -> Result<Stack, StackError> {
    let docker = connect().await?;
    let images = Images::from_environment();
    let port = options.prometheus_port;
    make_targets_folder(port)?;
    let (prometheus, network) = prometheus(&docker, options, &images).await?;
    let mut stack = Stack {
        prometheus: Some(prometheus),
        port,
        backend_host: (network == Network::Bridge).then_some("host.docker.internal"),
        is_in_container: true,
        ..Stack::default()
    };
    if options.grafana {
        let spec = ContainerSpec::grafana(options, &images, network)?;
        match start(&docker, &spec, network).await {
            Ok(()) => stack.grafana = Some(local_url(options.grafana_port)?),
            // A taken port is an error, since the user can choose another. Any other problem is a
            // warning: the verdict does not depend on Grafana.
            Err(error) if error.is_mistake() => return Err(error),
            Err(error) => print_note(&format!("warning: no dashboard: {error}")),
        }
    }
    Ok(stack)
}

/// Starts Prometheus. Returns its URL and its network.
async fn prometheus(
    docker: &Docker,
    options: &StackOptions,
    images: &Images,
) -> Result<(url::Url, Network), StackError> {
    let url = local_url(options.prometheus_port)?;
    // If the existing container is on a bridge, the host's network did not work before.
    let bridged = ContainerSpec::prometheus(options, images, Network::Bridge)?;
    let found = inspect(docker, &bridged.name).await?;
    let bridge_first = found.is_some_and(|found| found.config_hash == bridged.config_hash(Network::Bridge));
    let (mut network, mut other) = match (workspace::var(docker_host::NETWORK).as_deref(), bridge_first) {
        (Some("host"), _) => (Network::Host, None),
        (Some("bridge"), _) => (Network::Bridge, None),
        (Some(other), _) => return Err(StackError::UnknownNetwork(other.to_owned())),
        (None, true) => (Network::Bridge, Some(Network::Host)),
        (None, false) => (Network::Host, Some(Network::Bridge)),
    };
    loop {
        let spec = ContainerSpec::prometheus(options, images, network)?;
        match start(docker, &spec, network).await {
            Ok(()) => return Ok((url, network)),
            Err(error @ StackError::Unavailable(_)) => {
                // A running container that is not reachable has the network of another machine.
                let unreachable = inspect(docker, &spec.name).await?.is_some_and(|found| found.running);
                remove_if_made_here(docker, &spec.name).await?;
                network = other.take().filter(|_| unreachable).ok_or(error)?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Starts the service, unless a container made from the same specification is running.
async fn start(docker: &Docker, spec: &ContainerSpec, network: Network) -> Result<(), StackError> {
    let config_hash = spec.config_hash(network);
    let ready = local_url(spec.port)?.join(spec.ready_path).context("failed to make a URL")?;
    if let Some(found) = inspect(docker, &spec.name).await? {
        // Checked before `running`: the other command may be about to start the container.
        check_owner(&found.owner, spec.stack_port)?;
        // A run that keeps no data may use a stack that keeps data, but not the other way round.
        let keeps_enough = found.keeps_data || spec.volume.is_none();
        if found.running && found.config_hash == config_hash && keeps_enough && http::ready(&ready, READY).await? {
            return Ok(());
        }
        container::remove(docker, &spec.name).await?;
    }
    match spec.role {
        Role::Prometheus => check_prometheus_port(spec.port)?,
        Role::Grafana => check_grafana_port(spec.port)?,
    }
    if docker.inspect_image(&spec.image).await.is_err() {
        eprintln!("pulling {} (only the first time)", spec.image);
        pull::pull_without_credentials(docker, &spec.image, container_spec::WITH_PULL).await;
    }
    let labels = [
        (WORKSPACE, workspace::id()),
        (CONFIG_HASH, config_hash),
        (PORT, spec.stack_port.to_string()),
        (URL, local_url(spec.port)?.to_string()),
        (KEEPS_DATA, spec.volume.is_some().to_string()),
        (OWNER, spec.owner.clone()),
        (CREATED_BY, owner::this_command()),
    ];
    if let Err(error) = spec.start(network, labels).await {
        let log = container::last_log_line(docker, &spec.name).await;
        remove_if_made_here(docker, &spec.name).await?;
        let log = if log.is_empty() { String::new() } else { format!("; last line of its log: {log}") };
        // An image that the user chose must start. In place of the official image, another kind of
        // stack will do.
        let failed = ContainerError { image: spec.image.clone(), why: format!("{error}{log}") };
        return Err(match spec.image_is_chosen {
            true => StackError::ChosenImage(failed),
            false => UnavailableError::Container(failed).into(),
        });
    }
    if http::ready(&ready, READY).await? {
        return Ok(());
    }
    Err(UnavailableError::NotReachable { image: spec.image.clone(), url: ready.to_string() }.into())
}

/// The remedy if no Docker was found, and the user named none.
const START_DOCKER: &str = "start it, or name another socket with DOCKER_HOST=unix:///PATH";

/// The remedy if this user may not connect to Docker's socket.
const ALLOW: &str = "let this user connect to it (usually the group docker), or name another socket with \
                     DOCKER_HOST=unix:///PATH";
/// The remedy for a Docker that does not work.
const FIX: &str = "fix that, or name another one with DOCKER_HOST";

/// Connects to Docker.
///
/// A missing Docker is `NoDocker`. A Docker that is present but not usable is `UnusableDocker`.
async fn connect() -> Result<Docker, StackError> {
    let DockerSearch { host, tried, .. } = docker_host::search();
    let is_given = workspace::var(docker_host::DOCKER_HOST).is_some();
    let used = host.as_deref().map(|host| docker_host::shown_place(host, is_given)).unwrap_or_default();
    let unusable = |why, remedy| StackError::UnusableDocker { place: used.clone(), why, remedy };
    let missing = |why: &str| -> StackError {
        let (place, remedy) = match is_given {
            true => (format!("at {tried}"), "start it"),
            false => (format!("(tried {tried})"), START_DOCKER),
        };
        UnavailableError::NoDocker { problem: format!("no Docker {place}{why}"), remedy }.into()
    };
    let Some(host) = host else { return Err(missing("")) };
    let docker = docker_client_instance().await.map_err(|error| match docker_host::is_absent(&host) {
        true => missing(""),
        false => missing(&format!(": {error}")),
    })?;
    match time::timeout(PATIENCE, docker.ping()).await {
        Ok(Ok(_)) => Ok(docker),
        Ok(Err(error)) => {
            let chain = ErrorChain(&error);
            let remedy = if chain.is_denied() { ALLOW } else { FIX };
            Err(if chain.is_absence() { missing("") } else { unusable(chain.to_string(), remedy) })
        }
        Err(_) => Err(unusable(format!("it did not respond within {PATIENCE:?}"), FIX)),
    }
}

/// This clone's containers; an empty list without Docker.
///
/// # Errors
/// If Docker is present and does not respond, since its containers are then unknown.
pub(super) async fn parts(only: Option<u16>) -> Result<Vec<StackPart>, StackError> {
    let Some(docker) = connect_if_present().await? else { return Ok(Vec::new()) };
    let here = owner::this_command();
    let part = |found: OwnContainer| StackPart::Container {
        name: found.name,
        running: found.running,
        is_made_here: found.created_by == here,
    };
    Ok(list_own(&docker, only).await?.into_iter().map(part).collect())
}

async fn connect_if_present() -> Result<Option<Docker>, StackError> {
    match connect().await {
        Ok(docker) => Ok(Some(docker)),
        Err(StackError::Unavailable(UnavailableError::NoDocker { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes containers whose owner is gone, and the networks that are idle then.
pub(super) async fn clean_up(cleanup: &mut Cleanup) {
    // Commands that need Docker report its errors.
    let Ok(docker) = connect().await else { return };
    let found = cleanup.ok_or_record(list_own(&docker, None).await);
    for found in found.iter().flatten().filter(|found| owner::is_gone(&found.owner)) {
        cleanup.record(container::remove(&docker, &found.name).await, || format!("container {}", found.name));
    }
    if let Some(in_use) = cleanup.ok_or_record(networks_in_use(&docker).await) {
        networks::clean_up(&docker, &in_use, cleanup).await;
    }
}

/// Ends and removes a container of this clone.
pub(super) async fn remove_container(name: &str) -> anyhow::Result<()> {
    container::remove(&connect().await?, name).await
}

/// Removes the networks of this clone that no container uses.
pub(super) async fn remove_idle_networks() -> anyhow::Result<()> {
    let docker = connect().await?;
    let in_use = networks_in_use(&docker).await?;
    networks::remove_idle(&docker, &in_use).await
}

async fn networks_in_use(docker: &Docker) -> anyhow::Result<HashSet<String>> {
    Ok(list_own(docker, None).await?.into_iter().map(|container| container.network).collect())
}

/// A line for each container of this clone, and its URL.
pub(crate) async fn status() -> anyhow::Result<Vec<(String, Option<url::Url>)>> {
    let Some(docker) = connect_if_present().await? else { return Ok(Vec::new()) };
    let line = |found: OwnContainer| {
        let url = url::Url::parse(&found.url).ok();
        (format!("{}  {}  {} ({})", found.name, found.url, found.state, found.image), url)
    };
    Ok(list_own(&docker, None).await?.into_iter().map(line).collect())
}

pub(crate) async fn version() -> Result<String, StackError> {
    let version = connect().await?.version().await.context("failed to ask Docker for its version")?;
    Ok(version.version.unwrap_or_else(|| "of unknown version".to_owned()))
}

/// Whether an image is present, so that it needs no pull.
pub(crate) async fn has_image(name: &str) -> Result<bool, StackError> {
    Ok(connect().await?.inspect_image(name).await.is_ok())
}

/// Name and last log line of this clone's containers that have ended.
pub(crate) async fn ended_containers() -> anyhow::Result<Vec<(String, String)>> {
    let Some(docker) = connect_if_present().await? else { return Ok(Vec::new()) };
    let mut ended = Vec::new();
    for found in list_own(&docker, None).await?.into_iter().filter(|found| !found.running) {
        let last = container::last_log_line(&docker, &found.name).await;
        ended.push((found.name, last));
    }
    Ok(ended)
}

/// Prints the last log lines of this clone's containers; with `follow`, also new lines.
///
/// Returns the number of containers.
pub(crate) async fn logs(follow: bool) -> anyhow::Result<usize> {
    let Some(docker) = connect_if_present().await? else { return Ok(0) };
    let own = list_own(&docker, None).await?;
    let mut all =
        futures::stream::select_all(own.iter().map(|found| container::stream_log(&docker, &found.name, follow)));
    while let Some(line) = futures::StreamExt::next(&mut all).await {
        crate::host::terminal::print_line(&line?);
    }
    Ok(own.len())
}

/// The names of the volumes with this clone's data.
pub(crate) async fn volumes(only: Option<u16>) -> anyhow::Result<Vec<String>> {
    let Some(docker) = connect_if_present().await? else { return Ok(Vec::new()) };
    container_spec::volumes(&docker, only).await
}

/// Removes the volumes with this clone's data. Their containers must be removed before.
pub(crate) async fn remove_volumes(only: Option<u16>) -> anyhow::Result<()> {
    let Some(docker) = connect_if_present().await? else { return Ok(()) };
    for name in container_spec::volumes(&docker, only).await? {
        let removed = docker.remove_volume(&name, None::<RemoveVolumeOptions>).await;
        removed.with_context(|| format!("failed to remove volume {name}"))?;
    }
    Ok(())
}
