//! Loads by pods of a real cluster. `.ci/kubernetes` builds and loads the image, and runs these
//! tests; `cargo xtask ci` does not, since it needs no cluster.

use std::io::{self, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use perf_report::Report;
use rustix::process::Signal;
use serde_json::{Value, json};
use test_support::fake_server::accept_each_at;

use crate::real::{Backend, CommandOutput, out, read_output, report, run, send_signal, wait_for, xtask};

mod errors;
mod kills;

/// Time for pods to start, or to be removed.
const PATIENCE: Duration = Duration::from_secs(60);

/// The image that the cluster has, and the address at which its pods reach this machine.
#[expect(clippy::disallowed_methods, reason = "the script that runs these tests sets them")]
fn given(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run .ci/kubernetes"))
}

fn kubectl(args: &[&str]) -> CommandOutput {
    run(Command::new("kubectl").args(args))
}

/// A namespace of its own for each test, with a service that its pods reach.
struct Cluster {
    namespace: String,
    out: PathBuf,
    target: String,
    _backend: Backend,
}

impl Cluster {
    fn new(name: &str) -> Self {
        // Another namespace of this name is somebody else's.
        let (namespace, backend) = (format!("perf-{name}-{:08x}", rand::random::<u32>()), Backend::start(&[]));
        let created = kubectl(&["create", "namespace", &namespace]);
        assert_eq!(created.code, 0, "{}", created.text);
        let target = format!("http://{}:{}", given("PERF_POD_HOST"), forward(&backend.url));
        Self { namespace, out: out(&format!("kubernetes-{name}")), target, _backend: backend }
    }

    /// A load by two pods. Arguments replace the usual ones.
    fn perf(&self, args: &[&str]) -> Command {
        let mut command = xtask(&["perf", "basic", "--agents", "kubernetes:2", "--namespace", &self.namespace]);
        command.arg("--out").arg(&self.out).args(["--allow-target", &given("PERF_POD_HOST")]).args(args);
        let image = given("PERF_POD_IMAGE");
        let usual =
            [("--target", self.target.as_str()), ("--image", &image), ("--pod-cpu", "200m"), ("--pod-memory", "256Mi")];
        for (flag, value) in usual.into_iter().filter(|(flag, _)| !args.contains(flag)) {
            command.args([flag, value]);
        }
        command
    }

    fn start(&self, args: &[&str]) -> Child {
        self.perf(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs kubectl in this namespace.
    fn kubectl(&self, args: &[&str]) -> CommandOutput {
        kubectl(&[args, &["--namespace", &self.namespace]].concat())
    }

    /// Creates an object.
    fn apply(&self, object: &Value) {
        let mut command = Command::new("kubectl");
        command.args(["apply", "--filename=-", "--namespace", &self.namespace]).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(object.to_string().as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{object}");
    }

    /// Waits for a running pod whose name contains a text. Returns its name.
    fn running_pod(&self, part: &str) -> String {
        wait_for("a running pod", PATIENCE, || {
            let pods = self.kubectl(&["get", "pods", "--field-selector=status.phase=Running", "--output=name"]);
            pods.text.lines().find(|name| name.contains(part)).map(str::to_owned)
        })
    }

    /// Waits until the load has begun: the coordinator's log shows requests.
    fn wait_for_load(&self) {
        wait_for("the load", PATIENCE, || {
            let coordinator = self.kubectl(&["get", "jobs", "--output=name"]).text;
            let job = coordinator.lines().find(|name| !name.ends_with("-agents"))?.to_owned();
            self.kubectl(&["logs", &job]).text.contains("00:05/").then_some(())
        });
    }

    /// Waits until the cluster has nothing of a run any more.
    fn assert_nothing_is_left(&self) {
        wait_for("an empty namespace", PATIENCE, || {
            let kinds = "jobs,pods,secrets,networkpolicies";
            let left = self.kubectl(&["get", kinds, "--output=name", "--selector=app.kubernetes.io/name=perf"]).text;
            left.trim().is_empty().then_some(())
        });
    }

    fn report(&self) -> Report {
        report(&self.out)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        kubectl(&["delete", "namespace", &self.namespace, "--wait=false"]);
    }
}

/// Forwards connections of pods to a service that listens on the loopback interface only. Returns
/// the port.
fn forward(url: &str) -> u16 {
    let to = url.trim_start_matches("http://").to_owned();
    let forward = move |client: TcpStream| {
        let Ok(server) = TcpStream::connect(&to) else { return };
        copy(client.try_clone().unwrap(), server.try_clone().unwrap());
        copy(server, client);
    };
    accept_each_at("0.0.0.0:0", forward).port()
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        // A connection that breaks is the client's to report.
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
}

#[test]
#[ignore = "needs a Kubernetes cluster: run .ci/kubernetes"]
fn a_load_by_pods_is_judged_here_and_leaves_nothing() {
    let cluster = Cluster::new("whole");
    let output = run(&mut cluster.perf(&["-d", "10s", "--seed", "7"]));
    assert_eq!(output.code, 0, "{}", output.text);
    assert!(output.text.contains("agent 2 of 2 has joined"), "{}", output.text);
    assert!(!output.text.contains("running 1 test") && !output.text.contains("perf-outcome"), "{}", output.text);
    let report = cluster.report();
    assert_eq!((report.run.agents.len(), report.requests.failed, report.run.seed), (2, 0, 7));
    let nodes = cluster.kubectl(&["get", "nodes", "--output=jsonpath={.items[*].metadata.name}"]).text;
    for agent in &report.run.agents {
        let (pod, node) = agent.place.as_ref().unwrap().split_once(", node ").unwrap();
        let is_known = pod.contains("-agents-") && nodes.split_whitespace().any(|name| name == node);
        assert!(agent.requests > 0 && is_known, "{agent:?}, {nodes}");
    }
    assert!(cluster.out.join(&report.run.testid).join("histograms.hlog").is_file());
    cluster.assert_nothing_is_left();
}

/// The manifests of `cargo xtask export --kubernetes`, with the four values that users replace. In
/// a cluster without DNS, agents get the coordinator's address instead of its name.
#[test]
#[ignore = "needs a Kubernetes cluster: run .ci/kubernetes"]
fn exported_manifests_make_a_load_that_the_coordinator_judges() {
    let cluster = Cluster::new("export");
    let folder = out("kubernetes-manifests");
    let exported = run(&mut xtask(&["export", "--kubernetes", folder.to_str().unwrap()]));
    assert_eq!(exported.code, 0, "{}", exported.text);
    let replace = |name: &str, replaced: &[(&str, &str)]| {
        let path = folder.join(name);
        let mut text = std::fs::read_to_string(&path).unwrap();
        for (from, to) in replaced {
            assert!(text.contains(from), "{name} has no {from}");
            text = text.replace(from, to);
        }
        std::fs::write(&path, text).unwrap();
    };
    let apply = |path: &Path| {
        let applied = cluster.kubectl(&["apply", "--filename", path.to_str().unwrap()]);
        assert_eq!(applied.code, 0, "{}", applied.text);
    };
    let (image, host) = (given("PERF_POD_IMAGE"), given("PERF_POD_HOST"));
    let small = [("registry.example/perf-tests:REVISION", image.as_str()), ("cpu: '1'", "cpu: 200m")];
    let allowed = format!("- name: PERF_ALLOW_TARGET\n          value: {host}\n        - name: PERF_AGENTS");
    let target = ("http://service.default.svc:8000", cluster.target.as_str());
    replace("secret.yaml", &[("REPLACE-ME", "a-token-of-24-characters")]);
    replace("coordinator.yaml", &[&small[..], &[target, ("- name: PERF_AGENTS", &allowed)]].concat());
    replace("agents.yaml", &small);
    let ready = ["wait", "--for=jsonpath={.status.ready}=1", "--timeout=60s", "job/perf"];
    if kubectl(&["get", "service", "kube-dns", "--namespace=kube-system"]).code == 0 {
        apply(&folder);
        let waited = cluster.kubectl(&ready);
        assert_eq!(waited.code, 0, "{}", waited.text);
    } else {
        for name in ["secret.yaml", "network-policy.yaml", "service.yaml", "coordinator.yaml"] {
            apply(&folder.join(name));
        }
        let waited = cluster.kubectl(&ready);
        assert_eq!(waited.code, 0, "{}", waited.text);
        let pod = cluster.running_pod("perf-");
        let address = cluster.kubectl(&["get", &pod, "--output=jsonpath={.status.podIP}"]).text;
        replace("agents.yaml", &[("perf:7070", &format!("{address}:7070"))]);
        apply(&folder.join("agents.yaml"));
    }
    let waited = cluster.kubectl(&["wait", "--for=condition=complete", "job/perf", "job/perf-agents", "--timeout=90s"]);
    let log = cluster.kubectl(&["logs", "job/perf"]).text;
    assert_eq!(waited.code, 0, "{}\n{log}", waited.text);
    assert!(log.contains("basic: met, 9 of 9 objectives"), "{log}");
}
