//! The manifests that `cargo xtask export --kubernetes` writes, for `kubectl apply` or any other
//! tool that starts Jobs.

use std::time::Duration;

use anyhow::Context as _;
use monitoring::generated_files::GeneratedFile;
use perf_settings::{AGENTS, FOLDER as PERF_FOLDER, LISTEN, TARGET};
use serde_json::{Value, json};

use super::{COORDINATOR, PORT, RunManifests};
use crate::kubernetes::args::{POD_CPU, POD_MEMORY};

/// The folder of the committed manifests.
pub(crate) const FOLDER: &str = "perf-tests/kubernetes";
const EXPORTED_AGENTS: u32 = 4;
/// The token that users replace. It is so short that the coordinator refuses it.
const PLACEHOLDER: &str = "REPLACE-ME";
/// First line of each manifest. Users edit exported ones.
const BANNER: &str = "# Written by `cargo xtask export --kubernetes DIR`. README.md names the values to replace.\n";
const README: &str = "\
# A run by pods, from manifests

With these files you can run a load by tools that start Jobs themselves. `cargo xtask export
--kubernetes DIR` wrote them. `cargo xtask perf --agents kubernetes:N` needs none of them.
Kubernetes 1.29 or newer is required.

Replace the token in `secret.yaml` (at least 16 random characters), the image in `coordinator.yaml`
and `agents.yaml`, and `PERF_TARGET` in `coordinator.yaml`. Then:

    kubectl apply --filename .
    kubectl wait --for=jsonpath='{.status.ready}'=1 --timeout=10m job/perf
    kubectl logs --follow job/perf
    kubectl delete --filename .

The log of `job/perf` ends with the table and the verdict. The Job is complete if all objectives
were met, otherwise it has failed. Evidence and report are files in the pod and are lost with it.
Both Jobs end after an hour (`activeDeadlineSeconds`); change it for a longer load. They stay until
they are deleted. Agents find the coordinator by the Service's name, and wait ten minutes for it.
";

/// The manifests of a run of the scenario `basic`.
pub(crate) fn exported_manifests() -> anyhow::Result<Vec<GeneratedFile>> {
    let run = RunManifests {
        name: "perf".to_owned(),
        test: "basic::basic".to_owned(),
        image: "registry.example/perf-tests:REVISION".to_owned(),
        agents: EXPORTED_AGENTS,
        limit: Duration::from_secs(3600),
        cpu: POD_CPU.to_owned(),
        memory: POD_MEMORY.to_owned(),
    };
    let value = |name: &str, value: &str| json!({ "name": name, "value": value });
    let env = vec![
        json!({ "name": "POD_IP", "valueFrom": { "fieldRef": { "fieldPath": "status.podIP" } } }),
        value(TARGET, "http://service.default.svc:8000"),
        value(AGENTS, &EXPORTED_AGENTS.to_string()),
        value(LISTEN, &format!("$(POD_IP):{PORT}")),
        value(PERF_FOLDER, "/tmp/perf"),
    ];
    let files = [
        ("secret.yaml", run.secret(PLACEHOLDER, None)),
        ("network-policy.yaml", run.network_policy()),
        ("service.yaml", service(&run)),
        ("coordinator.yaml", keep_after_end(run.coordinator_with(env))),
        ("agents.yaml", keep_after_end(run.agents(&format!("{}:{PORT}", run.name)))),
    ];
    let write = |(name, manifest): (&str, Value)| {
        let yaml = yaml_serde::to_string(&manifest).with_context(|| format!("failed to write {name}"))?;
        Ok(GeneratedFile { path: format!("{FOLDER}/{name}"), contents: format!("{BANNER}{yaml}") })
    };
    let readme = GeneratedFile { path: format!("{FOLDER}/README.md"), contents: README.to_owned() };
    files.into_iter().map(write).chain([Ok(readme)]).collect()
}

/// A Job that stays after its end: its log is the only result.
fn keep_after_end(mut job: Value) -> Value {
    if let Some(spec) = job["spec"].as_object_mut() {
        spec.remove("ttlSecondsAfterFinished");
    }
    job
}

/// The Service by whose name agents find the coordinator.
fn service(run: &RunManifests) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": run.metadata(COORDINATOR, &run.name),
        "spec": {
            // The name means the pod itself.
            "clusterIP": "None",
            "selector": run.labels(COORDINATOR),
            "ports": [{ "name": "agents", "port": PORT }],
        },
    })
}
