//! The second stage: starts the stack and the stub backend, and stops them at the end.

use anyhow::ensure;
use url::Url;

use super::args::ProofMode;
use super::perf_error::PerfError;
use super::plan::PerfPlan;
use crate::backend::target_metrics::MetricsSource;
use crate::host::terminal::print_note;
use crate::stack::stub_backend::StubBackend;
use crate::stack::{self, Stack};

/// The target of the load, and the stack for its metrics.
pub(super) struct Services {
    pub(super) stack: Stack,
    /// The stub backend, if it is the target. No other client uses it.
    pub(super) stub: Option<StubBackend>,
    pub(super) target: Url,
    /// Whether the stack stops after the run.
    is_ephemeral: bool,
}

impl Services {
    /// Starts the stack and the stub backend, if they are needed, and makes the stack scrape the
    /// target.
    pub(super) async fn start(plan: &PerfPlan) -> Result<Self, PerfError> {
        let mut services = Self {
            stack: Stack::default(),
            stub: None,
            target: plan.settings.target.clone(),
            is_ephemeral: plan.is_ephemeral,
        };
        if !plan.sends() {
            return Ok(services);
        }
        if let Some(options) = &plan.stack {
            services.stack = stack::start(options, plan.signals.clone()).await?;
            // Docker and prometheus may both be missing. Then nothing was started.
            if plan.proof == ProofMode::Required && services.stack.prometheus.is_none() {
                return Err(PerfError::NoStore);
            }
        }
        if plan.settings.on_kubernetes && plan.settings.remote_write.is_none() {
            print_note("the pods store no metrics: name a store that they reach with --prometheus-url");
        }
        match services.start_target(plan).await {
            Ok(()) => Ok(services),
            Err(first) => Err(first.after_cleanup(services.stop().await)),
        }
    }

    async fn start_target(&mut self, plan: &PerfPlan) -> Result<(), PerfError> {
        if let Some(program) = &plan.stub {
            let stub = StubBackend::start(program, plan.settings.seed, &[]).await?;
            self.target = stub.url.clone();
            self.stub = Some(stub);
        }
        let (source, mut signals) = (self.metrics_source(plan), plan.signals.clone());
        tokio::select! {
            waited = self.stack.wait_for_dropped_backends(source, plan.mapping) => waited?,
            () = signals.interrupted() => {}
        }
        Ok(self.stack.scrape(source, plan.mapping)?)
    }

    /// The target's own metrics. Those of the stub need no token and no options.
    pub(super) fn metrics_source<'a>(&'a self, plan: &'a PerfPlan) -> MetricsSource<'a> {
        let settings = Some(&plan.settings).filter(|_| self.stub.is_none());
        MetricsSource {
            target: &self.target,
            token: settings.and_then(|settings| settings.metrics_token.as_deref()),
            options: settings.map(|settings| &settings.http),
        }
    }

    /// Stops everything that was started.
    ///
    /// # Errors
    /// All errors, as one text. Everything else is stopped nevertheless.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        let mut errors: Vec<_> = self.stack.forget_backend().err().into_iter().collect();
        if let Some(stub) = self.stub {
            errors.extend(stub.stop().await.err());
        }
        if self.is_ephemeral {
            errors.extend(self.stack.down().await.err());
        }
        let errors: Vec<_> = errors.iter().map(|error| format!("{error:#}")).collect();
        ensure!(errors.is_empty(), "failed to stop the stack: {}", errors.join("; "));
        Ok(())
    }

    /// The URL of the stack's Grafana, if it still runs after the run.
    pub(super) fn lasting_grafana(&self) -> Option<&Url> {
        if self.is_ephemeral { self.stack.found_grafana() } else { self.stack.grafana.as_ref() }
    }
}
