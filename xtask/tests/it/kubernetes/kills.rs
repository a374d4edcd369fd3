//! Ends of pods, of the coordinator and of the command.

use perf_report::finding::FindingKind;

use super::*;
use crate::real::as_root;

#[test]
#[ignore = "needs a Kubernetes cluster: run .ci/kubernetes"]
fn a_killed_agent_is_named_and_the_run_is_inconclusive() {
    let cluster = Cluster::new("agent");
    let running = cluster.start(&["-d", "15s"]);
    cluster.wait_for_load();
    let pod = cluster.running_pod("-agents-1-");
    cluster.kubectl(&["delete", &pod, "--grace-period=0", "--force"]);
    let output = read_output(&running.wait_with_output().unwrap());
    assert_eq!(output.code, 90, "{}", output.text);
    let report = cluster.report();
    let lost: Vec<_> = report.run.agents.iter().filter(|agent| agent.lost.is_some()).collect();
    assert!(lost.len() == 1 && lost[0].place.as_ref().unwrap().contains("-agents-1"), "{:?}", report.run.agents);
    assert!(report.has(FindingKind::AgentLost), "{}", output.text);
    cluster.assert_nothing_is_left();
}

#[test]
#[ignore = "needs a Kubernetes cluster: run .ci/kubernetes"]
fn a_killed_coordinator_ends_the_run_and_its_agents() {
    let cluster = Cluster::new("coordinator");
    let running = cluster.start(&["-d", "60s"]);
    cluster.wait_for_load();
    kill_pod_processes(&coordinator(&cluster));
    let output = read_output(&running.wait_with_output().unwrap());
    assert_eq!(output.code, 70, "{}", output.text);
    assert!(output.text.contains("ended with exit code 137"), "{}", output.text);
    cluster.assert_nothing_is_left();
}

/// As in a drain of the node: the pod gets a signal, and has time to report.
#[test]
#[ignore = "needs a Kubernetes cluster: run .ci/kubernetes"]
fn a_deleted_coordinator_still_reports_what_was_measured() {
    let cluster = Cluster::new("deleted");
    let running = cluster.start(&["-d", "60s"]);
    cluster.wait_for_load();
    cluster.kubectl(&["delete", "pod", &coordinator(&cluster), "--wait=false"]);
    let output = read_output(&running.wait_with_output().unwrap());
    assert_eq!(output.code, 105, "{}", output.text);
    assert!(cluster.report().requests.sent > 0, "{}", output.text);
    cluster.assert_nothing_is_left();
}

/// The name of the coordinator's pod.
fn coordinator(cluster: &Cluster) -> String {
    let pods = cluster.kubectl(&["get", "pods", "--output=name"]).text;
    let pod = pods.lines().find(|name| !name.contains("-agents-")).unwrap();
    pod.trim_start_matches("pod/").to_owned()
}

/// Ends the processes of a pod of this machine by SIGKILL. They are known by their host name.
fn kill_pod_processes(pod: &str) {
    let script = format!(
        "exec 2>/dev/null; for file in /proc/[0-9]*/environ; do if tr '\\0' '\\n' <$file | grep -qx HOSTNAME={pod}; then \
         process=${{file%/environ}}; kill -KILL ${{process#/proc/}}; fi; done"
    );
    as_root(&["sh", "-c", &script]);
}

/// Pods go on without the kubelet of their node, and the log is read again when it is back.
#[test]
#[ignore = "needs a Kubernetes cluster: run .ci/kubernetes"]
#[expect(clippy::disallowed_methods, reason = "the script that runs these tests may set it")]
fn a_killed_kubelet_does_not_change_a_run() {
    let cluster = Cluster::new("kubelet");
    let running = cluster.start(&["-d", "30s"]);
    cluster.wait_for_load();
    as_root(&["sh", "-c", "kill -KILL $(pidof kubelet)"]);
    if let Ok(start) = std::env::var("PERF_KUBELET_START") {
        let pod = coordinator(&cluster);
        let mut failed = 0;
        wait_for("a log that cannot be read for seconds", PATIENCE, || {
            failed += u32::from(cluster.kubectl(&["logs", "--tail=1", &pod]).code != 0);
            (failed > 20).then_some(())
        });
        as_root(&["sh", "-c", &start]);
    }
    let output = read_output(&running.wait_with_output().unwrap());
    assert_eq!(output.code, 0, "{}", output.text);
    let report = cluster.report();
    assert!(report.run.agents.iter().all(|agent| agent.lost.is_none()), "{:?}", report.run.agents);
    assert!(!output.text.contains("perf-outcome"), "{}", output.text);
    cluster.assert_nothing_is_left();
}

#[test]
#[ignore = "needs a Kubernetes cluster: run .ci/kubernetes"]
fn ctrl_c_ends_all_pods_and_keeps_what_was_measured() {
    let cluster = Cluster::new("interrupt");
    let running = cluster.start(&["-d", "120s"]);
    cluster.wait_for_load();
    send_signal(running.id(), Signal::INT).unwrap();
    let output = read_output(&running.wait_with_output().unwrap());
    assert_eq!(output.code, 105, "{}", output.text);
    let report = cluster.report();
    assert!(report.requests.sent > 0 && report.has(FindingKind::Interrupted), "{}", output.text);
    cluster.assert_nothing_is_left();
}

/// A command that is killed cannot clean up. The run goes to its end, and Kubernetes removes it:
/// here by a deletion, as its own controller does five minutes later.
#[test]
#[ignore = "needs a Kubernetes cluster: run .ci/kubernetes"]
fn a_killed_command_leaves_a_run_that_ends_and_is_removed() {
    let cluster = Cluster::new("killed");
    let mut running = cluster.start(&["-d", "8s"]);
    cluster.wait_for_load();
    running.kill().unwrap();
    running.wait().unwrap();
    let jobs = cluster.kubectl(&["get", "jobs", "--output=json"]).text;
    let jobs: Value = serde_json::from_str(&jobs).unwrap();
    let spec = |job: &Value, field: &str| job["spec"][field].as_u64();
    for job in jobs["items"].as_array().unwrap() {
        assert_eq!(spec(job, "ttlSecondsAfterFinished"), Some(300), "{job}");
        assert!(spec(job, "activeDeadlineSeconds").is_some_and(|limit| limit < 3600), "{job}");
    }
    let names = cluster.kubectl(&["get", "jobs", "--output=name"]).text;
    let names: Vec<_> = names.lines().collect();
    let wait = [&["wait", "--for=condition=complete", "--timeout=60s"], &names[..]].concat();
    let waited = cluster.kubectl(&wait);
    assert_eq!((waited.code, names.len()), (0, 2), "{}", waited.text);
    let coordinator = names.iter().find(|name| !name.ends_with("-agents")).unwrap();
    cluster.kubectl(&["delete", coordinator, "--cascade=background"]);
    cluster.assert_nothing_is_left();
}
