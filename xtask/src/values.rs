//! Values on the command line.

use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use perf_settings::parse_url;
use url::Url;

/// Reads the URL of the flag of that name. What is wrong with one is said without it: clap would repeat it, and it may hold a password.
#[derive(Debug, Clone)]
pub(crate) struct UrlValue(pub(crate) &'static str);

impl TypedValueParser for UrlValue {
    type Value = Url;

    fn parse_ref(&self, command: &clap::Command, _: Option<&clap::Arg>, value: &OsStr) -> Result<Url, clap::Error> {
        let wrong = |why: String| clap::Error::raw(ErrorKind::ValueValidation, format!("{why}\n")).with_cmd(command);
        let text = value.to_str().ok_or_else(|| wrong(format!("{} is not UTF-8", self.0)))?;
        parse_url(text).map_err(|why| wrong(format!("{}: {why}", self.0)))
    }
}

/// Reads a percentage: "5" and "5%" are 0.05.
pub(crate) fn percent(value: &str) -> Result<f64, String> {
    let number = value.strip_suffix('%').unwrap_or(value).trim().parse::<f64>();
    let number = number.ok().filter(|number| (0.0..=1_000.0).contains(number));
    number.map(|number| number / 100.0).ok_or_else(|| "not a number of per cent from 0 to 1000".to_owned())
}
