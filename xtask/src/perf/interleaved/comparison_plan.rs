//! The plan of a comparison: what is compared, with which programs, and by which scenario.

use perf_host::signals::Signals;
use perf_settings::{Settings, UNIX, parse_target};
use url::Url;

use super::own_programs::OwnPrograms;
use crate::host::checkout::{Checkout, CheckoutError, KnownRevision};
use crate::perf::args::PerfArgs;
use crate::perf::perf_error::PerfError;
use crate::perf::plan::build;
use crate::scenarios::{self, BuiltPrograms, Programs, ScenarioTest};

/// The plan of a comparison or calibration. No service runs yet.
pub(super) struct ComparisonPlan<'a> {
    pub(super) args: &'a PerfArgs,
    pub(super) settings: &'a Settings,
    /// The number of signals that asked the command to end.
    pub(super) signals: Signals,
    pub(super) base: ComparisonBase<Checkout>,
    /// The running service of the head, if the user named one.
    pub(super) target: Option<Url>,
    pub(super) scenario: ScenarioTest,
    pub(super) built: BuiltPrograms,
    /// Holds the lock of comparisons, and removes the copied programs at the end.
    _programs: OwnPrograms,
}

/// The base that the head is compared with. `R` is a revision: its name, itself, or its checkout.
pub(super) enum ComparisonBase<R> {
    Running(Url),
    Revision(R),
    /// The head itself: a calibration.
    Head,
}

impl<'a> ComparisonPlan<'a> {
    /// Checks the flags, builds the programs, and checks the revision out.
    pub(super) fn new(args: &'a PerfArgs, settings: &'a Settings, signals: Signals) -> Result<Self, PerfError> {
        let named = args.scenarios()?;
        if named.len() > 1 {
            return Err(PerfError::SeveralScenarios(named.len()));
        }
        let base = ComparisonBase::parse(args.interleaved.against.as_deref())?;
        let target = args.named_target(settings).cloned();
        base.check_target(target.as_ref())?;
        let needs_stub = args.interleaved.start().is_none() && target.is_none();
        let programs = OwnPrograms::lock()?;
        // Checked before the build, which may take minutes.
        let base = base.with_revision(KnownRevision::find)?;
        scenarios::check_names(&named)?;
        let wanted = if needs_stub { Programs::WithStub } else { Programs::Scenarios };
        let built = programs.copy(&build(args.profile(), wanted, &signals)?)?;
        let scenario = built.select_one(named.first().map(String::as_str))?;
        let base = base.with_revision(KnownRevision::check_out)?;
        Ok(Self { args, settings, signals, base, target, scenario, built, _programs: programs })
    }

    pub(super) fn remove_checkout(&self) -> anyhow::Result<()> {
        match &self.base {
            ComparisonBase::Revision(checkout) => checkout.remove(),
            ComparisonBase::Running(_) | ComparisonBase::Head => Ok(()),
        }
    }
}

impl<'a> ComparisonBase<&'a str> {
    /// The base that `--against` names.
    fn parse(against: Option<&'a str>) -> Result<Self, PerfError> {
        Ok(match against {
            None => Self::Head,
            Some(url) if url.contains("://") || url.starts_with(UNIX) => {
                Self::Running(parse_target(url).map_err(PerfError::Against)?)
            }
            Some(revision) => Self::Revision(revision),
        })
    }

    /// Rejects a running service that is to be compared with a revision, which has to be started.
    fn check_target(&self, target: Option<&Url>) -> Result<(), PerfError> {
        match (self, target) {
            (Self::Revision(revision), Some(target)) => {
                let (target, revision) = (prometheus_store::shown_url(target), (*revision).to_owned());
                Err(PerfError::TargetOfRevision { target, revision })
            }
            _ => Ok(()),
        }
    }
}

impl<R> ComparisonBase<R> {
    fn with_revision<S>(
        self,
        change: impl FnOnce(R) -> Result<S, CheckoutError>,
    ) -> Result<ComparisonBase<S>, CheckoutError> {
        Ok(match self {
            Self::Running(url) => ComparisonBase::Running(url),
            Self::Revision(revision) => ComparisonBase::Revision(change(revision)?),
            Self::Head => ComparisonBase::Head,
        })
    }
}
