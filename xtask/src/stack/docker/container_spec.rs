//! The specification of a container of the stack: program, mounts, limits, and its start.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use dashboards::provisioning::{DASHBOARDS, PROMETHEUS_URL};
use dashboards::service_dashboard::{PROMETHEUS_LINK, REPORTS};
use monitoring::prometheus::config::{CONTAINER_FOLDER, TARGETS};
use monitoring::prometheus::recording_rules::Timing;
use testcontainers::bollard::Docker;
use testcontainers::bollard::models::{HostConfig, Mount, MountType};
use testcontainers::bollard::query_parameters::ListVolumesOptions;
use testcontainers::core::client::docker_client_instance;
use testcontainers::core::wait::LogWaitStrategy;
use testcontainers::core::{Host, IntoContainerPort as _, WaitFor};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerRequest, GenericImage, ImageExt as _, ReuseDirective};
use tokio::time;

use super::networks;
use super::supported_limits::SupportedLimits;
use crate::host::{files, owner, workspace};
use crate::stack::images::{self, Images};
use crate::stack::limits::{self, Limits};
use crate::stack::stack_options::{PROMETHEUS_PORT, StackOptions, stack_folder};

/// Time limit from a container's creation to the log line that says it listens.
const STARTUP: Duration = Duration::from_secs(60);
/// Time limit of the start with a pull of the image, which testcontainers does not limit.
pub(super) const WITH_PULL: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Network {
    /// The network of this machine.
    Host,
    /// A network of the stack, with ports published on the loopback interface.
    Bridge,
}

/// The service that a container runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Prometheus,
    Grafana,
}

impl Role {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::Grafana => "grafana",
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct ContainerSpec {
    pub(super) role: Role,
    pub(super) name: String,
    pub(super) image: String,
    /// Whether the user chose the image.
    pub(super) image_is_chosen: bool,
    /// The port of the stack's Prometheus.
    pub(super) stack_port: u16,
    /// The port on 127.0.0.1.
    pub(super) port: u16,
    /// The port in the container, if it is on a bridge.
    inner_port: u16,
    /// The path that responds with success once the service is ready.
    pub(super) ready_path: &'static str,
    /// Text that the service logs once it listens.
    listening_log_line: &'static str,
    command: Vec<String>,
    environment: Vec<(&'static str, String)>,
    /// `source:target:options`, in Docker's notation.
    binds: Vec<String>,
    /// The named volume for data that outlives the container, in Docker's notation of binds.
    pub(super) volume: Option<String>,
    /// The user that the container runs as, if not the image's.
    user: Option<String>,
    /// Limits on memory, processor time and processes.
    limits: Limits,
    /// The command that removes the container when it ends; empty for a container that stays.
    pub(super) owner: String,
    /// The folder of data that is removed with the container, if there is no volume.
    data_folder: Option<&'static str>,
    /// Writable folders in memory, besides the mounted ones.
    memory_folders: &'static [&'static str],
}

/// Mount options of folders in memory: limited in size, without executables.
const MEMORY_FOLDER: &str = "rw,noexec,nosuid,nodev,size=128m,mode=1777";
/// The user "nobody", for images that would run as root.
const NOBODY: &str = "65534:65534";

fn name(options: &StackOptions, role: Role) -> String {
    format!("perf-{}-{}-{}", workspace::id(), options.prometheus_port, role.as_str())
}

/// This command, if the stack belongs to it; otherwise empty.
fn owner(options: &StackOptions) -> String {
    if options.keep_data || options.archive.is_some() { String::new() } else { owner::this_command() }
}

/// A read-only bind of a file or folder of this machine. `z` is for SELinux and has no effect
/// elsewhere.
fn read_only_bind(source: &Path, target: &str) -> String {
    format!("{}:{target}:ro,z", source.display())
}

/// The folder of dashboards whose links have the port of Prometheus: a copy, unless it is the
/// default port.
fn dashboards_with_port(dashboards: &Path, prometheus_port: u16) -> anyhow::Result<PathBuf> {
    if prometheus_port == PROMETHEUS_PORT {
        return Ok(dashboards.to_owned());
    }
    let folder = std::path::absolute(stack_folder(prometheus_port))?.join("dashboards");
    files::make_folder(&folder)?;
    let link = PROMETHEUS_LINK.replace(&PROMETHEUS_PORT.to_string(), &prometheus_port.to_string());
    for entry in files::list(dashboards)? {
        let (path, name) = {
            let entry = entry?;
            (entry.path(), entry.file_name())
        };
        let text = files::read(&path)?;
        fs::write(folder.join(name), text.replace(PROMETHEUS_LINK, &link)).context("failed to copy a dashboard")?;
    }
    Ok(folder)
}

impl ContainerSpec {
    pub(super) fn prometheus(options: &StackOptions, images: &Images, network: Network) -> anyhow::Result<Self> {
        let port = options.prometheus_port;
        let inner_port = 9090;
        let generated = if options.timing == Timing::USUAL {
            workspace::root().join("monitoring/prometheus")
        } else {
            let folder = std::path::absolute(stack_folder(port))?.join("configuration");
            options.write_configuration(&folder)?;
            folder
        };
        let targets = stack_folder(port).join(TARGETS);
        let mut binds = vec![
            read_only_bind(&generated.join("prometheus.yml"), "/etc/prometheus/prometheus.yml"),
            read_only_bind(&generated.join("rules"), "/etc/prometheus/rules"),
            read_only_bind(&std::path::absolute(targets)?, &format!("{CONTAINER_FOLDER}/{TARGETS}")),
        ];
        let container_name = name(options, Role::Prometheus);
        // A named volume, since testcontainers and `docker rm -v` remove anonymous volumes with the
        // container.
        let volume = (options.keep_data && options.archive.is_none()).then(|| format!("{container_name}:/prometheus"));
        binds.extend(options.archive.as_ref().map(|archive| format!("{}:/prometheus:z", archive.data.display())));
        let listen = match network {
            Network::Host => format!("127.0.0.1:{port}"),
            Network::Bridge => format!("0.0.0.0:{inner_port}"),
        };
        Ok(Self {
            role: Role::Prometheus,
            image: images.prometheus.name.clone(),
            image_is_chosen: images.prometheus.is_chosen,
            stack_port: port,
            port,
            inner_port,
            ready_path: "-/ready",
            listening_log_line: "Server is ready to receive web requests.",
            command: [
                "--config.file=/etc/prometheus/prometheus.yml".to_owned(),
                "--storage.tsdb.path=/prometheus".to_owned(),
                format!("--web.listen-address={listen}"),
            ]
            .into_iter()
            .chain(options.flags())
            .collect(),
            environment: Vec::new(),
            binds,
            volume,
            // The user who unpacked an archive must be able to remove the files beside its blocks.
            user: options.archive.as_ref().and_then(|_| user_of_files()),
            limits: limits::PROMETHEUS,
            data_folder: options.archive.is_none().then_some("/prometheus"),
            memory_folders: &["/tmp"],
            owner: owner(options),
            name: container_name,
        })
    }

    pub(super) fn grafana(options: &StackOptions, images: &Images, network: Network) -> anyhow::Result<Self> {
        let port = options.grafana_port;
        let inner_port = 3000;
        let generated = workspace::root().join("dashboards");
        let dashboards = options.archive.as_ref().map_or(generated.join("json"), |archive| archive.dashboards.clone());
        let dashboards = dashboards_with_port(&dashboards, options.prometheus_port)?;
        let (prometheus, address, listen_port) = match network {
            Network::Host => (format!("http://127.0.0.1:{}", options.prometheus_port), "127.0.0.1", port),
            Network::Bridge => (format!("http://{}:9090", name(options, Role::Prometheus)), "0.0.0.0", inner_port),
        };
        Ok(Self {
            role: Role::Grafana,
            name: name(options, Role::Grafana),
            image: images.grafana.name.clone(),
            // A run goes on without Grafana, even if the user chose its image.
            image_is_chosen: false,
            stack_port: options.prometheus_port,
            port,
            inner_port,
            ready_path: "api/health",
            listening_log_line: "HTTP Server Listen",
            command: Vec::new(),
            environment: grafana_environment(port, address, listen_port, prometheus),
            binds: vec![
                read_only_bind(&generated.join("provisioning/datasources"), "/etc/grafana/provisioning/datasources"),
                read_only_bind(&generated.join("provisioning/dashboards"), "/etc/grafana/provisioning/dashboards"),
                read_only_bind(&dashboards, DASHBOARDS),
                // Grafana serves this folder publicly, so that a dashboard can link to the report
                // of its run.
                read_only_bind(&workspace::state_folder(), &format!("/usr/share/grafana/{REPORTS}")),
            ],
            volume: None,
            user: None,
            limits: limits::GRAFANA,
            data_folder: None,
            memory_folders: &["/tmp", "/var/lib/grafana", "/var/log/grafana"],
            owner: owner(options),
        })
    }

    /// A hash of everything that the container is made from, with the contents of mounted files.
    ///
    /// The volume is left out: a run that keeps no data may reuse a stack that keeps data.
    pub(super) fn config_hash(&self, network: Network) -> String {
        let files = crate::generated_files::generated_files().map(|files| format!("{files:?}")).unwrap_or_default();
        let spec = Self { volume: None, owner: String::new(), ..self.clone() };
        workspace::hash(&[&format!("{spec:?}"), &format!("{network:?}"), &files])
    }

    /// Creates and starts the container, and waits until it logs that it listens.
    pub(super) async fn start(&self, network: Network, labels: [(&str, String); 7]) -> anyhow::Result<()> {
        let mut request = self.request(network).await?.with_labels(labels);
        if let Some(user) = self.user.clone().or(user_instead_of_root(&self.image).await) {
            request = request.with_user(user);
        }
        let limits = SupportedLimits::find(self.limits).await?;
        let spec = self.clone();
        let request = request.with_host_config_modifier(move |host| spec.configure_host(host, network, limits));
        let started = time::timeout(WITH_PULL, request.start()).await;
        started.with_context(|| format!("it did not start within {WITH_PULL:?}"))??;
        Ok(())
    }

    /// The container's program, environment and network. Creates the network if it is a bridge.
    async fn request(&self, network: Network) -> anyhow::Result<ContainerRequest<GenericImage>> {
        let (image, tag) = images::split(&self.image);
        let mut request: ContainerRequest<GenericImage> = GenericImage::new(image, tag)
            .with_wait_for(WaitFor::log(LogWaitStrategy::stdout_or_stderr(self.listening_log_line)))
            .with_container_name(&self.name)
            .with_startup_timeout(STARTUP)
            // The container outlives this process, so that users can view the dashboard.
            .with_reuse(ReuseDirective::Always);
        if !self.command.is_empty() {
            request = request.with_cmd(self.command.clone());
        }
        for (name, value) in &self.environment {
            request = request.with_env_var(*name, value);
        }
        Ok(match network {
            // Set by `configure_host`. testcontainers would create a network named "host" if none
            // is listed, as with Podman.
            Network::Host => request,
            Network::Bridge => {
                let bridge = format!("perf-{}-{}", workspace::id(), self.stack_port);
                networks::create(&bridge).await?;
                request
                    .with_network(bridge)
                    .with_mapped_port(self.port, self.inner_port.tcp())
                    .with_host("host.docker.internal", Host::HostGateway)
            }
        })
    }

    /// Sets the container's mounts, limits and rights.
    fn configure_host(&self, host: &mut HostConfig, network: Network, limits: SupportedLimits) {
        host.binds = Some(self.binds.iter().chain(&self.volume).cloned().collect());
        if network == Network::Host {
            host.network_mode = Some("host".to_owned());
            host.publish_all_ports = None;
        }
        host.memory = limits.memory_bytes;
        host.nano_cpus = limits.nano_cpus;
        host.pids_limit = limits.processes;
        // Containers write to volumes and to memory only, as users who need no capability.
        host.readonly_rootfs = Some(true);
        let in_memory = |folder: &&str| ((*folder).to_owned(), MEMORY_FOLDER.to_owned());
        host.tmpfs = Some(self.memory_folders.iter().map(in_memory).collect());
        let volume =
            |target: &str| Mount { target: Some(target.to_owned()), typ: Some(MountType::VOLUME), ..Mount::default() };
        host.mounts = Some(self.data_folder.filter(|_| self.volume.is_none()).map(volume).into_iter().collect());
        host.cap_drop = Some(vec!["ALL".to_owned()]);
        host.security_opt = Some(vec!["no-new-privileges:true".to_owned()]);
        // Without this address, published ports would be open to the whole network.
        let published = host.port_bindings.iter_mut().flat_map(HashMap::values_mut).flatten().flatten();
        published.for_each(|binding| binding.host_ip = Some("127.0.0.1".to_owned()));
    }
}

/// Grafana's settings. It listens on `address` and `listen_port`; users reach it at `port`.
fn grafana_environment(
    port: u16,
    address: &str,
    listen_port: u16,
    prometheus_url: String,
) -> Vec<(&'static str, String)> {
    let setting = |name, value: &str| (name, value.to_owned());
    vec![
        (PROMETHEUS_URL, prometheus_url),
        setting("GF_SERVER_HTTP_ADDR", address),
        ("GF_SERVER_HTTP_PORT", listen_port.to_string()),
        ("GF_SERVER_ROOT_URL", format!("http://localhost:{port}/")),
        setting("GF_SECURITY_ADMIN_USER", "admin"),
        setting("GF_SECURITY_ADMIN_PASSWORD", "admin"),
        // Anyone who can reach the loopback interface can view dashboards without a login.
        setting("GF_AUTH_ANONYMOUS_ENABLED", "true"),
        setting("GF_AUTH_ANONYMOUS_ORG_ROLE", "Viewer"),
        setting("GF_ANALYTICS_REPORTING_ENABLED", "false"),
        setting("GF_ANALYTICS_CHECK_FOR_UPDATES", "false"),
        setting("GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES", "false"),
        // Preinstalled plugins would write to the read-only root, and the data source would
        // fail.
        setting("GF_PLUGINS_PREINSTALL_DISABLED", "true"),
        // Grafana 13 has its Prometheus data source as a bundled plugin. An update at its
        // start would replace it, or leave none without the internet.
        setting("GF_PLUGINS_PREINSTALL_AUTO_UPDATE", "false"),
        setting("GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED", "true"),
        setting("GF_SECURITY_DISABLE_GRAVATAR", "true"),
        setting("GF_SERVER_ENABLE_GZIP", "false"),
        setting("GF_NEWS_NEWS_FEED_ENABLED", "false"),
    ]
}

/// The user "nobody" for a present image that would run as root. The default images do not.
async fn user_instead_of_root(image: &str) -> Option<String> {
    let found = docker_client_instance().await.ok()?.inspect_image(image).await.ok()?;
    let user = found.config.and_then(|config| config.user).unwrap_or_default();
    let name = user.split(':').next().unwrap_or_default();
    matches!(name, "" | "0" | "root").then(|| NOBODY.to_owned())
}

/// The names of the volumes of this clone, or of one of its stacks.
pub(super) async fn volumes(docker: &Docker, only: Option<u16>) -> anyhow::Result<Vec<String>> {
    let found = docker.list_volumes(None::<ListVolumesOptions>).await.context("failed to list volumes")?;
    let prefix = format!("perf-{}-", workspace::id());
    let is_own = |name: &String| {
        name.strip_prefix(&prefix)
            .and_then(|rest| rest.strip_suffix("-prometheus"))
            .and_then(|port| port.parse::<u16>().ok())
            .is_some_and(|port| only.is_none_or(|only| only == port))
    };
    Ok(found.volumes.unwrap_or_default().into_iter().map(|volume| volume.name).filter(is_own).collect())
}

/// The current user and group, as `uid:gid`.
///
/// A container that runs as another user would write files that the current user cannot remove.
#[cfg(unix)]
pub(super) fn user_of_files() -> Option<String> {
    Some(format!("{}:{}", rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw()))
}

#[cfg(not(unix))]
pub(super) fn user_of_files() -> Option<String> {
    None
}

#[cfg(test)]
mod tests;
