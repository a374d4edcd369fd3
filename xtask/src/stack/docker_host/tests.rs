//! Tests of `docker_host`.

use std::fs;
use std::os::unix::net::UnixListener;

use super::*;

/// A root with a home, in a folder with a short name: a socket's path has at most 107 bytes.
#[expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]
fn root(name: &str) -> PathBuf {
    let root = std::env::temp_dir().join(format!("perf-{}-{name}", std::process::id()));
    fs::create_dir_all(root.join("home")).unwrap();
    root
}

#[expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]
fn listen(path: &Path) -> UnixListener {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    UnixListener::bind(path).unwrap()
}

fn searched(root: &Path, variables: &[(&str, &str)]) -> DockerSearch {
    let home = root.join("home").display().to_string();
    search_in(root, &|name| match name {
        "HOME" => Some(home.clone()),
        "XDG_RUNTIME_DIR" => Some(root.join("run/user/7").display().to_string()),
        _ => variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
    })
}

#[test]
fn each_makers_socket_is_found() {
    let root = root("makers");
    let mut listeners = Vec::new();
    // The last ones first, because an earlier one is preferred.
    for path in [
        "run/podman/podman.sock",
        "run/user/7/podman/podman.sock",
        "home/.rd/docker.sock",
        "home/.config/colima/default/docker.sock",
        "home/.colima/default/docker.sock",
        "home/.orbstack/run/docker.sock",
        "home/.docker/desktop/docker.sock",
        "home/.docker/run/docker.sock",
        "run/user/7/docker.sock",
        "var/run/docker.sock",
    ] {
        listeners.push(listen(&root.join(path)));
        let found = searched(&root, &[]);
        assert_eq!(found.host, Some(format!("unix://{}", root.join(path).display())), "{}", found.tried);
    }
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn a_dead_socket_is_not_used_and_all_places_are_named() {
    let root = root("dead");
    // Its file stays when the program has ended, as after a crash.
    drop(listen(&root.join("var/run/docker.sock")));
    let found = searched(&root, &[]);
    assert_eq!(found.host, None);
    for place in ["/var/run/docker.sock", ".orbstack", ".colima", ".rd", "podman.sock"] {
        assert!(found.tried.contains(place), "{}", found.tried);
    }
    let given = searched(&root, &[(DOCKER_HOST, "tcp://docker:2375")]);
    assert_eq!(given.host.as_deref(), Some("tcp://docker:2375"));
    assert_eq!(given.tried, "tcp://docker:2375 (DOCKER_HOST)");
    let socket = searched(&root, &[(DOCKER_HOST, "unix:///nowhere/docker.sock")]);
    assert_eq!(socket.tried, "/nowhere/docker.sock (DOCKER_HOST)");
    assert!(is_absent("unix:///nowhere/docker.sock") && !is_absent("tcp://docker:2375"));
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn a_context_is_preferred_to_sockets() {
    let root = root("context");
    let (own, other) = (root.join("own.sock"), root.join("var/run/docker.sock"));
    let _listeners = [listen(&own), listen(&other)];
    let config = root.join("home/.docker");
    fs::create_dir_all(config.join("contexts/meta/5f3a")).unwrap();
    fs::write(config.join("config.json"), r#"{"currentContext":"colima"}"#).unwrap();
    let host = format!("unix://{}", own.display());
    let meta = serde_json::json!({ "Name": "colima", "Endpoints": { "docker": { "Host": host } } });
    fs::write(config.join("contexts/meta/5f3a/meta.json"), meta.to_string()).unwrap();
    assert_eq!(searched(&root, &[]).host.as_deref(), Some(host.as_str()));
    let default = searched(&root, &[(DOCKER_CONTEXT, "default")]);
    assert_eq!(default.host, Some(format!("unix://{}", other.display())));
    let unknown = searched(&root, &[(DOCKER_CONTEXT, "work")]);
    assert_eq!((unknown.host, unknown.tried.as_str()), (None, "the context work, which is not defined"));
    fs::remove_file(&own).unwrap();
    let gone = searched(&root, &[]);
    assert!(gone.host.is_none() && gone.tried.contains("of the context colima"), "{gone:?}");
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn certificates_of_a_context_and_of_docker_are_found() {
    let root = root("tls");
    let config = root.join("home/.docker");
    let meta = serde_json::json!({ "Name": "work", "Endpoints": { "docker": { "Host": "tcp://work:2376" } } });
    fs::create_dir_all(config.join("contexts/meta/5f3a")).unwrap();
    fs::write(config.join("contexts/meta/5f3a/meta.json"), meta.to_string()).unwrap();
    let of_context = || searched(&root, &[(DOCKER_CONTEXT, "work")]);
    assert_eq!((of_context().host.as_deref(), of_context().certificates), (Some("tcp://work:2376"), None));
    let folder = config.join("contexts/tls/5f3a/docker");
    fs::create_dir_all(&folder).unwrap();
    assert_eq!(of_context().certificates, Some(folder));
    let given = |variables: &[_]| searched(&root, &[&[(DOCKER_HOST, "tcp://work:2376")], variables].concat());
    assert_eq!(given(&[]).certificates, None);
    assert_eq!(given(&[(TLS_VERIFY, "1")]).certificates, Some(config));
    fs::remove_dir_all(root).unwrap();
}
