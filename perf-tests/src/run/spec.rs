//! A scenario as a run takes it: what it says of itself, and its own code.

use std::pin::Pin;
use std::sync::Arc;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;

use super::AbortOn;
use crate::engine::vu::Vu;
use crate::engine::worker::Iteration;
use crate::plan::LoadProfile;

pub(crate) type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
pub(crate) type TeardownFn = dyn for<'vu> FnOnce(&'vu mut Vu) -> LocalFuture<'vu, anyhow::Result<()>>;
pub(super) type SetupFn = dyn for<'vu> FnOnce(&'vu mut Vu) -> LocalFuture<'vu, anyhow::Result<ScenarioBody>>;

/// What a scenario says of itself.
pub(crate) struct RunSpec {
    pub(crate) name: &'static str,
    pub(crate) catalogue: &'static Catalogue,
    pub(crate) exercised: Vec<Endpoint>,
    pub(crate) parts: Vec<PartSpec>,
    pub(crate) shared_connections: bool,
    /// Checks that the scenario says it makes.
    pub(crate) checks: Vec<&'static str>,
    pub(crate) abort: Option<AbortOn>,
}

/// One of the loads that run side by side.
pub(crate) struct PartSpec {
    pub(crate) name: &'static str,
    pub(crate) load: LoadProfile,
}

impl RunSpec {
    pub(crate) fn new(name: &'static str, catalogue: &'static Catalogue) -> Self {
        let (exercised, parts) = (Vec::new(), Vec::new());
        Self { name, catalogue, exercised, parts, shared_connections: false, checks: Vec::new(), abort: None }
    }
}

/// A scenario's own code, whatever its setup's value is.
pub(crate) struct ScenarioCode(pub(super) Box<SetupFn>);

/// What setup makes: iterations that know setup's value, one for each part, and likewise the teardown.
pub(crate) struct ScenarioBody {
    pub(crate) iterations: Vec<Arc<dyn Iteration>>,
    pub(crate) teardown: Option<Box<TeardownFn>>,
}

impl ScenarioCode {
    pub(crate) fn new<F>(setup: F) -> Self
    where
        F: for<'vu> FnOnce(&'vu mut Vu) -> LocalFuture<'vu, anyhow::Result<ScenarioBody>> + 'static,
    {
        Self(Box::new(setup))
    }
}
