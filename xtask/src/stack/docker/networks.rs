//! Networks of this clone's stacks, for containers that cannot use the host's network.

use std::collections::{HashMap, HashSet};

use testcontainers::bollard::Docker;
use testcontainers::bollard::models::{Network, NetworkCreateRequest};
use testcontainers::bollard::query_parameters::ListNetworksOptions;
use testcontainers::core::client::docker_client_instance;

use crate::host::cleanup::Cleanup;
use crate::host::{owner, workspace};

/// Creates a network that outlives this process, unless it exists.
///
/// testcontainers would remove its own networks. Docker allows two networks of one name, and can
/// then find neither by that name.
pub(super) async fn create(name: &str) -> anyhow::Result<()> {
    let docker = docker_client_instance().await?;
    if list_own(&docker).await?.iter().any(|known| known.name == name) {
        return Ok(());
    }
    let request = NetworkCreateRequest {
        name: name.to_owned(),
        labels: Some(HashMap::from([
            (super::WORKSPACE.to_owned(), workspace::id()),
            (super::CREATED_BY.to_owned(), owner::this_command()),
        ])),
        ..NetworkCreateRequest::default()
    };
    docker.create_network(request).await?;
    Ok(())
}

struct OwnNetwork {
    name: String,
    id: String,
    /// The command that created the network.
    created_by: String,
}

async fn list_own(docker: &Docker) -> anyhow::Result<Vec<OwnNetwork>> {
    let label = format!("{}={}", super::WORKSPACE, workspace::id());
    let filters = Some(HashMap::from([("label".to_owned(), vec![label])]));
    let networks = docker.list_networks(Some(ListNetworksOptions { filters })).await?;
    let network = |found: Network| {
        let created_by = found.labels.and_then(|labels| labels.get(super::CREATED_BY).cloned()).unwrap_or_default();
        Some(OwnNetwork { name: found.name?, id: found.id?, created_by })
    };
    Ok(networks.into_iter().filter_map(network).collect())
}

/// Removes this clone's networks that are not in use.
pub(super) async fn remove_idle(docker: &Docker, in_use: &HashSet<String>) -> anyhow::Result<()> {
    // A running command that has just created a network is about to use it.
    for network in unused(docker, in_use).await?.filter(|network| owner::running_owner(&network.created_by).is_none()) {
        docker.remove_network(&network.id).await?;
    }
    Ok(())
}

/// Removes unused networks that were created by a command that has ended.
pub(super) async fn clean_up(docker: &Docker, in_use: &HashSet<String>, cleanup: &mut Cleanup) {
    let unused = cleanup.ok_or_record(unused(docker, in_use).await);
    for network in unused.into_iter().flatten().filter(|network| owner::is_gone(&network.created_by)) {
        let removed = docker.remove_network(&network.id).await.map_err(anyhow::Error::from);
        cleanup.record(removed, || format!("network {}", network.name));
    }
}

async fn unused(docker: &Docker, in_use: &HashSet<String>) -> anyhow::Result<impl Iterator<Item = OwnNetwork>> {
    Ok(list_own(docker).await?.into_iter().filter(|network| !in_use.contains(&network.name)))
}
