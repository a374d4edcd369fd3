//! A run on a cluster, from the first object that is created to the last that is removed.

use std::net::IpAddr;
use std::time::Duration;

use perf_host::signals::Signals;
use perf_report::exit_code::ExitCode;
use perf_report::outcome::Outcome;
use perf_report::outcome_log::LoggedOutcome;
use perf_settings::is_private;
use serde_json::Value;
use tokio::time;

use super::args::{KubernetesArgs, POD_CPU, POD_MEMORY};
use super::coordinator_log::{CoordinatorLog, EndedLog};
use super::kubectl::Kubectl;
use super::launch_error::LaunchError;
use super::manifests::{COORDINATOR_GRACE, PORT, RunManifests, set_owner};
use super::pod_watch::PodWatch;
use super::pods::Terminated;
use super::rights;
use crate::scenarios::ScenarioTest;

/// Pause before a pod that could not be deleted is deleted again.
const PAUSE: Duration = Duration::from_secs(2);
/// Time for joining, beside the load, setup and teardown, in the time limit of the Jobs.
const JOINING: Duration = Duration::from_secs(15 * 60);

/// A run that has an outcome.
#[derive(Debug)]
pub(crate) struct LaunchedRun {
    pub(crate) logged: LoggedOutcome,
    /// The exit code of the coordinator; `None` if its pod was removed.
    pub(crate) exit_code: Option<i32>,
}

/// A run that is to be started.
pub(crate) struct Launcher {
    kubectl: Kubectl,
    run: RunManifests,
    /// The coordinator's settings as JSON.
    settings: String,
}

impl Launcher {
    /// A run of a scenario by N pods. `settings` are the coordinator's as JSON, and `longest` is
    /// the time that load, setup and teardown take at most.
    pub(crate) fn new(
        args: &KubernetesArgs,
        scenario: &ScenarioTest,
        agents: u32,
        longest: Duration,
        settings: String,
    ) -> Self {
        let run = RunManifests {
            name: run_name(&scenario.name, rand::random()),
            test: scenario.test.clone(),
            image: args.image.clone().unwrap_or_default(),
            agents,
            limit: longest + JOINING,
            cpu: args.pod_cpu.clone().unwrap_or_else(|| POD_CPU.to_owned()),
            memory: args.pod_memory.clone().unwrap_or_else(|| POD_MEMORY.to_owned()),
        };
        Self { kubectl: Kubectl::new(args), run, settings }
    }

    /// The port at which the coordinator must listen.
    pub(crate) const PORT: u16 = PORT;

    /// Runs it. Removes all objects of the run, even after an error.
    ///
    /// # Errors
    /// If there is no outcome. The message names the cause.
    pub(crate) async fn run(self, mut signals: Signals) -> Result<LaunchedRun, LaunchError> {
        let rights = rights::missing(&self.kubectl).await?;
        if !rights.is_empty() {
            return Err(LaunchError::NoRights { rights, place: self.kubectl.place() });
        }
        let result = match self.kubectl.create(&self.run.coordinator()).await {
            Ok(job) => self.run_created(&job, &mut signals).await,
            // The cluster may have the Job, although its response was lost.
            Err(error) => Err(error.into()),
        };
        let name = &self.run.name;
        let delete = ["delete", "job", name, "--cascade=background", "--wait=false", "--ignore-not-found"];
        if let Err(error) = self.kubectl.run(&delete).await {
            eprintln!(
                "warning: Job {name} is not removed ({error}): Kubernetes ends it after {} s and removes it then",
                self.run.limit.as_secs()
            );
        }
        result
    }

    async fn run_created(&self, job: &Value, signals: &mut Signals) -> Result<LaunchedRun, LaunchError> {
        let (name, uid) = (&self.run.name, job["metadata"]["uid"].as_str().unwrap_or_default());
        let token = format!("{:016x}{:016x}", rand::random::<u64>(), rand::random::<u64>());
        // The policy comes first: the coordinator's pod starts once it has its Secret.
        self.kubectl.create(&set_owner(self.run.network_policy(), name, uid)).await?;
        self.kubectl.create(&set_owner(self.run.secret(&token, Some(&self.settings)), name, uid)).await?;
        let mut watch = PodWatch::new(&self.kubectl, &self.run);
        let coordinator = tokio::select! {
            pod = watch.wait_for_coordinator() => pod?,
            () = signals.interrupted() => return Err(LaunchError::Interrupted),
        };
        eprintln!("coordinator: {}", coordinator.place);
        if coordinator.address.parse().is_ok_and(|address: IpAddr| !is_private(address)) {
            return Err(LaunchError::PublicPods { place: coordinator.place, address: coordinator.address });
        }
        let address = match coordinator.address.contains(':') {
            true => format!("[{}]:{PORT}", coordinator.address),
            false => format!("{}:{PORT}", coordinator.address),
        };
        let agents = self.kubectl.create(&set_owner(self.run.agents(&address), name, uid)).await?;
        // Older clusters drop fields that they do not know.
        if agents["spec"]["backoffLimitPerIndex"].is_null() {
            return Err(LaunchError::TooOld);
        }
        let log = self.follow(watch, &coordinator.name, signals).await?;
        read_run(&log, &coordinator.place)
    }

    /// Prints the coordinator's log to its end. Passes on the first signal, so that measurements
    /// are still pushed and judged.
    async fn follow(&self, mut watch: PodWatch, pod: &str, signals: &mut Signals) -> Result<EndedLog, LaunchError> {
        let (kubectl, limit) = (&self.kubectl, self.run.limit + COORDINATOR_GRACE);
        let log = CoordinatorLog::new(kubectl.clone(), pod.to_owned(), self.run.test.clone()).follow();
        let log = time::timeout(limit, log);
        tokio::pin!(log);
        let (mut passed_on, mut is_deleted) = (0, false);
        loop {
            tokio::select! {
                ended = &mut log => {
                    watch.explain_lost_agents().await;
                    let late = |_| LaunchError::NotEnded { pod: pod.to_owned(), limit };
                    return ended.map_err(late)?.map_err(LaunchError::Log);
                }
                error = watch.watch_agents(), if passed_on == 0 => return Err(error.into()),
                // The pod gets a signal, ends the load and still writes its outcome.
                () = delete_pod(kubectl, pod), if passed_on == 1 && !is_deleted => is_deleted = true,
                () = signals.more_than(passed_on) => {
                    passed_on += 1;
                    if passed_on > 1 {
                        let delete = ["delete", "pod", pod, "--grace-period=1", "--wait=false", "--ignore-not-found"];
                        if let Err(error) = kubectl.run(&delete).await {
                            eprintln!("warning: pod {pod} ends only after its own time limit: {error}");
                        }
                        return Err(LaunchError::Interrupted);
                    }
                }
            }
        }
    }
}

/// Deletes a pod. If the cluster is not reached, it tries again.
async fn delete_pod(kubectl: &Kubectl, pod: &str) {
    while let Err(error) = kubectl.run(&["delete", "pod", pod, "--wait=false", "--ignore-not-found"]).await {
        eprintln!("warning: the load does not end yet, because its pod is not deleted ({error}): trying again");
        time::sleep(PAUSE).await;
    }
}

fn read_run(log: &EndedLog, place: &str) -> Result<LaunchedRun, LaunchError> {
    if let Some(mut logged) = log.outcome.outcome()? {
        // The pod reaches other addresses than this machine.
        if let Outcome::Failed { code: ExitCode::BadConfiguration, message } = &mut logged.outcome {
            message.push_str(&format!(" (reported by {place})"));
        }
        return Ok(LaunchedRun { logged, exit_code: log.ended.as_ref().map(|ended| ended.exit_code) });
    }
    let how = match &log.ended {
        Some(ended) => {
            let reason = ended.describe_reason().map_or_else(String::new, |reason| format!(" ({reason})"));
            format!("ended with exit code {}{reason}", ended.exit_code)
        }
        None => "was removed".to_owned(),
    };
    let place = place.to_owned();
    if log.ended.as_ref().is_some_and(|ended| ended.is_without_program()) {
        return Err(LaunchError::NoProgram { place, how });
    }
    let todo = match log.ended.as_ref().is_some_and(Terminated::had_too_little_memory) {
        true => "it needs a larger --pod-memory",
        false => "see its output above",
    };
    Err(LaunchError::NoResult { place, how, todo })
}

/// A name for the objects of a run (RFC 1123), such as "perf-game-session-1f2e3d4c".
fn run_name(scenario: &str, salt: u32) -> String {
    let letters = scenario.chars().filter(char::is_ascii).take(36);
    let name: String =
        letters.map(|it| if it.is_ascii_alphanumeric() { it.to_ascii_lowercase() } else { '-' }).collect();
    format!("perf-{name}-{salt:08x}")
}

#[cfg(all(test, unix))]
mod tests;
