//! Values and flags that several commands share.

use std::ffi::OsStr;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use clap::builder::TypedValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use perf_report::comparison::Rule;
use perf_settings::{ValueError, parse_number, parse_url};
use url::Url;

/// Flags and settings that cannot be read or do not go together. The text names them, and says
/// what to do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct FlagConflict(pub(crate) String);

/// Rejects flags and settings for this reason.
pub(crate) fn conflict(why: impl Into<String>) -> Result<(), FlagConflict> {
    Err(FlagConflict(why.into()))
}

/// Limit on numbers whose size has no other limit. Larger values are typing errors.
pub(crate) const MOST: u64 = 1_000_000_000_000;

/// Reads a whole number within bounds.
pub(crate) fn whole_number<N: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<N, ValueError> + Clone + Send + Sync + 'static {
    move |text| parse_number(text, range.clone())
}

/// The flag for load in production, which reports compare with.
#[derive(Debug, clap::Args)]
pub(crate) struct ProductionArgs {
    /// Show error budgets for N requests per day in production
    ///
    /// The report then shows how many bad requests a month each error budget allows.
    #[arg(long, value_name = "N", value_parser = whole_number::<u64>(1..=MOST))]
    pub(crate) requests_per_day: Option<u64>,
}

/// Flags of the rule by which two runs are compared.
#[derive(Debug, clap::Args)]
pub(crate) struct RuleArgs {
    /// Ignore p95 slow-downs up to PERCENT
    #[arg(long, value_name = "PERCENT", default_value_t = Percent(Rule::default().margin))]
    margin: Percent,
    /// Smallest p95 slow-down that must be detected
    ///
    /// Greater than --margin.
    #[arg(long, value_name = "PERCENT", default_value_t = Percent(Rule::default().detect))]
    detect: Percent,
}

impl RuleArgs {
    pub(crate) fn rule(&self) -> Rule {
        Rule { margin: self.margin.0, detect: self.detect.0, ..Rule::default() }
    }

    /// Rejects a rule that has no room between its two limits.
    pub(crate) fn check(&self) -> Result<(), FlagConflict> {
        let Self { margin, detect } = self;
        if detect > margin {
            return Ok(());
        }
        conflict(format!("--detect {detect} must be greater than --margin {margin}"))
    }

    /// The first flag whose value is not the default.
    pub(crate) fn changed_flag(&self) -> Option<&'static str> {
        let usual = Rule::default();
        first_given([("--margin", self.margin.0 != usual.margin), ("--detect", self.detect.0 != usual.detect)])
    }
}

/// The first flag that is given.
pub(crate) fn first_given(flags: impl IntoIterator<Item = (&'static str, bool)>) -> Option<&'static str> {
    flags.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
}

/// Reads the URL of the named flag.
///
/// Its error does not repeat the value, as clap's own would: the URL may hold a password.
#[derive(Debug, Clone)]
pub(crate) struct UrlValue(pub(crate) &'static str);

impl TypedValueParser for UrlValue {
    type Value = Url;

    fn parse_ref(&self, command: &clap::Command, _: Option<&clap::Arg>, value: &OsStr) -> Result<Url, clap::Error> {
        let wrong = |why: String| {
            let mut error = clap::Error::new(ErrorKind::ValueValidation).with_cmd(command);
            error.insert(ContextKind::Custom, ContextValue::String(format!("{}: {why}", self.0)));
            error
        };
        let text = value.to_str().ok_or_else(|| wrong("the value is not UTF-8".to_owned()))?;
        parse_url(text).map_err(|why| wrong(why.to_string()))
    }
}

/// A share, written as a percentage: "5" and "5%" are 0.05.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
struct Percent(f64);

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>();
        let number = number.ok().filter(|number| (0.0..=1_000.0).contains(number));
        number.map(|number| Self(number / 100.0)).ok_or_else(|| format!("{text:?} is not a percentage from 0 to 1000"))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0 * 100.0)
    }
}
