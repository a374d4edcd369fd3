//! The manifests of a run: two Jobs, a Secret and a NetworkPolicy.
//!
//! Nothing outlives a run. Each Job ends by its time limit and is removed some minutes after its
//! end. The coordinator's Job owns the other objects.

use std::time::Duration;

use perf_report::exit_code::ExitCode;
use perf_settings::{AGENT_JOIN, AGENT_TOKEN, NODE, SETTINGS_JSON};
use serde_json::{Value, json};

mod exported;

pub(crate) use exported::{FOLDER, exported_manifests};

/// The port at which agents join.
pub(super) const PORT: u16 = 7070;
pub(super) const COORDINATOR: &str = "coordinator";
pub(super) const AGENT: &str = "agent";
/// The label with the run's name, and the one that tells coordinator and agents apart.
pub(super) const RUN_LABEL: &str = "app.kubernetes.io/instance";
pub(super) const ROLE_LABEL: &str = "app.kubernetes.io/component";
const TOKEN_KEY: &str = "token";
const SETTINGS_KEY: &str = "settings";
/// Time in which the log of a Job's pods can be read after its end.
const KEPT: Duration = Duration::from_secs(5 * 60);
/// Time for the coordinator to gather results, push them and tear down, after a signal.
pub(super) const COORDINATOR_GRACE: Duration = Duration::from_secs(2 * 60);
/// The coordinator ends agents, which have nothing to save.
const AGENT_GRACE: Duration = Duration::from_secs(2);
/// The user and group of the image, who is not root.
pub(crate) const USER: u32 = 65_532;

/// The values of a run that its manifests have.
#[derive(Debug, Clone)]
pub(super) struct RunManifests {
    /// Name of all objects; the agents' Job has a suffix.
    pub(super) name: String,
    /// The scenario's test in the program.
    pub(super) test: String,
    pub(super) image: String,
    pub(super) agents: u32,
    /// Time limit of each Job.
    pub(super) limit: Duration,
    /// Requests and limits of each pod.
    pub(super) cpu: String,
    pub(super) memory: String,
}

impl RunManifests {
    pub(super) fn agents_name(&self) -> String {
        format!("{}-agents", self.name)
    }

    /// The Job of the coordinator, whose settings are in the Secret.
    pub(super) fn coordinator(&self) -> Value {
        self.coordinator_with(vec![self.secret_variable(SETTINGS_JSON, SETTINGS_KEY)])
    }

    fn coordinator_with(&self, mut env: Vec<Value>) -> Value {
        env.push(self.secret_variable(AGENT_TOKEN, TOKEN_KEY));
        let mut container = self.container(COORDINATOR, &env);
        container["ports"] = json!([{ "name": "agents", "containerPort": PORT }]);
        let mut job = self.job(COORDINATOR, &self.name, container, COORDINATOR_GRACE);
        // A coordinator that starts again would begin another run.
        job["spec"]["backoffLimit"] = json!(0);
        job
    }

    /// The Job of the agents, which join at this address.
    pub(super) fn agents(&self, join: &str) -> Value {
        let env = [json!({ "name": AGENT_JOIN, "value": join }), self.secret_variable(AGENT_TOKEN, TOKEN_KEY)];
        let container = self.container(AGENT, &env);
        let mut job = self.job(AGENT, &self.agents_name(), container, AGENT_GRACE);
        let spec = &mut job["spec"];
        spec["completionMode"] = json!("Indexed");
        spec["completions"] = json!(self.agents);
        spec["parallelism"] = json!(self.agents);
        // An agent that starts again would be another load.
        spec["backoffLimitPerIndex"] = json!(0);
        // An agent that was refused shows a mistake that all agents have, so that all end.
        spec["podFailurePolicy"] = json!({ "rules": [{
            "action": "FailJob",
            "onExitCodes": {
                "containerName": AGENT, "operator": "In", "values": [ExitCode::BadConfiguration.code()],
            },
        }] });
        // Agents on one node share its processors and its network card.
        spec["template"]["spec"]["topologySpreadConstraints"] = json!([{
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": { "matchLabels": self.labels(AGENT) },
        }]);
        job
    }

    /// The Secret with the token of the run and the coordinator's settings, which may hold
    /// passwords of the store.
    pub(super) fn secret(&self, token: &str, settings: Option<&str>) -> Value {
        let mut data = json!({ TOKEN_KEY: token });
        if let Some(settings) = settings {
            data[SETTINGS_KEY] = json!(settings);
        }
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": self.metadata(COORDINATOR, &self.name),
            "type": "Opaque",
            "stringData": data,
        })
    }

    /// The only connection to the run's pods that is allowed: agents to the coordinator.
    pub(super) fn network_policy(&self) -> Value {
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": self.metadata(COORDINATOR, &self.name),
            "spec": {
                "podSelector": { "matchLabels": { RUN_LABEL: self.name } },
                "policyTypes": ["Ingress"],
                "ingress": [{
                    "from": [{ "podSelector": { "matchLabels": self.labels(AGENT) } }],
                    "ports": [{ "port": PORT, "protocol": "TCP" }],
                }],
            },
        })
    }

    fn job(&self, role: &str, name: &str, container: Value, grace: Duration) -> Value {
        json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": self.metadata(role, name),
            "spec": {
                "activeDeadlineSeconds": self.limit.as_secs(),
                "ttlSecondsAfterFinished": KEPT.as_secs(),
                "template": {
                    "metadata": { "labels": self.labels(role), "annotations": no_eviction() },
                    "spec": {
                        "restartPolicy": "Never",
                        "terminationGracePeriodSeconds": grace.as_secs(),
                        // Pods have no rights in the cluster, and need none.
                        "automountServiceAccountToken": false,
                        "enableServiceLinks": false,
                        "securityContext": {
                            "runAsNonRoot": true,
                            "runAsUser": USER,
                            "runAsGroup": USER,
                            "seccompProfile": { "type": "RuntimeDefault" },
                        },
                        "containers": [container],
                        "volumes": [{ "name": "tmp", "emptyDir": {} }],
                    },
                },
            },
        })
    }

    fn container(&self, role: &str, env: &[Value]) -> Value {
        let node = json!({ "name": NODE, "valueFrom": { "fieldRef": { "fieldPath": "spec.nodeName" } } });
        let env = [env, &[node]].concat();
        let resources = json!({ "cpu": self.cpu, "memory": self.memory });
        json!({
            "name": role,
            "image": self.image,
            "imagePullPolicy": "IfNotPresent",
            "args": ["--ignored", "--exact", "--nocapture", self.test],
            "env": env,
            // With less than its limit, a pod measures its neighbors.
            "resources": { "requests": resources, "limits": resources },
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "capabilities": { "drop": ["ALL"] },
                "readOnlyRootFilesystem": true,
            },
            "volumeMounts": [{ "name": "tmp", "mountPath": "/tmp" }],
        })
    }

    /// A variable whose value is in the Secret.
    fn secret_variable(&self, variable: &str, key: &str) -> Value {
        json!({ "name": variable, "valueFrom": { "secretKeyRef": { "name": self.name, "key": key } } })
    }

    fn labels(&self, role: &str) -> Value {
        json!({ "app.kubernetes.io/name": "perf", RUN_LABEL: self.name, ROLE_LABEL: role })
    }

    fn metadata(&self, role: &str, name: &str) -> Value {
        json!({ "name": name, "labels": self.labels(role) })
    }
}

/// Annotations by which autoscalers do not remove the node of a pod that makes load.
fn no_eviction() -> Value {
    json!({ "cluster-autoscaler.kubernetes.io/safe-to-evict": "false", "karpenter.sh/do-not-disrupt": "true" })
}

/// Makes the Job with this name and ID the owner of an object, which is then removed with it.
pub(super) fn set_owner(mut object: Value, name: &str, uid: &str) -> Value {
    object["metadata"]["ownerReferences"] =
        json!([{ "apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": uid }]);
    object
}

#[cfg(test)]
mod tests;
