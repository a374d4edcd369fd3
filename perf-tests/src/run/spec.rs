//! The input of a run: a scenario's declarations and its code.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use monitoring::catalogue::{Catalogue, CatalogueError};
use monitoring::endpoint::Endpoint;
use monitoring::label::TagError;
use monitoring::measure::Measure;
use perf_host::nearest::did_you_mean;
use perf_settings::{PART, Settings};

use super::AbortRule;
use crate::engine::vu::Vu;
use crate::engine::worker::Iteration;
use crate::http::ConnectionOwner;
use crate::plan::LoadProfile;

pub(crate) type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
pub(crate) type TeardownFn = dyn for<'vu> FnOnce(&'vu mut Vu) -> LocalFuture<'vu, anyhow::Result<()>>;
pub(super) type SetupFn = dyn for<'vu> FnOnce(SetupSource<'vu>) -> LocalFuture<'vu, anyhow::Result<ScenarioBody>>;

pub(crate) struct RunSpec {
    pub(crate) name: &'static str,
    pub(crate) catalogue: &'static Catalogue,
    pub(crate) exercised: Vec<Endpoint>,
    pub(crate) parts: Vec<PartSpec>,
    pub(crate) connection_owner: ConnectionOwner,
    pub(crate) keeps_cookies: bool,
    pub(crate) checks: Vec<&'static str>,
    pub(crate) measures: Vec<Measure>,
    pub(crate) abort: Option<AbortRule>,
    /// Index of the only part that runs, among all that were declared.
    chosen: Option<usize>,
}

pub(crate) struct PartSpec {
    pub(crate) name: &'static str,
    pub(crate) load: LoadProfile,
}

impl RunSpec {
    pub(crate) fn new(name: &'static str, catalogue: &'static Catalogue) -> Self {
        Self {
            name,
            catalogue,
            exercised: Vec::new(),
            parts: Vec::new(),
            connection_owner: ConnectionOwner::Client,
            keeps_cookies: false,
            checks: Vec::new(),
            measures: Vec::new(),
            abort: None,
            chosen: None,
        }
    }

    /// Removes all parts but the one that the settings name, if they name one. It starts at once,
    /// since nothing runs before it.
    pub(super) fn choose(&mut self, settings: &Settings) -> Result<(), SpecError> {
        let Some(name) = &settings.part else { return Ok(()) };
        let Some(at) = self.parts.iter().position(|part| part.name == name) else {
            let known = self.parts.iter().map(|part| part.name).collect();
            let (given, setting) = (settings.with_value(PART, name), settings.setting_name(PART));
            return Err(SpecError::UnknownPart { scenario: self.name, name: name.clone(), given, setting, known });
        };
        self.parts = self.parts.drain(at..=at).collect();
        for part in &mut self.parts {
            part.load = part.load.clone().start_time(Duration::ZERO);
        }
        self.chosen = Some(at);
        Ok(())
    }

    /// The iterations of the parts that run.
    pub(super) fn chosen(&self, mut iterations: Vec<Arc<dyn Iteration>>) -> Vec<Arc<dyn Iteration>> {
        match self.chosen {
            Some(at) => iterations.drain(at..=at).collect(),
            None => iterations,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum SpecError {
    #[error("the catalogue is not valid: {0}")]
    Catalogue(#[from] CatalogueError),
    #[error(transparent)]
    Label(#[from] TagError),
    #[error("scenario {0} declares no endpoints: call exercises(&[…])")]
    NoEndpoints(&'static str),
    #[error("scenario {scenario}: two of its parts have the name {part:?}")]
    SamePart { scenario: &'static str, part: &'static str },
    #[error("scenario {0} has no load: call load() or part()")]
    NoLoad(&'static str),
    #[error("scenario {0} has no load: call load()")]
    LoadNotCalled(&'static str),
    #[error("scenario {scenario}: measure {measure} is not in its catalogue")]
    UnknownMeasure { scenario: &'static str, measure: &'static str },
    #[error("scenario {scenario}: endpoint {endpoint} is not in its catalogue")]
    UnknownEndpoint { scenario: &'static str, endpoint: &'static str },
    #[error(
        "{given}: scenario {scenario} has no such part: choose one of {}, or remove {setting}{}",
        .known.join(", "),
        did_you_mean(name, known.iter().copied())
    )]
    UnknownPart { scenario: &'static str, name: String, given: String, setting: String, known: Vec<&'static str> },
}

/// A scenario's code, independent of the type of its setup's value. It runs setup first.
pub(crate) struct ScenarioCode(pub(super) Box<SetupFn>);

pub(crate) enum SetupSource<'vu> {
    /// Setup runs, with this virtual user.
    Setup(&'vu mut Vu),
    /// It ran in another process. This is its value as JSON.
    Received(&'vu str),
}

/// A scenario's code after setup: the iterations and the teardown hold setup's value.
pub(crate) struct ScenarioBody {
    /// One for each part that was declared.
    pub(crate) iterations: Vec<Arc<dyn Iteration>>,
    pub(crate) teardown: Option<Box<TeardownFn>>,
    /// Writes setup's value as JSON.
    pub(crate) value: Box<dyn Fn() -> serde_json::Result<String>>,
}

impl ScenarioCode {
    pub(crate) fn new<F>(setup: F) -> Self
    where
        F: for<'vu> FnOnce(SetupSource<'vu>) -> LocalFuture<'vu, anyhow::Result<ScenarioBody>> + 'static,
    {
        Self(Box::new(setup))
    }
}
