//! Tests with a shell script in place of `kubectl`.

use super::*;
use crate::kubernetes::manifests::ROLE_LABEL;

/// Watches two agents. The script lists pods of these names, all running.
fn watch(names: &[&str]) -> PodWatch {
    let run = RunManifests {
        name: "perf-basic-1".to_owned(),
        test: "basic::basic".to_owned(),
        image: "a".to_owned(),
        agents: 2,
        limit: Duration::from_secs(60),
        cpu: "1".to_owned(),
        memory: "1Gi".to_owned(),
    };
    PodWatch::new(&listing(names, r#""running":{}"#), &run)
}

fn listing(names: &[&str], state: &str) -> Kubectl {
    let pod = |name: &&str| {
        format!(
            r#"{{"metadata":{{"name":"{name}","labels":{{"{ROLE_LABEL}":"agent"}}}},
                "status":{{"containerStatuses":[{{"state":{{{state}}}}}]}}}}"#
        )
    };
    let pods: Vec<_> = names.iter().map(pod).collect();
    Kubectl::scripted(&format!("echo '{{\"items\":[{}]}}'", pods.join(",")))
}

#[tokio::test]
async fn a_pod_that_is_deleted_after_its_start_is_not_missing() {
    let mut watch = watch(&["one"]);
    watch.look_at_agents().await.unwrap();
    watch.since -= 2 * PATIENCE;
    assert!(matches!(watch.look_at_agents().await, Err(PodError::NotStarted { .. })));
    watch.kubectl = listing(&["two"], r#""running":{}"#);
    watch.look_at_agents().await.unwrap();
    assert!(watch.have_started());
}

#[tokio::test]
async fn an_agent_without_enough_memory_is_named_once() {
    let mut watch = watch(&[]);
    watch.kubectl = listing(&["one"], r#""terminated":{"exitCode":137,"reason":"OOMKilled"}"#);
    watch.explain_lost_agents().await;
    watch.explain_lost_agents().await;
    assert_eq!(watch.shown, BTreeSet::from(["one".to_owned()]));
}
