//! The pods of a run as the cluster shows them, and why one does not run.

use std::collections::BTreeMap;

use perf_report::exit_code::ExitCode;
use serde::Deserialize;
use serde_json::Value;

use super::manifests::ROLE_LABEL;

/// A pod, with the fields that this module reads.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Pod {
    metadata: Metadata,
    #[serde(default)]
    spec: PodSpec,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Debug, Clone, Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    node_name: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodStatus {
    #[serde(rename = "podIP")]
    pod_ip: Option<String>,
    reason: Option<String>,
    message: Option<String>,
    conditions: Vec<Condition>,
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Debug, Clone, Deserialize)]
struct Condition {
    r#type: String,
    status: String,
    reason: Option<String>,
    message: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct ContainerStatus {
    state: ContainerState,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContainerState {
    waiting: Option<Waiting>,
    running: Option<Value>,
    terminated: Option<Terminated>,
}

#[derive(Debug, Clone, Deserialize)]
struct Waiting {
    reason: Option<String>,
    message: Option<String>,
}

/// An event about a Job.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    reason: Option<String>,
    message: Option<String>,
}

/// End of a container.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Terminated {
    pub(super) exit_code: i32,
    pub(super) reason: Option<String>,
    /// Why the container did not start.
    pub(super) message: Option<String>,
}

/// The state of a pod, by its only container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PodState {
    /// It is being started, with the reason why it waits, if there is one.
    Waiting(Option<String>),
    /// It waits for an object that it names, such as its Secret.
    Unconfigured(String),
    /// It cannot start, and waiting does not help.
    Broken(String),
    Running,
    Ended(Terminated),
}

impl Pod {
    pub(super) fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Whether it is the coordinator's or an agent's pod.
    pub(super) fn has_role(&self, role: &str) -> bool {
        self.metadata.labels.get(ROLE_LABEL).is_some_and(|found| found == role)
    }

    /// Its address, once its network is there.
    pub(super) fn address(&self) -> Option<&str> {
        self.status.pod_ip.as_deref()
    }

    /// Its name and node, for messages.
    pub(super) fn place(&self) -> String {
        match &self.spec.node_name {
            Some(node) => format!("pod {} on node {node}", self.name()),
            None => format!("pod {}", self.name()),
        }
    }

    pub(super) fn state(&self) -> PodState {
        let status = &self.status;
        let state = status.container_statuses.first().map(|container| &container.state);
        if let Some(ended) = state.and_then(|state| state.terminated.clone()) {
            return PodState::Ended(ended);
        }
        if state.is_some_and(|state| state.running.is_some()) {
            return PodState::Running;
        }
        // For example an eviction.
        if let Some(reason) = &status.reason {
            return PodState::Broken(describe(Some(reason), status.message.as_deref()));
        }
        if let Some(waiting) = state.and_then(|state| state.waiting.as_ref()) {
            return match waiting.reason.as_deref() {
                Some("ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" | "CreateContainerError") => {
                    PodState::Broken(describe(waiting.reason.as_deref(), waiting.message.as_deref()))
                }
                // The usual reason of a pod that starts.
                Some("ContainerCreating" | "PodInitializing") | None => PodState::Waiting(None),
                reason @ Some("CreateContainerConfigError") => {
                    PodState::Unconfigured(describe(reason, waiting.message.as_deref()))
                }
                reason => PodState::Waiting(Some(describe(reason, waiting.message.as_deref()))),
            };
        }
        let unscheduled = |it: &&Condition| it.r#type == "PodScheduled" && it.status == "False";
        let unscheduled = status.conditions.iter().find(unscheduled);
        PodState::Waiting(unscheduled.map(|it| describe(it.reason.as_deref(), it.message.as_deref())))
    }
}

impl Terminated {
    /// Whether the image has no program at its entry point, or one that a shell did not find.
    pub(super) fn is_without_program(&self) -> bool {
        let says = |text| self.message.as_ref().is_some_and(|message| message.contains(text));
        match self.exit_code {
            126 | 127 => true,
            // The container did not start. The message is that of the container runtime.
            128 => says("executable file not found") || says("no such file or directory"),
            _ => false,
        }
    }

    /// Why it ended, with the beginning of the container runtime's message.
    pub(super) fn describe_reason(&self) -> Option<String> {
        const LONGEST: usize = 150;
        let message: Option<String> = self.message.as_ref().map(|message| message.chars().take(LONGEST).collect());
        let is_known = self.reason.is_some() || message.is_some();
        is_known.then(|| describe(self.reason.as_deref(), message.as_deref()))
    }

    /// Whether the kernel ended it, because it used more memory than its limit.
    pub(super) fn had_too_little_memory(&self) -> bool {
        self.reason.as_deref() == Some("OOMKilled")
    }

    /// Whether an agent ended because it cannot take part.
    pub(super) fn is_mistake(&self) -> bool {
        self.exit_code == i32::from(ExitCode::BadConfiguration.code())
    }
}

/// The message of the last event by which a Job could not create a pod, such as that of a quota.
pub(super) fn refused_pods(events: Vec<Event>) -> Option<String> {
    events.into_iter().rfind(|event| event.reason.as_deref() == Some("FailedCreate"))?.message
}

fn describe(reason: Option<&str>, message: Option<&str>) -> String {
    match (reason, message) {
        (Some(reason), Some(message)) => format!("{reason}: {message}"),
        (reason, message) => reason.or(message).unwrap_or("no reason is given").to_owned(),
    }
}

#[cfg(test)]
mod tests;
