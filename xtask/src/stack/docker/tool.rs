//! Prometheus' tool, run once in a container of its own.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures::StreamExt as _;
use testcontainers::bollard::Docker;
use testcontainers::bollard::models::{ContainerCreateBody, HostConfig};
use testcontainers::bollard::query_parameters::{CreateContainerOptions, StartContainerOptions, WaitContainerOptions};
use tokio::time;

use super::super::Images;
use super::{MAKER, OWNER, WORKSPACE, connect, container_spec, remove};
use crate::host::owner;
use crate::workspace;

/// Where the folder is, for the tool.
const WORK: &str = "/work";
/// Series of a run become blocks in seconds, those of a month in minutes.
const PATIENCE: Duration = Duration::from_secs(1_800);

/// Runs `promtool` in a folder of this machine, as its owner and without a network.
pub(in super::super) async fn promtool(folder: &Path, arguments: &[String]) -> anyhow::Result<()> {
    let docker = connect().await?;
    let folder = std::path::absolute(folder)?;
    let name = format!("perf-{}-promtool-{}", workspace::id(), std::process::id());
    let body = ContainerCreateBody {
        image: Some(Images::chosen().prometheus.name),
        entrypoint: Some(vec!["/bin/promtool".to_owned()]),
        cmd: Some(arguments.to_vec()),
        working_dir: Some(WORK.to_owned()),
        user: container_spec::user_of_files(),
        // Nothing else can be written to, and what it puts aside may be too much for memory.
        env: Some(vec![format!("TMPDIR={WORK}")]),
        labels: Some(
            [
                (WORKSPACE.to_owned(), workspace::id()),
                (OWNER.to_owned(), owner::owner()),
                (MAKER.to_owned(), owner::owner()),
            ]
            .into(),
        ),
        host_config: Some(HostConfig {
            binds: Some(vec![format!("{}:{WORK}:z", folder.display())]),
            network_mode: Some("none".to_owned()),
            readonly_rootfs: Some(true),
            cap_drop: Some(vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges:true".to_owned()]),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    };
    let options = CreateContainerOptions { name: Some(name.clone()), ..CreateContainerOptions::default() };
    docker.create_container(Some(options), body).await.context("failed to make a container for promtool")?;
    let ended = match time::timeout(PATIENCE, wait(&docker, &name)).await {
        Ok(ended) => ended,
        Err(_) => Err(anyhow::anyhow!("promtool had not ended after {PATIENCE:?}")),
    };
    let said = super::container::tail(&docker, &name).await;
    remove(&docker, &name).await?;
    match ended? {
        0 => Ok(()),
        code => bail!("promtool ended with {code}: {said}"),
    }
}

async fn wait(docker: &Docker, name: &str) -> anyhow::Result<i64> {
    docker.start_container(name, None::<StartContainerOptions>).await.context("failed to start promtool")?;
    let mut ended = docker.wait_container(name, None::<WaitContainerOptions>);
    match ended.next().await {
        Some(Ok(ended)) => Ok(ended.status_code),
        Some(Err(testcontainers::bollard::errors::Error::DockerContainerWaitError { code, .. })) => Ok(code),
        Some(Err(error)) => Err(error).context("failed to wait for promtool"),
        None => bail!("Docker did not say how promtool ended"),
    }
}
