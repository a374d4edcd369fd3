//! Tests of `pods`.

use serde_json::json;

use super::*;

fn state(status: &Value) -> PodState {
    let list = json!({ "items": [{ "metadata": { "name": "a" }, "spec": {}, "status": status }] });
    parse_pods(list).unwrap()[0].state()
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
    let unscheduled = json!({ "conditions": [{ "type": "PodScheduled", "status": "False",
            "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient cpu." }] });
    let why = "Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.".to_owned();
    assert_eq!(state(&unscheduled), PodState::Waiting(Some(why)));
    let evicted = json!({ "reason": "Evicted", "message": "The node was low on resource: memory." });
    assert_eq!(state(&evicted), PodState::Broken("Evicted: The node was low on resource: memory.".to_owned()));
    let killed = json!({ "containerStatuses": [{ "state": { "terminated": {
            "exitCode": 137, "reason": "OOMKilled" } } }] });
    let ended = Terminated { exit_code: 137, reason: Some("OOMKilled".to_owned()) };
    assert_eq!(state(&killed), PodState::Ended(ended));
}
