//! The coordinator's side of a run whose load agents make.

use std::net::{Ipv4Addr, SocketAddr};

use perf_report::exit_code::ExitCode;
use perf_report::finding::{Finding, FindingKind, Subject};
use perf_report::format::counted;
use perf_settings::{AGENT_JOIN, Settings};
use prometheus_store::StoreAccess;
use tokio_rustls::TlsAcceptor;

use super::{PreparedRun, RunError, ScenarioBody, configuration};
use crate::agents::{self, AgentError, Assignment, Coordinator, MAX_SETUP_VALUE};
use crate::engine::{self, LoadShare};
use crate::env_variables;
use crate::terminal::{Notes, print_wrapped};

impl PreparedRun {
    /// Starts agents, if the load is to be made by agents, and prepares them.
    pub(super) async fn gather_agents(&mut self) -> Result<Option<Coordinator>, RunError> {
        let Some(agents) = self.settings.agents else { return Ok(None) };
        if self.settings.on_kubernetes {
            return Err(RunError::Pods);
        }
        let token = self.settings.agent_token(&env_variables::variable).map_err(configuration)?;
        let token = token.unwrap_or_else(agents::new_token);
        let (name, catalogue) = (self.spec.name, self.spec.catalogue);
        let here = match self.settings.listen {
            Some(_) => agents::hello(name, catalogue, &token).map_err(RunError::Program)?,
            None => agents::hello_of_build(agents::new_token(), name, catalogue, &token),
        };
        let build = here.build.clone();
        let notes = Notes::new(&self.settings);
        let address = self.settings.listen.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let encryption = self.encryption()?;
        let mut coordinator = Coordinator::open(address, encryption, here, self.layout.clone())?;
        match self.settings.listen {
            Some(_) => {
                let address = coordinator.address_to_join();
                // Also with --quiet, because the port may be known from here only.
                let awaited = counted(agents.into(), "agent");
                print_wrapped(&format!("waiting for {awaited} with {AGENT_JOIN}={address}"));
                coordinator.gather(agents, &|text| notes.print(text), &mut self.signals).await?;
            }
            None => {
                coordinator.start_processes(agents, &token, &build)?;
                coordinator.gather(agents, &|_| (), &mut self.signals).await?;
            }
        }
        let settings = sent(&self.settings);
        let planning = &self.planning;
        // Agents on this machine share its processors.
        let threads = self.settings.listen.is_none().then(|| engine::processors().div_ceil(agents as usize));
        let assignment = |share: LoadShare| Assignment {
            settings: settings.clone(),
            loads: planning.loads.clone(),
            seed: planning.plan.seed,
            share,
            threads,
        };
        coordinator.assign(assignment, planning.hash(), &mut self.signals).await?;
        Ok(Some(coordinator))
    }

    /// TLS for the connections of agents, if the user gave a certificate.
    fn encryption(&self) -> Result<Option<TlsAcceptor>, RunError> {
        let acceptor = self.settings.listen_certificate.as_deref().map(agents::acceptor).transpose();
        acceptor.map_err(configuration)
    }

    /// Hands out setup's value to agents. Returns why no load can be made, if that is so.
    pub(super) async fn hand_out(&mut self, body: Option<&ScenarioBody>) -> Option<Finding> {
        let (coordinator, body) = (self.coordinator.as_mut()?, body?);
        let mistake = |message: String| Finding::mistake(FindingKind::SetupFailed, message);
        let value = match (body.value)() {
            Ok(value) if value.len() <= MAX_SETUP_VALUE => value,
            Ok(value) => {
                let (size, limit) = (value.len() >> 20, MAX_SETUP_VALUE >> 20);
                return Some(mistake(format!(
                    "setup's value has {size} MiB of JSON, and agents accept {limit} MiB: return less, for example the \
                     name of a file"
                )));
            }
            Err(error) => {
                return Some(mistake(format!("setup's value cannot be written as JSON, as agents need it: {error}")));
            }
        };
        let error = coordinator.hand_out(value, &mut self.signals).await.err()?;
        Some(match error.code() {
            ExitCode::BadConfiguration => mistake(error.to_string()),
            ExitCode::Interrupted => Finding::interrupted(error.to_string()),
            _ => {
                let kind = match error {
                    AgentError::StoodStill { .. } => FindingKind::MachineSlept,
                    _ => FindingKind::AgentLost,
                };
                Finding::inconclusive(Subject::Generator, kind, format!("{error}; no load was made"))
            }
        })
    }

    /// A warning for each reason for which peers were refused.
    pub(super) fn refused_peers(&self) -> impl Iterator<Item = Finding> {
        let texts = self.coordinator.iter().flat_map(Coordinator::refused);
        texts.map(|text| Finding::warning(Subject::Generator, FindingKind::AgentRefused, text))
    }
}

/// The settings without those of the store, of metrics and of files, which only the coordinator
/// needs.
fn sent(settings: &Settings) -> Settings {
    Settings {
        metrics_token: None,
        remote_write: None,
        prometheus: None,
        store_access: StoreAccess::default(),
        outcome: None,
        out: None,
        replay: None,
        agents: None,
        listen: None,
        listen_certificate: None,
        ..settings.clone()
    }
}

#[cfg(test)]
mod tests;
