//! Containers of this clone: finding them, removing them, and reading their logs.

use std::collections::HashMap;

use anyhow::Context as _;
use futures::StreamExt as _;
use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error as DockerError;
use testcontainers::bollard::models::ContainerSummaryStateEnum;
use testcontainers::bollard::query_parameters::{
    InspectContainerOptions, ListContainersOptions, LogsOptions, RemoveContainerOptions,
};

use crate::host::{owner, workspace};

/// Label: the clone of the repository that a container belongs to.
pub(super) const WORKSPACE: &str = "dev.perf.workspace";
/// Label: the hash of everything that a container is made from. A container with another hash is
/// replaced, not reused.
pub(super) const CONFIG_HASH: &str = "dev.perf.making";
/// Label: the command that removes the container when it ends; empty for a container that stays.
pub(super) const OWNER: &str = "dev.perf.owner";
/// Label: the command that created the container.
pub(super) const CREATED_BY: &str = "dev.perf.maker";
/// Label: whether the data outlives the container.
pub(super) const KEEPS_DATA: &str = "dev.perf.keeps";
/// Label: the port of the stack's Prometheus, which identifies the stack.
pub(super) const PORT: &str = "dev.perf.prometheus-port";
/// Label: the URL for users.
pub(super) const URL: &str = "dev.perf.url";

/// The state and labels of a container.
pub(super) struct ExistingContainer {
    pub(super) running: bool,
    pub(super) config_hash: String,
    pub(super) keeps_data: bool,
    pub(super) owner: String,
    pub(super) created_by: String,
}

/// The container of that name, if it exists.
pub(super) async fn inspect(docker: &Docker, name: &str) -> anyhow::Result<Option<ExistingContainer>> {
    match docker.inspect_container(name, None::<InspectContainerOptions>).await {
        Ok(found) => {
            let labels = found.config.and_then(|config| config.labels).unwrap_or_default();
            Ok(Some(ExistingContainer {
                running: found.state.and_then(|state| state.running).unwrap_or(false),
                config_hash: labels.get(CONFIG_HASH).cloned().unwrap_or_default(),
                created_by: labels.get(CREATED_BY).cloned().unwrap_or_default(),
                owner: labels.get(OWNER).cloned().unwrap_or_default(),
                keeps_data: labels.get(KEEPS_DATA).is_some_and(|keeps| keeps == "true"),
            }))
        }
        Err(DockerError::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("failed to inspect container {name}")),
    }
}

/// Ends a container, and removes it with its anonymous volumes. A named volume stays.
pub(super) async fn remove(docker: &Docker, name: &str) -> anyhow::Result<()> {
    let options = RemoveContainerOptions { v: true, force: true, ..RemoveContainerOptions::default() };
    match docker.remove_container(name, Some(options)).await {
        Ok(()) | Err(DockerError::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("failed to remove container {name}")),
    }
}

/// Removes a container if this command has created it. Another command may have been faster to
/// create that name.
pub(super) async fn remove_if_made_here(docker: &Docker, name: &str) -> anyhow::Result<()> {
    match inspect(docker, name).await? {
        Some(found) if found.created_by == owner::this_command() => remove(docker, name).await,
        _ => Ok(()),
    }
}

pub(super) struct OwnContainer {
    pub(super) name: String,
    pub(super) image: String,
    pub(super) state: String,
    pub(super) url: String,
    pub(super) network: String,
    pub(super) owner: String,
    pub(super) created_by: String,
    pub(super) running: bool,
}

/// This clone's containers, in the order of their names.
pub(super) async fn list_own(docker: &Docker, only: Option<u16>) -> anyhow::Result<Vec<OwnContainer>> {
    let mut labels = vec![format!("{WORKSPACE}={}", workspace::id())];
    labels.extend(only.map(|port| format!("{PORT}={port}")));
    let filters = Some(HashMap::from([("label".to_owned(), labels)]));
    let options = ListContainersOptions { all: true, filters, ..ListContainersOptions::default() };
    let found = docker.list_containers(Some(options)).await.context("failed to list containers")?;
    let mut own: Vec<_> = found
        .into_iter()
        .filter_map(|found| {
            let label = |name: &str| found.labels.as_ref()?.get(name).cloned();
            Some(OwnContainer {
                name: found.names.as_ref()?.first()?.trim_start_matches('/').to_owned(),
                url: label(URL).unwrap_or_default(),
                owner: label(OWNER).unwrap_or_default(),
                created_by: label(CREATED_BY).unwrap_or_default(),
                image: found.image.clone().unwrap_or_default(),
                state: found.status.clone().unwrap_or_default(),
                running: found.state == Some(ContainerSummaryStateEnum::RUNNING),
                network: found.host_config.as_ref().and_then(|host| host.network_mode.clone()).unwrap_or_default(),
            })
        })
        .collect();
    own.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(own)
}

/// The last line of a container's log, which usually says why it ended.
pub(super) async fn last_log_line(docker: &Docker, name: &str) -> String {
    let options = LogsOptions { stdout: true, stderr: true, tail: "1".to_owned(), ..LogsOptions::default() };
    let mut lines = docker.logs(name, Some(options));
    let mut last = String::new();
    while let Some(Ok(line)) = lines.next().await {
        last = line.to_string().trim().to_owned();
    }
    last
}

/// The last lines of a container's log, and with `follow` the new ones. Each begins with the
/// container's name.
pub(super) fn stream_log<'a>(
    docker: &'a Docker,
    name: &'a str,
    follow: bool,
) -> futures::stream::BoxStream<'a, anyhow::Result<String>> {
    let options = LogsOptions { stdout: true, stderr: true, follow, tail: "50".to_owned(), ..LogsOptions::default() };
    let lines = docker.logs(name, Some(options));
    lines.map(move |line| Ok(format!("{name}  {}", line?.to_string().trim_end()))).boxed()
}
