//! The second stage: what a run needs beside itself. One place starts it, and one place stops it.

use perf_report::exit_code::ExitCode;
use url::Url;

use super::perf_error::PerfError;
use super::plan::PerfPlan;
use crate::stack::{self, Stack};
use crate::stub_backend::StubBackend;

/// Where load goes, and where its metrics go.
pub(super) struct Services {
    pub(super) stack: Stack,
    /// The stub backend, if it is the target: nobody else knows of it.
    pub(super) stub: Option<StubBackend>,
    pub(super) target: Url,
    is_ephemeral: bool,
}

impl Services {
    /// Starts the stack and the stub backend, as far as they are asked for, and has the target scraped.
    pub(super) async fn start(plan: &PerfPlan) -> Result<Self, PerfError> {
        let mut services = Self {
            stack: Stack::default(),
            stub: None,
            target: plan.settings.target.clone(),
            is_ephemeral: plan.args.is_ephemeral(),
        };
        if !plan.sends() {
            return Ok(services);
        }
        if plan.settings.remote_write.is_none() {
            services.stack = stack::start(&plan.args.stack_options(), plan.signals.clone()).await?;
        }
        match services.start_target(plan).await {
            Ok(()) => Ok(services),
            Err(stop) => Err(match services.stop(Err(stop)).await {
                Err(stop) => stop,
                Ok(_) => PerfError(ExitCode::Internal, "the target did not start".to_owned()),
            }),
        }
    }

    async fn start_target(&mut self, plan: &PerfPlan) -> Result<(), PerfError> {
        if let Some(program) = &plan.stub {
            let stub = StubBackend::start(program, plan.settings.seed, &[]).await?;
            self.target = stub.url.clone();
            self.stub = Some(stub);
        }
        Ok(self.stack.scrape(&self.target)?)
    }

    /// Stops what was started, whatever came of the run. What cannot be stopped is an error of the run, too.
    pub(super) async fn stop(self, result: Result<ExitCode, PerfError>) -> Result<ExitCode, PerfError> {
        let mut errors: Vec<_> = self.stack.forget_backend().err().into_iter().collect();
        if let Some(stub) = self.stub {
            errors.extend(stub.stop().await.err());
        }
        if self.is_ephemeral {
            errors.extend(self.stack.down().await.err());
        }
        let errors: Vec<_> = errors.iter().map(|error| format!("{error:#}")).collect();
        match (result, errors.is_empty()) {
            (result, true) => result,
            (Ok(code), false) => {
                let message = format!("failed to stop the stack: {}", errors.join("; "));
                Err(PerfError(code.or_worse(ExitCode::Internal), message))
            }
            (Err(PerfError(code, message)), false) => {
                let errors = errors.join("; ");
                Err(PerfError(code, format!("{message}; and the stack could not be stopped: {errors}")))
            }
        }
    }

    /// Grafana of the stack.
    pub(super) const fn grafana(&self) -> Option<&Url> {
        self.stack.grafana.as_ref()
    }
}
