//! Tests of a run with a shell script in place of `kubectl`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use tokio::sync::watch;

use super::*;
use crate::host::workspace;
use crate::kubernetes::manifests::ROLE_LABEL;

/// A cluster on which everything works, in the folder $dir. Each test puts its own cases first.
const USUAL: &str = r#"
    "auth can-i"*) echo yes ;;
    create*) tee -a $dir/created ;;
    "get pods"*) cat $dir/pods ;;
    "get pod "*) count pod; case $n in 1) cat $dir/running ;; *) cat $dir/ended ;; esac ;;
    logs*) cat $dir/log ;;
    delete*) echo "$*" >>$dir/deleted ;;
    *) echo "error: not expected: $*" >&2; exit 1 ;;
esac"#;

/// Runs it. `cases` are those of a shell's `case`, in which `count NAME` sets `n` to the number of
/// the call.
#[expect(clippy::unwrap_used, reason = "a helper that fails fails the test")]
async fn launch(name: &str, cases: &str, signals: Signals) -> (Result<LaunchedRun, LaunchError>, PathBuf) {
    let dir = workspace::target().join(format!("kubectl-{name}"));
    drop(fs::remove_dir_all(&dir));
    fs::create_dir_all(&dir).unwrap();
    let state = |name: &str, role: &str, state: &str| {
        format!(
            r#"{{"metadata":{{"name":"{name}","labels":{{"{}":"{role}"}}}},"spec":{{"nodeName":"n"}},
                "status":{{"podIP":"10.0.0.5","containerStatuses":[{{"state":{{{state}}}}}]}}}}"#,
            ROLE_LABEL
        )
    };
    let (running, ended) = (r#""running":{}"#, r#""terminated":{"exitCode":3}"#);
    let coordinator = |it: &str| state("c", "coordinator", it);
    let pods = format!(r#"{{"items":[{},{}]}}"#, coordinator(running), state("a", "agent", running));
    let outcome = Outcome::Failed { code: ExitCode::Missed, message: "m".to_owned() };
    let lines = LoggedOutcome { outcome, files: BTreeMap::new() }.to_lines().unwrap().join("\n");
    let files =
        [("pods", pods), ("running", coordinator(running)), ("ended", coordinator(ended)), ("log", lines + "\n")];
    files.iter().for_each(|(name, contents)| fs::write(dir.join(name), contents).unwrap());
    let count = "count() { n=$(cat $dir/$1.n 2>/dev/null || echo 0); n=$((n + 1)); echo $n >$dir/$1.n; }";
    let script = format!("dir={}\n{count}\ncase \"$*\" in\n{cases}\n{USUAL}", dir.display());
    let run = RunManifests {
        name: "perf-basic-1".to_owned(),
        test: "basic::basic".to_owned(),
        image: "a".to_owned(),
        agents: 1,
        limit: Duration::from_secs(60),
        cpu: "1".to_owned(),
        memory: "1Gi".to_owned(),
    };
    let launcher = Launcher { kubectl: Kubectl::scripted(&script), run, settings: "{}".to_owned() };
    (launcher.run(signals).await, dir)
}

fn no_signal() -> (watch::Sender<u32>, Signals) {
    Signals::from_sender()
}

#[tokio::test]
async fn an_outcome_comes_with_the_exit_code_of_the_test() {
    let (_sender, signals) = no_signal();
    let (run, dir) = launch("whole", "", signals).await;
    let run = run.unwrap();
    assert_eq!(run.logged.outcome, Outcome::Failed { code: ExitCode::Missed, message: "m".to_owned() });
    assert_eq!(run.exit_code, Some(3));
    let created = fs::read_to_string(dir.join("created")).unwrap();
    assert_eq!(created.matches(r#""kind":"Job","metadata""#).count(), 2, "{created}");
    assert_eq!(created.matches("ownerReferences").count(), 3, "{created}");
    assert!(created.find("NetworkPolicy") < created.find("Secret\",\"metadata"), "{created}");
    let deleted = fs::read_to_string(dir.join("deleted")).unwrap();
    assert!(deleted.starts_with("delete job perf-basic-1 ") && deleted.lines().count() == 1, "{deleted}");
}

#[tokio::test]
async fn a_load_goes_on_while_the_api_server_does_not_list_pods() {
    // The coordinator is found, and then the server is away while the log is being read.
    let cases = r#"
        "get pods"*) count pods; if [ $n -gt 1 ]; then echo "Unable to connect" >&2; exit 1; fi; cat $dir/pods ;;
        logs*) while [ "$(cat $dir/pods.n)" -lt 4 ]; do sleep 0.1; done; cat $dir/log ;;"#;
    let (_sender, signals) = no_signal();
    assert_eq!(launch("away", cases, signals).await.0.unwrap().exit_code, Some(3));
}

#[tokio::test]
async fn a_job_is_deleted_although_the_response_to_its_creation_was_lost() {
    let cases = r#"create*) echo "Unable to connect" >&2; exit 1 ;;"#;
    let (run, dir) = launch("lost", cases, no_signal().1).await;
    assert_eq!(run.unwrap_err().code(), ExitCode::BadConfiguration);
    assert!(fs::read_to_string(dir.join("deleted")).unwrap().starts_with("delete job perf-basic-1 "));
}

#[tokio::test]
async fn a_coordinator_may_start_while_the_api_server_is_away() {
    let cases = r#"
        "get pods"*) count pods; if [ $n -lt 3 ]; then echo "Unable to connect" >&2; exit 1; fi; cat $dir/pods ;;"#;
    assert_eq!(launch("starting", cases, no_signal().1).await.0.unwrap().exit_code, Some(3));
}

#[tokio::test]
async fn an_unreadable_log_is_read_again_before_the_run_is_deleted() {
    let cases = r#"
        logs*) count logs; if [ $n -lt 4 ]; then echo "error: kubelet is busy" >&2; exit 1; fi; cat $dir/log ;;"#;
    let (_sender, signals) = no_signal();
    assert_eq!(launch("log", cases, signals).await.0.unwrap().exit_code, Some(3));
}

#[tokio::test]
async fn outcome_lines_of_a_rotated_log_are_read() {
    // The second log is shorter than the first, because the node began a new file.
    let cases = r#"logs*) count logs; if [ $n = 1 ]; then seq 100; else cat $dir/log; fi ;;"#;
    let (_sender, signals) = no_signal();
    assert!(launch("rotated", cases, signals).await.0.is_ok());
}

#[tokio::test]
async fn a_removed_pod_ends_the_run_with_what_its_log_had() {
    let cases = r#"
        "get pod "*) count pod; if [ $n = 1 ]; then cat $dir/running
            else echo 'Error from server (NotFound): pods "c" not found' >&2; exit 1; fi ;;
        logs*) count logs; if [ $n = 1 ]; then cat $dir/log
            else echo 'Error from server (NotFound): pods "c" not found' >&2; exit 1; fi ;;"#;
    let (_sender, signals) = no_signal();
    assert_eq!(launch("removed", cases, signals).await.0.unwrap().exit_code, None);
}

#[tokio::test]
async fn an_image_without_scenarios_is_named() {
    let ended =
        r#"    logs*) sed -i 's/"exitCode":3/"exitCode":127/' $dir/ended; echo "--ignored: applet not found" ;;"#;
    let error = launch("no-program", ended, no_signal().1).await.0.unwrap_err();
    assert_eq!(error.code(), ExitCode::BadConfiguration, "{error}");
    let end =
        "pod c on node n ended with exit code 127: its image has no program of scenarios; cargo xtask image builds one";
    assert!(error.to_string().ends_with(end), "{error}");
}

#[tokio::test]
async fn a_cluster_that_would_replace_agents_is_refused() {
    let cases = r#"create*) sed s/backoffLimitPerIndex/unknown/ ;;"#;
    let (_sender, signals) = no_signal();
    let error = launch("old", cases, signals).await.0.unwrap_err();
    assert!(error.to_string().contains("needs Kubernetes 1.29"), "{error}");
}

#[tokio::test]
async fn a_token_does_not_cross_a_public_network_of_pods() {
    let cases = r#"    "get pods"*) sed 's/10[.]0[.]0[.]5/203.0.113.5/' $dir/pods ;;"#;
    let (run, dir) = launch("public", cases, no_signal().1).await;
    let error = run.unwrap_err();
    let named = error.to_string().contains("pod c on node n has the public address 203.0.113.5, and agents would");
    assert!(named && error.code() == ExitCode::BadConfiguration, "{error}");
    assert!(!fs::read_to_string(dir.join("created")).unwrap().contains("Indexed"));
}

#[tokio::test]
async fn signals_are_passed_on_although_a_deletion_fails() {
    // The log ends only after the pod was deleted, which the server refuses once.
    let cases = r#"
        "delete pod c --wait"*) count delete; if [ $n = 1 ]; then echo "Unable to connect" >&2; exit 1; fi
            echo >$dir/stopped ;;
        logs*) until [ -e $dir/stopped ]; do sleep 0.1; done; cat $dir/log ;;"#;
    let (sender, signals) = no_signal();
    let interrupt = async {
        time::sleep(Duration::from_secs(1)).await;
        sender.send_replace(1);
    };
    let ((run, _), ()) = tokio::join!(launch("interrupt", cases, signals), interrupt);
    assert_eq!(run.unwrap().exit_code, Some(3));
}

#[tokio::test]
async fn a_second_signal_ends_the_pod_without_its_time_limit() {
    let cases = r#"logs*) exec sleep 60 ;;"#;
    let (sender, signals) = no_signal();
    let interrupt = async {
        time::sleep(Duration::from_secs(1)).await;
        sender.send_replace(1);
        time::sleep(Duration::from_millis(500)).await;
        sender.send_replace(2);
    };
    let ((run, dir), ()) = tokio::join!(launch("twice", cases, signals), interrupt);
    assert!(matches!(run, Err(LaunchError::Interrupted)));
    let deleted = fs::read_to_string(dir.join("deleted")).unwrap();
    let lines: Vec<_> = deleted.lines().collect();
    assert!(lines[0].starts_with("delete pod c --wait"), "{deleted}");
    assert!(lines[1].starts_with("delete pod c --grace-period=1 "), "{deleted}");
    assert!(lines[2].starts_with("delete job perf-basic-1 "), "{deleted}");
}
