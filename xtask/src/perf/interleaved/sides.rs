//! The two sides of a comparison. A side that needs a build is built before the first round.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::comparison_plan::{ComparisonBase, ComparisonPlan};
use super::service::{self, SideService};
use crate::host::checkout::{self, Checkout};
use crate::host::workspace;
use crate::perf::perf_error::PerfError;
use crate::scenarios;

pub(super) const INTERRUPTED: PerfError = PerfError::Interrupted("interrupted; the rounds so far are not judged");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SideName {
    Base,
    Head,
}

impl SideName {
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Head => "head",
        }
    }

    /// The error of a side that cannot be measured. That of the base is not the head's fault, so
    /// the comparison is inconclusive.
    pub(super) const fn error(self, message: String) -> PerfError {
        match self {
            Self::Base => PerfError::BaseNotMeasured(message),
            Self::Head => PerfError::HeadNotMeasured(message),
        }
    }
}

/// Why there is no report of a side.
pub(super) enum SideFailure {
    Unmeasured(String),
    /// Anything else, such as an interruption.
    Other(PerfError),
}

impl SideFailure {
    pub(super) fn unmeasured(error: &anyhow::Error) -> Self {
        Self::Unmeasured(format!("{error:#}"))
    }

    /// The error of a side that failed. `describe` adds the place to the reason.
    pub(super) fn into_error(self, side: SideName, describe: impl FnOnce(String) -> String) -> PerfError {
        match self {
            Self::Unmeasured(why) => side.error(describe(why)),
            Self::Other(error) => error,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Side {
    pub(super) name: SideName,
    /// The revision or service for users.
    pub(super) description: String,
    pub(super) service: SideService,
    /// The working folder of its shell commands.
    pub(super) folder: PathBuf,
}

#[derive(Debug)]
pub(super) struct Sides {
    pub(super) base: Side,
    pub(super) head: Side,
}

impl Sides {
    /// Finds the services of both sides, and builds those of commands and revisions.
    pub(super) async fn build(plan: &ComparisonPlan<'_>) -> Result<Self, PerfError> {
        let head = head_side(plan)?;
        let base = match &plan.base {
            ComparisonBase::Revision(checkout) => checkout_side(plan, checkout).await?,
            ComparisonBase::Running(url) => {
                let service = SideService::Running(url.clone());
                Side { name: SideName::Base, description: describe(&service), service, folder: workspace::root() }
            }
            ComparisonBase::Head => Side { name: SideName::Base, ..head.clone() },
        };
        if let SideService::Command { folder, .. } = &head.service {
            let built = build(plan, SideName::Head, folder).await;
            built.map_err(|failure| failure.into_error(SideName::Head, |why| format!("head: {why}")))?;
        }
        Ok(Self { base, head })
    }
}

/// The head: the working tree's service, or a running one.
fn head_side(plan: &ComparisonPlan<'_>) -> Result<Side, PerfError> {
    let root = workspace::root();
    let (service, folder) = match (&plan.target, plan.args.interleaved.start(), &plan.built.stub) {
        (Some(url), _, _) => (SideService::Running(url.clone()), root),
        (None, Some(command), _) => {
            let folder = checkout::top().unwrap_or(root);
            (started_service(plan, command, &folder), folder)
        }
        (None, None, Some(program)) => (SideService::Stub(program.clone()), root),
        (None, None, None) => return Err(anyhow!("cargo built no stub backend").into()),
    };
    let description = match &plan.base {
        ComparisonBase::Revision(checkout) => checkout.describe_working_tree()?,
        ComparisonBase::Running(_) | ComparisonBase::Head => describe(&service),
    };
    Ok(Side { name: SideName::Head, description, service, folder })
}

/// The base: the revision's service. If it cannot be built, the result is inconclusive, since that
/// is not the head's fault.
async fn checkout_side(plan: &ComparisonPlan<'_>, checkout: &Checkout) -> Result<Side, PerfError> {
    let name = SideName::Base;
    let describe = |why| format!("base {}: {why}; there is nothing to compare with", checkout.description);
    let folder = checkout.folder.clone();
    let service = match plan.args.interleaved.start() {
        Some(command) => {
            let built = build(plan, name, &folder).await;
            built.map_err(|failure| failure.into_error(name, describe))?;
            started_service(plan, command, &folder)
        }
        None => {
            eprintln!("building the stub backend of {}", checkout.description);
            SideService::Stub(
                scenarios::build_stub_in(&checkout.workspace)
                    .map_err(|error| name.error(describe(format!("{error:#}"))))?,
            )
        }
    };
    Ok(Side { name, description: checkout.description.clone(), service, folder })
}

/// The service of `--start`, run in this folder.
fn started_service(plan: &ComparisonPlan<'_>, command: &str, folder: &Path) -> SideService {
    SideService::Command {
        command: command.to_owned(),
        folder: folder.to_owned(),
        within: plan.args.interleaved.start_timeout,
    }
}

/// Runs the `--build` command in a checkout, if there is one. Its output goes to the terminal.
async fn build(plan: &ComparisonPlan<'_>, side: SideName, folder: &Path) -> Result<(), SideFailure> {
    let Some(command) = plan.args.interleaved.build() else { return Ok(()) };
    let mut signals = plan.signals.clone();
    let mut shell = service::shell(command, folder);
    shell.env("PERF_SIDE", side.label());
    tokio::select! {
        ended = service::run_to_end(&mut shell) => match ended {
            Ok(ended) if ended.success() => Ok(()),
            // Messages never contain the command itself: it may hold a secret, and messages go to
            // the job's page.
            Ok(ended) => Err(SideFailure::Unmeasured(format!("--build failed ({ended})"))),
            Err(error) => Err(SideFailure::unmeasured(&error.context("--build"))),
        },
        () = signals.interrupted() => Err(SideFailure::Other(INTERRUPTED)),
    }
}

fn describe(service: &SideService) -> String {
    match service {
        SideService::Running(url) => prometheus_store::shown_url(url),
        SideService::Stub(_) => "the stub backend".to_owned(),
        // The command itself may hold secrets.
        SideService::Command { .. } => "the service of --start".to_owned(),
    }
}
