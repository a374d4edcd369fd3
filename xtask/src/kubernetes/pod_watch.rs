//! Watches a run's pods until all have started, and reports why one does not start.

use std::collections::BTreeSet;
use std::time::Duration;

use perf_report::format::counted_part;
use perf_report::outcome_log::AGENT_LINE;
use tokio::time::{self, Instant};

use super::kubectl::{Kubectl, KubectlError};
use super::manifests::{AGENT, COORDINATOR, RUN_LABEL, RunManifests};
use super::pods::{Pod, PodState, refused_pods};
use crate::host::clock;

/// Time for a pod to start. A cluster that adds nodes needs minutes.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// Time after which missing pods are explained by events.
const GRACE: Duration = Duration::from_secs(3);
/// Time in which a pod may wait for its Secret, which is created after its Job.
const CONFIGURED: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(500);
/// Time between two looks at the agents until all have started, and after that.
const TICK: Duration = Duration::from_secs(1);
const SLOW_TICK: Duration = Duration::from_secs(10);
/// Time for the coordinator to report what an agent could not do.
const REPORTING: Duration = Duration::from_secs(10);
/// Time for which the API server may be away while the coordinator starts.
const AWAY: Duration = Duration::from_secs(30);

/// Why a run's pods do not run. A pod is named as [`Pod::place`] names it; reasons are the
/// cluster's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PodError {
    #[error("{0} cannot start: {1}")]
    Broken(String, String),
    /// The last line of the agent's log says why.
    #[error("{0} did not join: {1}")]
    NotJoined(String, String),
    #[error("Job {job} has {}: {why}", counted_part(*.created as u64, *.wanted as u64, "pod"))]
    NotCreated { job: String, created: usize, wanted: usize, why: String },
    #[error("{waits}; it did not start within {} min", PATIENCE.as_secs() / 60)]
    NotStarted { waits: String },
    #[error(transparent)]
    Kubectl(#[from] KubectlError),
}

/// The coordinator's pod that runs.
pub(super) struct RunningPod {
    pub(super) name: String,
    pub(super) address: String,
    /// Its name and node, for messages.
    pub(super) place: String,
}

pub(super) struct PodWatch {
    kubectl: Kubectl,
    run: RunManifests,
    since: Instant,
    /// Reasons that are printed already.
    shown: BTreeSet<String>,
    /// When an agent was found that ended by a mistake.
    failed: Option<Instant>,
    /// Agents' pods that have started. Once all have, the coordinator watches them.
    started: BTreeSet<String>,
}

impl PodWatch {
    pub(super) fn new(kubectl: &Kubectl, run: &RunManifests) -> Self {
        Self {
            kubectl: kubectl.clone(),
            run: run.clone(),
            since: clock::instant(),
            shown: BTreeSet::new(),
            failed: None,
            started: BTreeSet::new(),
        }
    }

    /// Waits until the coordinator runs.
    ///
    /// # Errors
    /// If its pod cannot start. The message is the cluster's.
    pub(super) async fn wait_for_coordinator(&mut self) -> Result<RunningPod, PodError> {
        let mut away_since = None;
        loop {
            match self.look_at_coordinator().await {
                Ok(Some(pod)) => return Ok(pod),
                Ok(None) => away_since = None,
                Err(PodError::Kubectl(_)) if away_since.get_or_insert_with(clock::instant).elapsed() < AWAY => {}
                Err(error) => return Err(error),
            }
            time::sleep(PAUSE).await;
        }
    }

    async fn look_at_coordinator(&mut self) -> Result<Option<RunningPod>, PodError> {
        let name = self.run.name.clone();
        let pods = self.pods(COORDINATOR).await?;
        self.explain(&pods, 1, &name).await?;
        let Some(pod) = pods.first() else { return Ok(None) };
        let (PodState::Running | PodState::Ended(_), Some(address)) = (pod.state(), pod.address()) else {
            return Ok(None);
        };
        self.since = clock::instant();
        Ok(Some(RunningPod { name: pod.name().to_owned(), address: address.to_owned(), place: pod.place() }))
    }

    /// Watches the agents' pods. Returns only if one cannot start or cannot join.
    pub(super) async fn watch_agents(&mut self) -> PodError {
        loop {
            time::sleep(if self.have_started() { SLOW_TICK } else { TICK }).await;
            match self.look_at_agents().await {
                // The load does not need the API server. The log's reader knows how long it may be
                // away.
                Ok(()) | Err(PodError::Kubectl(_)) => {}
                Err(error) => return error,
            }
        }
    }

    async fn look_at_agents(&mut self) -> Result<(), PodError> {
        let pods = self.pods(AGENT).await?;
        self.explain_memory(&pods);
        if !self.have_started() {
            let has_started = |pod: &&Pod| matches!(pod.state(), PodState::Running | PodState::Ended(_));
            self.started.extend(pods.iter().filter(has_started).map(|pod| pod.name().to_owned()));
            // A pod that was deleted after its start is not missing. The coordinator reports its
            // agent.
            let present: BTreeSet<_> = pods.iter().map(Pod::name).collect();
            let deleted = self.started.iter().filter(|name| !present.contains(name.as_str())).count();
            let name = self.run.agents_name();
            self.explain(&pods, (self.run.agents as usize).saturating_sub(deleted), &name).await?;
        }
        let is_mistake = |pod: &&Pod| matches!(pod.state(), PodState::Ended(ended) if ended.is_mistake());
        let Some(pod) = pods.iter().find(is_mistake) else { return Ok(()) };
        if self.failed.get_or_insert_with(clock::instant).elapsed() < REPORTING {
            return Ok(());
        }
        let log = self.kubectl.run(&["logs", pod.name(), "--container", AGENT, "--tail=20"]).await?;
        // The pod is removed soon, and its log with it.
        let own = log.lines().rfind(|line| line.starts_with(AGENT_LINE));
        let last = log.lines().rfind(|line| !line.trim().is_empty());
        let reason = own.or(last).unwrap_or("its log is empty");
        Err(PodError::NotJoined(pod.place(), reason.to_owned()))
    }

    fn have_started(&self) -> bool {
        self.started.len() >= self.run.agents as usize
    }

    /// Prints which agents ended because they had too little memory. The coordinator knows only
    /// that their connections were closed.
    pub(super) async fn explain_lost_agents(&mut self) {
        // Without the list of pods, only the hint is missing.
        if let Ok(pods) = self.pods(AGENT).await {
            self.explain_memory(&pods);
        }
    }

    fn explain_memory(&mut self, pods: &[Pod]) {
        for pod in pods {
            let is_killed = matches!(pod.state(), PodState::Ended(ended) if ended.had_too_little_memory());
            if is_killed && self.shown.insert(pod.name().to_owned()) {
                eprintln!("{} ended (OOMKilled): it needs a larger --pod-memory", pod.place());
            }
        }
    }

    async fn pods(&self, role: &str) -> Result<Vec<Pod>, PodError> {
        let selector = format!("--selector={RUN_LABEL}={}", self.run.name);
        let pods: Vec<Pod> = self.kubectl.list("pods", &selector).await?;
        Ok(pods.into_iter().filter(|pod| pod.has_role(role)).collect())
    }

    /// Prints why pods wait.
    async fn explain(&mut self, pods: &[Pod], wanted: usize, job: &str) -> Result<(), PodError> {
        let mut waits = None;
        for pod in pods {
            let why = match pod.state() {
                PodState::Running | PodState::Ended(_) => continue,
                PodState::Broken(why) => return Err(PodError::Broken(pod.place(), why)),
                PodState::Waiting(why) => why,
                PodState::Unconfigured(why) => Some(why).filter(|_| self.since.elapsed() >= CONFIGURED),
            };
            let why = why.unwrap_or_else(|| "it is being started".to_owned());
            waits = Some(format!("{} waits: {why}", pod.place()));
        }
        let waited = self.since.elapsed();
        if pods.len() < wanted && waited > GRACE {
            let field = format!("--field-selector=involvedObject.name={job}");
            let events = self.kubectl.list("events", &field).await;
            // Without a readable list of events, the message says only that pods are missing.
            let has = format!("Job {job} has {}", counted_part(pods.len() as u64, wanted as u64, "pod"));
            if let Some(why) = events.ok().and_then(refused_pods) {
                return Err(PodError::NotCreated { job: job.to_owned(), created: pods.len(), wanted, why });
            }
            waits = Some(has);
        }
        let Some(waits) = waits else { return Ok(()) };
        if waited > PATIENCE {
            return Err(PodError::NotStarted { waits });
        }
        if waited > GRACE && self.shown.insert(waits.clone()) {
            eprintln!("{waits}");
        }
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests;
