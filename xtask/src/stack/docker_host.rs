//! Finds Docker where users have it: `DOCKER_HOST`, a context of Docker's command line, and the
//! sockets of Docker, rootless Docker, Docker Desktop, OrbStack, Colima, Rancher Desktop, Podman.
//!
//! testcontainers knows only some of these places, and reads `DOCKER_HOST`. A command that finds
//! Docker elsewhere starts itself again with that variable.

use std::path::{Path, PathBuf};

use serde_json::Value;

#[cfg(unix)]
use crate::host::child;
use crate::host::{files, workspace};

/// The variable for Docker's address.
pub(super) const DOCKER_HOST: &str = "DOCKER_HOST";
/// The variable for the container network, host or bridge. Without it, both are tried.
pub(crate) const NETWORK: &str = "PERF_DOCKER_NETWORK";
/// The variable for a context of Docker's command line.
const DOCKER_CONTEXT: &str = "DOCKER_CONTEXT";
/// The variable for the folder of the certificates.
const CERT_PATH: &str = "DOCKER_CERT_PATH";
/// The variable for an address with TLS.
const TLS_VERIFY: &str = "DOCKER_TLS_VERIFY";
/// The socket that testcontainers tries first.
const DEFAULT: &str = "/var/run/docker.sock";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DockerSearch {
    /// Docker's address, if one is given or a socket accepts connections.
    pub(crate) host: Option<String>,
    /// All places of the search, for messages.
    pub(crate) tried: String,
    /// The folder of the certificates for an address with TLS.
    certificates: Option<PathBuf>,
}

/// A context of Docker's command line.
struct DockerContext {
    name: String,
    /// Its address, if the context is defined.
    host: Option<String>,
    /// The folder of its certificates, if it has any.
    certificates: Option<PathBuf>,
}

/// Searches on this machine.
pub(crate) fn search() -> DockerSearch {
    search_in(Path::new("/"), &|name| workspace::var(name))
}

/// Starts this command again with the variables of Docker, if Docker is at a place that
/// testcontainers does not know, or needs certificates. Does not return then.
#[cfg(unix)]
pub(crate) fn use_found_docker() {
    use std::os::unix::process::CommandExt as _;
    let is_known = |host: &String| workspace::var(DOCKER_HOST).is_some() || *host == format!("unix://{DEFAULT}");
    let DockerSearch { host, certificates, .. } = search();
    let host = host.filter(|host| !is_known(host));
    let certificates = certificates.filter(|_| workspace::var(CERT_PATH).is_none());
    if host.is_none() && certificates.is_none() {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut command = child::foreground(program);
    command.args(std::env::args_os().skip(1)).envs(host.map(|host| (DOCKER_HOST, host)));
    if let Some(folder) = certificates {
        command.env(CERT_PATH, folder).env(TLS_VERIFY, "1");
    }
    // Returns only if it fails. The message about Docker then names all places.
    let _ = command.exec();
}

#[cfg(not(unix))]
pub(crate) fn use_found_docker() {}

/// Searches below a folder, which is the root of a file system.
fn search_in(root: &Path, variable: &dyn Fn(&str) -> Option<String>) -> DockerSearch {
    let home = variable("HOME").map(PathBuf::from);
    let config = variable("DOCKER_CONFIG").map(PathBuf::from).or(home.as_ref().map(|home| home.join(".docker")));
    if let Some(host) = variable(DOCKER_HOST) {
        // Docker's command line has the certificates here, unless a variable names another folder.
        let needs_certificates = variable(TLS_VERIFY).is_some_and(|value| !value.is_empty());
        return DockerSearch {
            tried: shown_place(&host, true),
            host: Some(host),
            certificates: config.filter(|_| needs_certificates),
        };
    }
    if let Some(DockerContext { name, host, certificates }) = config.and_then(|config| context(&config, variable)) {
        let Some(host) = host else {
            let tried = format!("the context {name}, which is not defined");
            return DockerSearch { host: None, tried, certificates: None };
        };
        // Other addresses than sockets are tried by connecting.
        let is_alive = socket(&host).is_none_or(|path| state(&path) != SocketState::Absent);
        return DockerSearch {
            tried: format!("{host} (of the context {name})"),
            host: Some(host).filter(|_| is_alive),
            certificates,
        };
    }
    let sockets = sockets(root, home.as_deref(), variable("XDG_RUNTIME_DIR").as_deref());
    let first = |wanted| sockets.iter().find(|path| state(path) == wanted);
    let found = first(SocketState::Listening).or(first(SocketState::Refused));
    let shown = |path: &PathBuf| match home.as_ref().and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    };
    let tried: Vec<_> = sockets.iter().map(shown).collect();
    let host = found.map(|path| format!("unix://{}", path.display()));
    DockerSearch { host, tried: tried.join(", "), certificates: None }
}

/// An address as messages show it. `is_given` if the variable names it.
pub(super) fn shown_place(host: &str, is_given: bool) -> String {
    let place = host.trim_start_matches("unix://");
    if is_given { format!("{place} ({DOCKER_HOST})") } else { place.to_owned() }
}

/// The chosen context of Docker's command line; `None` for the default context.
fn context(config: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Option<DockerContext> {
    let read = |path: &Path| serde_json::from_str::<Value>(&files::read(path).ok()?).ok();
    let current = || read(&config.join("config.json"))?["currentContext"].as_str().map(str::to_owned);
    let name = variable(DOCKER_CONTEXT).or_else(current).filter(|name| name != "default" && !name.is_empty())?;
    // Folders are named after a hash of the context's name.
    let folders = files::list(config.join("contexts/meta")).ok().into_iter().flatten().flatten();
    let mut contexts = folders.filter_map(|folder| Some((folder.file_name(), read(&folder.path().join("meta.json"))?)));
    let Some((folder, found)) = contexts.find(|(_, context)| context["Name"] == name.as_str()) else {
        return Some(DockerContext { name, host: None, certificates: None });
    };
    let host = found.pointer("/Endpoints/docker/Host").and_then(Value::as_str).map(str::to_owned);
    let certificates = config.join("contexts/tls").join(folder).join("docker");
    Some(DockerContext { name, host, certificates: Some(certificates).filter(|folder| folder.exists()) })
}

/// The sockets of Docker's and Podman's makers, in the order in which they are tried.
fn sockets(root: &Path, home: Option<&Path>, runtime: Option<&str>) -> Vec<PathBuf> {
    const OF_HOME: [&str; 6] = [
        ".docker/run/docker.sock",
        ".docker/desktop/docker.sock",
        ".orbstack/run/docker.sock",
        ".colima/default/docker.sock",
        ".config/colima/default/docker.sock",
        ".rd/docker.sock",
    ];
    let runtime = runtime.map(PathBuf::from).or_else(|| Some(root.join(format!("run/user/{}", user()?))));
    let of_runtime = |name: &str| runtime.as_ref().map(|folder| folder.join(name));
    [Some(root.join(DEFAULT.trim_start_matches('/'))), of_runtime("docker.sock")]
        .into_iter()
        .chain(OF_HOME.iter().map(|name| home.map(|home| home.join(name))))
        .chain([of_runtime("podman/podman.sock"), Some(root.join("run/podman/podman.sock"))])
        .flatten()
        .collect()
}

#[cfg(unix)]
fn user() -> Option<u32> {
    Some(rustix::process::getuid().as_raw())
}

#[cfg(not(unix))]
fn user() -> Option<u32> {
    None
}

/// The path of a socket's address.
fn socket(host: &str) -> Option<PathBuf> {
    host.strip_prefix("unix://").map(PathBuf::from)
}

/// Whether an address is a socket that does not exist, or on which no program listens.
pub(super) fn is_absent(host: &str) -> bool {
    socket(host).is_some_and(|path| state(&path) == SocketState::Absent)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SocketState {
    Listening,
    /// It exists, and this user may not connect to it.
    Refused,
    /// It does not exist, or no program listens.
    Absent,
}

#[cfg(unix)]
fn state(path: &Path) -> SocketState {
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => SocketState::Listening,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => SocketState::Refused,
        Err(_) => SocketState::Absent,
    }
}

/// Named pipes are found by testcontainers.
#[cfg(not(unix))]
fn state(_: &Path) -> SocketState {
    SocketState::Refused
}

#[cfg(all(test, unix))]
mod tests;
