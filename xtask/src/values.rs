//! Values and flags that several commands share.

use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use perf_report::comparison::Rule;
use perf_settings::parse_url;
use url::Url;

/// Flags of the rule by which two runs are compared.
#[derive(Debug, clap::Args)]
pub(crate) struct RuleArgs {
    /// Ignore p95 slow-downs up to PERCENT
    #[arg(long, value_name = "PERCENT", default_value = "5", value_parser = percent)]
    margin: f64,
    /// Smallest p95 slow-down that must be detected
    ///
    /// Greater than --margin.
    #[arg(long, value_name = "PERCENT", default_value = "10", value_parser = percent)]
    detect: f64,
}

impl RuleArgs {
    pub(crate) fn rule(&self) -> Rule {
        Rule { margin: self.margin, detect: self.detect, ..Rule::default() }
    }

    /// Rejects a rule that has no room between its two limits.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.detect > self.margin {
            return Ok(());
        }
        let [detect, margin] = [self.detect, self.margin].map(|share| share * 100.0);
        Err(format!("--detect {detect} must be greater than --margin {margin}"))
    }

    /// The first flag whose value is not the default.
    pub(crate) fn changed_flag(&self) -> Option<&'static str> {
        let usual = Rule::default();
        let changed = [("--margin", self.margin != usual.margin), ("--detect", self.detect != usual.detect)];
        changed.into_iter().find(|(_, is_changed)| *is_changed).map(|(flag, _)| flag)
    }
}

/// Reads the URL of the named flag.
///
/// Its error does not repeat the value, as clap's own would: the URL may hold a password.
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

/// Reads a percentage as a share: "5" and "5%" are 0.05.
pub(crate) fn percent(value: &str) -> Result<f64, String> {
    let number = value.strip_suffix('%').unwrap_or(value).trim().parse::<f64>();
    let number = number.ok().filter(|number| (0.0..=1_000.0).contains(number));
    number.map(|number| number / 100.0).ok_or_else(|| "not a percentage from 0 to 1000".to_owned())
}
