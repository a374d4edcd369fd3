//! The input of a run: a scenario's declarations and its code.

use std::pin::Pin;
use std::sync::Arc;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::Endpoint;
use monitoring::measure::Measure;

use super::AbortRule;
use crate::engine::vu::Vu;
use crate::engine::worker::Iteration;
use crate::plan::LoadProfile;

pub(crate) type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
pub(crate) type TeardownFn = dyn for<'vu> FnOnce(&'vu mut Vu) -> LocalFuture<'vu, anyhow::Result<()>>;
pub(super) type SetupFn = dyn for<'vu> FnOnce(&'vu mut Vu) -> LocalFuture<'vu, anyhow::Result<ScenarioBody>>;

/// A scenario's declarations.
pub(crate) struct RunSpec {
    pub(crate) name: &'static str,
    pub(crate) catalogue: &'static Catalogue,
    pub(crate) exercised: Vec<Endpoint>,
    pub(crate) parts: Vec<PartSpec>,
    pub(crate) shared_connections: bool,
    pub(crate) keeps_cookies: bool,
    /// Names of checks that the scenario declares.
    pub(crate) checks: Vec<&'static str>,
    /// Measures that the scenario declares.
    pub(crate) measures: Vec<Measure>,
    pub(crate) abort: Option<AbortRule>,
}

/// One of the loads that run side by side.
pub(crate) struct PartSpec {
    pub(crate) name: &'static str,
    pub(crate) load: LoadProfile,
}

impl RunSpec {
    pub(crate) fn new(name: &'static str, catalogue: &'static Catalogue) -> Self {
        let (exercised, parts) = (Vec::new(), Vec::new());
        let (shared_connections, keeps_cookies) = (false, false);
        let (checks, measures, abort) = (Vec::new(), Vec::new(), None);
        Self { name, catalogue, exercised, parts, shared_connections, keeps_cookies, checks, measures, abort }
    }

    /// Removes all parts but the one of this name. Returns its place among them.
    ///
    /// # Errors
    /// If there is no such part: the message names those that exist.
    pub(crate) fn choose_part(&mut self, name: &str) -> Result<usize, String> {
        let Some(at) = self.parts.iter().position(|part| part.name == name) else {
            let names: Vec<_> = self.parts.iter().map(|part| part.name).collect();
            return Err(format!(
                "--part {name}: scenario {} has no such part: choose one of {}, or remove --part",
                self.name,
                names.join(", ")
            ));
        };
        self.parts = self.parts.drain(at..=at).collect();
        Ok(at)
    }
}

/// A scenario's code, independent of the type of its setup's value. It runs setup first.
pub(crate) struct ScenarioCode(pub(super) Box<SetupFn>);

/// A scenario's code after setup: the iterations and the teardown hold setup's value.
pub(crate) struct ScenarioBody {
    /// One for each part.
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
