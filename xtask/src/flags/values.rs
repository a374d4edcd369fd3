//! Values and flags that several commands share.

use std::ffi::OsStr;
use std::ops::RangeInclusive;

use clap::builder::TypedValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use perf_settings::{ValueError, parse_number, parse_url};
use url::Url;

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
