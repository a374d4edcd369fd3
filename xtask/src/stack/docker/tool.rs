//! Runs promtool in a container of its own.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures::StreamExt as _;
use testcontainers::bollard::Docker;
use testcontainers::bollard::models::{ContainerCreateBody, HostConfig};
use testcontainers::bollard::query_parameters::{CreateContainerOptions, StartContainerOptions, WaitContainerOptions};
use tokio::time;

use super::super::Images;
use super::{CREATED_BY, OWNER, WORKSPACE, connect, container, container_spec};
use crate::host::{owner, workspace};

/// The mount point of the folder in the container.
const WORK: &str = "/work";
/// Time limit. The series of a run become blocks in seconds, those of a month in minutes.
const PATIENCE: Duration = Duration::from_secs(1_800);

/// Runs the promtool of Prometheus' image in a folder of this machine, as the current user and
/// without a network.
pub(crate) async fn promtool(folder: &Path, arguments: &[String]) -> anyhow::Result<()> {
    let docker = connect().await?;
    let folder = std::path::absolute(folder)?;
    let name = format!("perf-{}-promtool-{}", workspace::id(), std::process::id());
    let body = ContainerCreateBody {
        image: Some(Images::from_environment().prometheus.name),
        entrypoint: Some(vec!["/bin/promtool".to_owned()]),
        cmd: Some(arguments.to_vec()),
        working_dir: Some(WORK.to_owned()),
        user: container_spec::user_of_files(),
        // Only the folder is writable, and temporary files may be too large for memory.
        env: Some(vec![format!("TMPDIR={WORK}")]),
        labels: Some(
            [
                (WORKSPACE.to_owned(), workspace::id()),
                (OWNER.to_owned(), owner::this_command()),
                (CREATED_BY.to_owned(), owner::this_command()),
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
    docker.create_container(Some(options), body).await.context("failed to create a container for promtool")?;
    let exit_code = match time::timeout(PATIENCE, run(&docker, &name)).await {
        Ok(exit_code) => exit_code,
        Err(_) => Err(anyhow::anyhow!("promtool did not end within {PATIENCE:?}")),
    };
    let last_line = container::last_log_line(&docker, &name).await;
    container::remove(&docker, &name).await?;
    match exit_code? {
        0 => Ok(()),
        code => bail!("promtool failed with exit code {code}: {last_line}"),
    }
}

/// Starts the container and waits for its exit code.
async fn run(docker: &Docker, name: &str) -> anyhow::Result<i64> {
    docker.start_container(name, None::<StartContainerOptions>).await.context("failed to start promtool")?;
    let mut ended = docker.wait_container(name, None::<WaitContainerOptions>);
    match ended.next().await {
        Some(Ok(ended)) => Ok(ended.status_code),
        Some(Err(testcontainers::bollard::errors::Error::DockerContainerWaitError { code, .. })) => Ok(code),
        Some(Err(error)) => Err(error).context("failed to wait for promtool"),
        None => bail!("Docker did not report the exit code of promtool"),
    }
}
