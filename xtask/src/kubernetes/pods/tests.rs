//! Tests of `pods`.

use serde_json::json;

use super::*;

fn state(status: &Value) -> PodState {
    let pod = json!({ "metadata": { "name": "a" }, "spec": {}, "status": status });
    serde_json::from_value::<Pod>(pod).unwrap().state()
}

#[test]
fn a_pod_that_does_not_run_is_explained() {
    let waiting = |reason: &str| {
        json!({ "containerStatuses": [{ "state": { "waiting": {
            "reason": reason, "message": "Back-off pulling image \"x\"" } } }] })
    };
    let text = |reason: &str| format!("{reason}: Back-off pulling image \"x\"");
    assert_eq!(state(&waiting("ImagePullBackOff")), PodState::Broken(text("ImagePullBackOff")));
    assert_eq!(state(&waiting("ErrImagePull")), PodState::Waiting(Some(text("ErrImagePull"))));
    let unconfigured = "CreateContainerConfigError";
    assert_eq!(state(&waiting(unconfigured)), PodState::Unconfigured(text(unconfigured)));
    assert_eq!(state(&waiting("ContainerCreating")), PodState::Waiting(None));
    for why in ["1 Insufficient cpu", "1 node(s) had untolerated taint(s)"] {
        let message = format!("0/1 nodes are available: {why}.");
        let unscheduled = json!({ "conditions": [{ "type": "PodScheduled", "status": "False",
                "reason": "Unschedulable", "message": message }] });
        assert_eq!(state(&unscheduled), PodState::Waiting(Some(format!("Unschedulable: {message}"))));
    }
    let evicted = json!({ "reason": "Evicted", "message": "The node was low on resource: memory." });
    assert_eq!(state(&evicted), PodState::Broken("Evicted: The node was low on resource: memory.".to_owned()));
    let killed = json!({ "containerStatuses": [{ "state": { "terminated": {
            "exitCode": 137, "reason": "OOMKilled" } } }] });
    let ended = Terminated { exit_code: 137, reason: Some("OOMKilled".to_owned()), message: None };
    assert_eq!(state(&killed), PodState::Ended(ended));
}

#[test]
fn a_container_without_a_program_is_known_by_its_message() {
    let ended = |exit_code, message: &str| Terminated {
        exit_code,
        reason: Some("StartError".to_owned()),
        message: Some(message.to_owned()),
    };
    for text in ["exec: \"/load\": stat /load: no such file or directory", "executable file not found in $PATH"] {
        assert!(ended(128, text).is_without_program(), "{text}");
        assert!(!ended(1, text).is_without_program(), "{text}");
    }
    let killed = ended(128, "container init was OOM-killed (memory limit too low?)");
    assert!(!killed.is_without_program());
    let reason = killed.describe_reason();
    assert_eq!(reason.unwrap(), "StartError: container init was OOM-killed (memory limit too low?)");
    assert!(ended(127, "").is_without_program());
}

#[test]
fn the_last_event_of_a_job_names_the_quota() {
    let event =
        |reason: &str, message: &str| Event { reason: Some(reason.to_owned()), message: Some(message.to_owned()) };
    let quota = "pods \"a\" is forbidden: exceeded quota: two-pods, requested: pods=1, used: pods=2, limited: pods=2";
    let events = vec![event("FailedCreate", "older"), event("FailedCreate", quota), event("SuccessfulCreate", "pod b")];
    assert_eq!(refused_pods(events).as_deref(), Some(quota));
    assert_eq!(refused_pods(vec![event("SuccessfulCreate", "pod b")]), None);
}
