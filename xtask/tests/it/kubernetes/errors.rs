//! Clusters on which a run cannot begin. Each error names the cause, and nothing is left.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
#[ignore = "needs a Kubernetes cluster: run .ci/kubernetes"]
fn an_image_pull_error_is_printed() {
    let cluster = Cluster::new("image");
    let output = run(&mut cluster.perf(&["-d", "5s", "--image", "registry.invalid/perf:1"]));
    assert_eq!(output.code, 104, "{}", output.text);
    assert!(output.text.contains("cannot start: ImagePullBackOff"), "{}", output.text);
    assert!(output.text.contains("registry.invalid/perf:1"), "{}", output.text);
    cluster.assert_nothing_is_left();
}

#[test]
#[ignore = "needs a Kubernetes cluster: run .ci/kubernetes"]
fn an_exceeded_quota_is_named() {
    let cluster = Cluster::new("quota");
    cluster.apply(&json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "two-pods" },
        "spec": { "hard": { "pods": "2" } },
    }));
    let output = run(&mut cluster.perf(&["-d", "5s"]));
    assert_eq!(output.code, 104, "{}", output.text);
    assert!(output.text.contains("exceeded quota: two-pods"), "{}", output.text);
    cluster.assert_nothing_is_left();
}

#[test]
#[ignore = "needs a Kubernetes cluster: run .ci/kubernetes"]
fn an_unschedulable_pod_is_explained() {
    let cluster = Cluster::new("pending");
    let mut command = cluster.perf(&["-d", "5s", "--pod-cpu", "999"]);
    let running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("an unscheduled pod", PATIENCE, || {
        let pods = cluster.kubectl(&["get", "pods", "--output=jsonpath={.items[*].status.conditions[*].reason}"]);
        pods.text.contains("Unschedulable").then_some(())
    });
    // The command explains pods that wait for more than 3 s.
    thread::sleep(Duration::from_secs(5));
    send_signal(running.id(), Signal::INT).unwrap();
    let output = read_output(&running.wait_with_output().unwrap());
    assert_eq!(output.code, 105, "{}", output.text);
    assert!(output.text.contains("waits: Unschedulable: ") && output.text.contains("cpu"), "{}", output.text);
    cluster.assert_nothing_is_left();
}

/// A taint of all nodes, until it is dropped.
struct Taint;

impl Taint {
    const NAME: &str = "perf-tests/taint";

    fn set() -> Self {
        let tainted = kubectl(&["taint", "nodes", "--all", &format!("{}=yes:NoSchedule", Self::NAME)]);
        assert_eq!(tainted.code, 0, "{}", tainted.text);
        Self
    }
}

impl Drop for Taint {
    fn drop(&mut self) {
        kubectl(&["taint", "nodes", "--all", &format!("{}-", Self::NAME)]);
    }
}

#[test]
#[ignore = "needs a Kubernetes cluster: run .ci/kubernetes"]
fn a_taint_that_keeps_pods_waiting_is_named() {
    let (cluster, _taint) = (Cluster::new("taint"), Taint::set());
    let running = cluster.start(&["-d", "5s"]);
    wait_for("an unscheduled pod", PATIENCE, || {
        let pods = cluster.kubectl(&["get", "pods", "--output=jsonpath={.items[*].status.conditions[*].reason}"]);
        pods.text.contains("Unschedulable").then_some(())
    });
    // The command explains pods that wait for more than 3 s.
    thread::sleep(Duration::from_secs(5));
    send_signal(running.id(), Signal::INT).unwrap();
    let output = read_output(&running.wait_with_output().unwrap());
    assert_eq!(output.code, 105, "{}", output.text);
    let text = output.text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("waits: Unschedulable: ") && text.contains("taint"), "{text}");
    cluster.assert_nothing_is_left();
}

#[test]
#[ignore = "needs a Kubernetes cluster: run .ci/kubernetes"]
fn missing_rights_are_named_before_anything_is_created() {
    let cluster = Cluster::new("rights");
    cluster.kubectl(&["create", "serviceaccount", "reader"]);
    cluster.kubectl(&["create", "role", "reader", "--verb=list", "--resource=pods"]);
    let account = format!("--serviceaccount={}:reader", cluster.namespace);
    cluster.kubectl(&["create", "rolebinding", "reader", "--role=reader", &account]);
    let token = cluster.kubectl(&["create", "token", "reader"]).text;
    let config = kubectl(&["config", "view", "--raw", "--minify", "--flatten", "--output=json"]).text;
    let mut config: Value = serde_json::from_str(&config).unwrap();
    config["users"][0]["user"] = json!({ "token": token.trim() });
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reader.kubeconfig");
    std::fs::write(&path, config.to_string()).unwrap();
    let output = run(cluster.perf(&["-d", "5s"]).env("KUBECONFIG", &path));
    assert_eq!(output.code, 104, "{}", output.text);
    let missing = "no right to create jobs.batch, delete jobs.batch, create secrets, create \
                   networkpolicies.networking.k8s.io, get pods, delete pods, get pods/log in namespace perf-rights-";
    let text = output.text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(missing), "{text}");
    cluster.assert_nothing_is_left();
}

#[test]
#[ignore = "needs a Kubernetes cluster: run .ci/kubernetes"]
fn an_unreachable_target_names_the_pod() {
    let cluster = Cluster::new("target");
    let closed = format!("http://{}:1", given("PERF_POD_HOST"));
    let output = run(&mut cluster.perf(&["-d", "5s", "--target", &closed]));
    assert_eq!(output.code, 104, "{}", output.text);
    let text = output.text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("cannot connect to") && text.contains("(reported by pod perf-basic-"), "{text}");
    cluster.assert_nothing_is_left();
}

/// As after a commit: `git` names another revision than that of the image.
#[test]
#[ignore = "needs a Kubernetes cluster: run .ci/kubernetes"]
fn an_image_of_another_revision_is_refused() {
    let cluster = Cluster::new("revision");
    let folder = out("kubernetes-git");
    std::fs::create_dir_all(&folder).unwrap();
    let git = folder.join("git");
    std::fs::write(&git, "#!/bin/sh\necho another\n").unwrap();
    std::fs::set_permissions(&git, Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.display(), given("PATH"));
    let output = run(cluster.perf(&["-d", "5s"]).env("PATH", path));
    assert_eq!(output.code, 104, "{}", output.text);
    let text = output.text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("the image is of revision ") && text.contains("this checkout is another: "), "{text}");
    cluster.assert_nothing_is_left();
}

#[test]
#[ignore = "needs a Kubernetes cluster: run .ci/kubernetes"]
fn a_missing_context_is_reported() {
    let cluster = Cluster::new("context");
    let output = run(cluster.perf(&["-d", "5s"]).env("KUBECONFIG", "/nowhere/kubeconfig"));
    assert_eq!(output.code, 104, "{}", output.text);
    assert!(output.text.contains("no context is selected"), "{}", output.text);
    let output = run(&mut cluster.perf(&["-d", "5s", "--context", "nowhere"]));
    assert_eq!(output.code, 104, "{}", output.text);
    assert!(output.text.contains("context \"nowhere\" does not exist"), "{}", output.text);
}
