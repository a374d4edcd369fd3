//! A run on a cluster, from the first object that is created to the last that is removed.

use std::time::Duration;

use perf_report::outcome::Outcome;
use perf_report::outcome_log::{LoggedOutcome, OutcomeLogError};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{self, MissedTickBehavior};

use super::args::KubernetesArgs;
use super::coordinator_log::{CoordinatorLog, EndedLog};
use super::kubectl::{Kubectl, KubectlError};
use super::manifests::{PORT, RunManifests, owned};
use super::rights;
use super::watch::{PodWatch, Trouble};
use crate::scenarios::ScenarioTest;

/// Time between two looks at the pods.
const TICK: Duration = Duration::from_secs(1);
/// Time for joining, beside the load, setup and teardown, in the time limit of the Jobs.
const JOINING: Duration = Duration::from_secs(15 * 60);

/// Why a run on a cluster has no outcome.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    /// Rights, image, quota or target: the user can fix it.
    #[error("{0}")]
    Configuration(String),
    #[error("interrupted before the load ended")]
    Interrupted,
    /// The coordinator ended without an outcome.
    #[error("{0}")]
    Lost(String),
    #[error(transparent)]
    Kubectl(#[from] KubectlError),
}

impl From<OutcomeLogError> for LaunchError {
    fn from(error: OutcomeLogError) -> Self {
        Self::Lost(error.to_string())
    }
}

impl From<Trouble> for LaunchError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Pod(message) => Self::Configuration(message),
            Trouble::Kubectl(error) => Self::Kubectl(error),
        }
    }
}

/// A run that is to be started.
pub(crate) struct Launcher {
    kubectl: Kubectl,
    run: RunManifests,
    /// The coordinator's settings as JSON.
    settings: String,
    signals: watch::Receiver<u32>,
}

impl Launcher {
    /// A run of a scenario by N pods. `settings` are the coordinator's as JSON, and `longest` is
    /// the time that load, setup and teardown take at most.
    pub(crate) fn new(
        args: &KubernetesArgs,
        scenario: &ScenarioTest,
        (agents, longest): (u32, Duration),
        settings: String,
        signals: watch::Receiver<u32>,
    ) -> Self {
        let run = RunManifests {
            name: run_name(&scenario.name, rand::random()),
            test: scenario.test.clone(),
            image: args.image.clone().unwrap_or_default(),
            agents,
            limit: longest + JOINING,
            cpu: args.pod_cpu.clone(),
            memory: args.pod_memory.clone(),
        };
        Self { kubectl: Kubectl::new(args), run, settings, signals }
    }

    /// The port at which the coordinator must listen.
    pub(crate) const PORT: u16 = PORT;

    /// Runs it. Nothing of it is left in the cluster, whatever its end is.
    ///
    /// # Errors
    /// If there is no outcome. The message names the cause.
    pub(crate) async fn run(mut self) -> Result<LoggedOutcome, LaunchError> {
        let missing = rights::missing(&self.kubectl).await?;
        if !missing.is_empty() {
            let message = format!(
                "the user of kubectl has no right to {} in this namespace: ask for it, or use another --context or \
                 --namespace",
                missing.join(", ")
            );
            return Err(LaunchError::Configuration(message));
        }
        let job = self.kubectl.create(&self.run.coordinator()).await?;
        let result = self.run_created(&job).await;
        let (name, flags) = (&self.run.name, ["--cascade=background", "--wait=false", "--ignore-not-found"]);
        let delete = ["delete", "job", name, flags[0], flags[1], flags[2]];
        if let Err(error) = self.kubectl.run(&delete).await {
            eprintln!(
                "warning: Job {} is not removed ({error}): Kubernetes ends it after {} s and removes it then",
                self.run.name,
                self.run.limit.as_secs()
            );
        }
        result
    }

    async fn run_created(&mut self, job: &Value) -> Result<LoggedOutcome, LaunchError> {
        let uid = job["metadata"]["uid"].as_str().unwrap_or_default();
        let owner = (self.run.name.as_str(), uid);
        let token = format!("{:016x}{:016x}", rand::random::<u64>(), rand::random::<u64>());
        self.kubectl.create(&owned(self.run.secret(&token, Some(&self.settings)), owner)).await?;
        self.kubectl.create(&owned(self.run.network_policy(), owner)).await?;
        let mut watch = PodWatch::new(&self.kubectl, &self.run);
        let coordinator = tokio::select! {
            pod = watch.wait_for_coordinator() => pod?,
            _ = self.signals.wait_for(|count| *count > 0) => return Err(LaunchError::Interrupted),
        };
        eprintln!("coordinator: {}", coordinator.place);
        let address = match coordinator.address.contains(':') {
            true => format!("[{}]:{PORT}", coordinator.address),
            false => format!("{}:{PORT}", coordinator.address),
        };
        let pod = coordinator.name;
        let log = tokio::spawn(CoordinatorLog::new(self.kubectl.clone(), pod.clone(), self.run.test.clone()).follow());
        self.kubectl.create(&owned(self.run.agents(&address), owner)).await?;
        let mut ticks = time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut passed_on = 0;
        tokio::pin!(log);
        let log = loop {
            tokio::select! {
                ended = &mut log => {
                    break ended.map_err(|error| LaunchError::Lost(format!("failed to follow the log: {error}")))??;
                }
                _ = ticks.tick(), if passed_on == 0 => watch.look_at_agents().await?,
                _ = self.signals.wait_for(|count| *count > passed_on) => {
                    passed_on += 1;
                    if passed_on > 1 {
                        log.abort();
                        return Err(LaunchError::Interrupted);
                    }
                    // The pod gets a signal, ends the load and still writes its outcome.
                    self.kubectl.run(&["delete", "pod", &pod, "--wait=false", "--ignore-not-found"]).await?;
                }
            }
        };
        outcome(&log, &coordinator.place)
    }
}

fn outcome(log: &EndedLog, place: &str) -> Result<LoggedOutcome, LaunchError> {
    if let Some(mut logged) = log.outcome.outcome()? {
        // A target or a store may be reached from here, and not from there.
        if let Outcome::Failed { message, .. } = &mut logged.outcome {
            message.push_str(&format!(" (tried from {place})"));
        }
        return Ok(logged);
    }
    let how = match &log.ended {
        Some(ended) => {
            let reason = ended.reason.as_deref().map_or_else(String::new, |reason| format!(" ({reason})"));
            format!("ended with exit code {}{reason}", ended.exit_code)
        }
        None => "was removed".to_owned(),
    };
    let todo = match log.ended.as_ref().and_then(|ended| ended.reason.as_deref()) {
        Some("OOMKilled") => "it needs a larger --pod-memory",
        _ => "see its output above",
    };
    Err(LaunchError::Lost(format!("the coordinator's {place} {how} before it wrote a result: {todo}")))
}

/// A name for the objects of a run (RFC 1123), such as "perf-game-session-1f2e3d4c".
fn run_name(scenario: &str, salt: u32) -> String {
    let letters = scenario.chars().filter(char::is_ascii).take(36);
    let name: String =
        letters.map(|it| if it.is_ascii_alphanumeric() { it.to_ascii_lowercase() } else { '-' }).collect();
    format!("perf-{name}-{salt:08x}")
}
