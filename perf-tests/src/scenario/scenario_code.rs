//! A scenario's code without the type of its setup's value.

use std::process;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{IterationFactory, Scenario};
use crate::engine::vu::Vu;
use crate::engine::worker::{Iteration, IterationFuture};
use crate::env_variables::AgentJoin;
use crate::run::{self, RunSpec, ScenarioBody, ScenarioCode, SetupSource, TeardownFn};

impl<S: Serialize + DeserializeOwned + Send + Sync + 'static> Scenario<S> {
    /// Makes a share of another process' load, and ends this process: there is no result for the
    /// code after it.
    pub(super) fn run_as_agent(self, join: &AgentJoin) -> ! {
        let (spec, code) = self.into_code();
        process::exit(run::run_agent(spec, code, join).code().into())
    }

    /// The scenario without the type of its setup's value.
    pub(super) fn into_code(self) -> (RunSpec, ScenarioCode) {
        let Self { spec, setup, iterations, teardown, .. } = self;
        let code = ScenarioCode::new(move |source| {
            Box::pin(async move {
                let value = Arc::new(match source {
                    SetupSource::Setup(vu) => setup(vu).await?,
                    SetupSource::Received(json) => serde_json::from_str(json)?,
                });
                let sent = value.clone();
                Ok(ScenarioBody {
                    iterations: iterations.into_iter().map(|iteration| iteration(value.clone())).collect(),
                    teardown: teardown.map(|teardown| -> Box<TeardownFn> { Box::new(move |vu| teardown(vu, value)) }),
                    value: Box::new(move || serde_json::to_string(&*sent)),
                })
            })
        });
        (spec, code)
    }
}

pub(super) fn bind_iteration<S: Send + Sync + 'static, F>(iteration: F) -> IterationFactory<S>
where
    F: AsyncFn(&mut Vu, &S) -> anyhow::Result<()> + Send + Sync + 'static,
{
    Box::new(move |value| Arc::new(BoundIteration { iteration, value }))
}

/// The author's iteration with setup's value as its argument.
struct BoundIteration<F, S> {
    iteration: F,
    value: Arc<S>,
}

impl<F, S> Iteration for BoundIteration<F, S>
where
    S: Send + Sync,
    F: AsyncFn(&mut Vu, &S) -> anyhow::Result<()> + Send + Sync,
{
    fn begin<'a>(&'a self, vu: &'a mut Vu) -> IterationFuture<'a> {
        // Allocated first, so that the future is made there and not moved.
        let iteration = Box::write(Box::new_uninit(), (self.iteration)(vu, &self.value));
        Box::into_pin(iteration)
    }
}
