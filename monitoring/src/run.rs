//! A run: its settings as they cross the process seam, and its exit code.
//!
//! `cargo xtask perf` hands a scenario its settings in environment variables, and so does whoever runs one by `cargo
//! test`. Variables that k6 has keep k6's names. This module only reads what a lookup gives it; each crate reads the
//! environment in one place.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use url::Url;

use crate::{label, stack_limits};

mod access;
mod error;
mod http;
mod load;
mod variables;

pub use access::{StoreAccess, header_lines};
pub use error::SettingsError;
pub use http::{HttpSettings, parse_max_redirects, parse_request_timeout, parse_user_agent};
pub use load::{LoadOverride, Rate, Stage, parse_rate, parse_stage, parse_stages, shown_stages};
pub use variables::*;

/// The target when none is named: where uvicorn, and the stand-in started by hand, listen.
pub const DEFAULT_TARGET: &str = "http://127.0.0.1:8000";
/// The seed when none is named: the same run, every time.
pub const DEFAULT_SEED: u64 = 1;

/// What is more is a typing error, or wants more machines than one.
pub const MAX_VUS: u32 = 50_000;
pub(crate) const MAX_DURATION: Duration = Duration::from_secs(30 * 24 * 3600);
const PUSH_INTERVALS: std::ops::RangeInclusive<Duration> = Duration::from_millis(500)..=Duration::from_secs(60);

/// All that a run is told from outside.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where requests go.
    pub target: Url,
    /// The run's name, if one was given.
    pub testid: Option<String>,
    /// What the plan and all payloads are made from.
    pub seed: u64,
    /// The user's labels, sorted by name.
    pub tags: Vec<(String, String)>,
    /// What replaces the scenario's load.
    pub load: LoadOverride,
    /// How requests are made.
    pub http: HttpSettings,
    /// Each arrival gets a timer of its own.
    pub exact_arrivals: bool,
    /// Draw the plan and send nothing.
    pub dry_run: bool,
    /// The report whose plan is to be run again.
    pub replay: Option<PathBuf>,
    /// Where metrics are pushed to, if anywhere.
    pub remote_write: Option<Url>,
    /// Where the store answers queries.
    pub prometheus: Option<Url>,
    /// How the store is told who pushes and asks.
    pub store_access: StoreAccess,
    /// How often metrics are pushed.
    pub push_interval: Duration,
    /// Latencies as native histograms, too.
    pub native_histograms: bool,
    /// Settings that are understood and change nothing: a sentence for each.
    pub ignored: Vec<&'static str>,
    /// The folder that reports go to.
    pub out: Option<PathBuf>,
    /// Where to leave the outcome.
    pub outcome: Option<PathBuf>,
    /// No live progress.
    pub quiet: bool,
    /// The repository's revision, for the report.
    pub revision: String,
    /// The command line without secrets, likewise.
    pub command: String,
}

/// Without users and passwords, which URLs may have.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_store = |url: &Option<Url>| url.as_ref().map(shown);
        f.debug_struct("Settings")
            .field("target", &shown(&self.target))
            .field("testid", &self.testid)
            .field("remote_write", &of_store(&self.remote_write))
            .field("prometheus", &of_store(&self.prometheus))
            .field("store_access", &self.store_access)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Settings from named values, such as the environment's. An empty value counts as none.
    ///
    /// # Errors
    /// The first value that makes no sense.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let get = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let tags = get(TAGS).unwrap_or_default();
        let mut remote_write = get(REMOTE_WRITE).map(|value| parse_url(REMOTE_WRITE, &value)).transpose()?;
        let mut prometheus = get(PROMETHEUS).map(|value| parse_url(PROMETHEUS, &value)).transpose()?;
        let store_access = StoreAccess::from_lookup(&get, &mut remote_write, &mut prometheus)?;
        let settings = Self {
            target: parse_url(TARGET, &get(TARGET).unwrap_or_else(|| DEFAULT_TARGET.to_owned()))?,
            testid: get(TESTID).map(|id| parse_testid(&id)).transpose()?,
            seed: get(SEED).map_or(Ok(DEFAULT_SEED), |value| parse_number(SEED, &value, 0, u64::MAX))?,
            tags: label::parse_tags(tags.lines())?,
            load: LoadOverride::from_lookup(&get)?,
            http: HttpSettings::from_lookup(&get)?,
            exact_arrivals: http::switch(&get, EXACT_ARRIVALS),
            dry_run: http::switch(&get, DRY_RUN),
            replay: get(REPLAY).map(PathBuf::from),
            remote_write,
            prometheus,
            store_access,
            push_interval: get(PUSH_INTERVAL).map_or(Ok(stack_limits::PUSH_INTERVAL), |value| {
                parse_within(PUSH_INTERVAL, &value, &PUSH_INTERVALS)
            })?,
            native_histograms: http::switch(&get, NATIVE_HISTOGRAMS),
            ignored: access::ignored(&get),
            out: get(OUT).map(PathBuf::from),
            outcome: get(OUTCOME).map(PathBuf::from),
            quiet: http::switch(&get, QUIET),
            revision: get(REVISION).unwrap_or_default(),
            command: get(COMMAND).unwrap_or_default(),
        };
        settings.load.check()?;
        if settings.replay.is_some() && settings.load != LoadOverride::default() {
            return Err(SettingsError::Contradiction("a replay takes its load from the report, and another was named"));
        }
        Ok(settings)
    }

    /// Where queries go: Prometheus' own URL if there is one, else the origin of where metrics are pushed to.
    pub fn query_url(&self) -> Option<Url> {
        let origin = |url: &Url| {
            let mut url = url.clone();
            url.set_path("/");
            url.set_query(None);
            url
        };
        self.prometheus.clone().or_else(|| self.remote_write.as_ref().map(origin))
    }
}

/// A whole number within bounds.
///
/// # Errors
/// If it is none.
pub fn parse_number(name: &str, value: &str, min: u64, max: u64) -> Result<u64, SettingsError> {
    let number = value.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| SettingsError::Number { name: name.to_owned(), value: value.to_owned(), min, max })
}

/// How many virtual users.
///
/// # Errors
/// If it is no number from 1 to [`MAX_VUS`].
pub fn parse_vus(name: &str, value: &str) -> Result<u32, SettingsError> {
    let vus = parse_number(name, value, 1, MAX_VUS.into())?;
    Ok(u32::try_from(vus).unwrap_or(MAX_VUS))
}

/// How many iterations.
///
/// # Errors
/// If it is no number from 1.
pub fn parse_iterations(name: &str, value: &str) -> Result<u64, SettingsError> {
    parse_number(name, value, 1, 1_000_000_000_000)
}

/// How long a load lasts.
///
/// # Errors
/// If it is no duration from a second (k6's least) to 30 days.
pub fn parse_duration(name: &str, value: &str) -> Result<Duration, SettingsError> {
    parse_within(name, value, &(Duration::from_secs(1)..=MAX_DURATION))
}

pub(crate) fn parse_within(
    name: &str,
    value: &str,
    range: &std::ops::RangeInclusive<Duration>,
) -> Result<Duration, SettingsError> {
    let duration = humantime::parse_duration(value).ok().filter(|duration| range.contains(duration));
    duration.ok_or_else(|| SettingsError::Duration {
        name: name.to_owned(),
        value: value.to_owned(),
        min: humantime::format_duration(*range.start()).to_string(),
        max: humantime::format_duration(*range.end()).to_string(),
    })
}

/// A URL of a host to speak HTTP with.
///
/// # Errors
/// If it is none; the message does not repeat a password.
pub fn parse_url(name: &str, value: &str) -> Result<Url, SettingsError> {
    let error = |why: &str| SettingsError::Url { name: name.to_owned(), value: redact(value), why: why.to_owned() };
    let url = Url::parse(value).map_err(|parse| error(&parse.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(error("it does not start with http:// or https://"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(error("it names no host"));
    }
    Ok(url)
}

/// Text that was to be a URL, without what may hold a password or a token in it, whatever is wrong with the rest.
fn redact(text: &str) -> String {
    let (text, query) = text.split_once('?').map_or((text, ""), |(text, _)| (text, "?***"));
    let Some(at) = text.rfind('@') else { return format!("{text}{query}") };
    let scheme = text[..at].find("://").map_or("", |end| &text[..end + 3]);
    format!("{scheme}***{}{query}", &text[at..])
}

/// A URL as it may be shown: without user, password and query.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for URLs without a host, which have no user either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.to_string().trim_end_matches('/').to_owned()
}

/// A name for a run: a label's value and a folder's name.
///
/// # Errors
/// If it could not be one of them.
pub fn parse_testid(testid: &str) -> Result<String, SettingsError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let good = (1..=100).contains(&testid.len())
        && testid.starts_with(|c: char| c.is_ascii_alphanumeric())
        && testid.chars().all(allowed);
    // `latest` is the name of the link to the last report.
    if good && testid != "latest" { Ok(testid.to_owned()) } else { Err(SettingsError::Testid(testid.to_owned())) }
}

/// A duration as people write it: "30s", "1m30s", "1s500ms".
pub fn shown_duration(duration: Duration) -> String {
    humantime::format_duration(duration).to_string().replace(' ', "")
}

/// A time as reports write it: RFC 3339 in UTC, with milliseconds.
pub fn rfc3339_millis(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

/// A name for a run that was given none: sorted by time, readable, and unlike any other of the same second.
pub fn new_testid(scenario: &str, now: SystemTime, salt: u16) -> String {
    let utc = humantime::format_rfc3339_seconds(now).to_string();
    let digits: String = utc.chars().filter(char::is_ascii_digit).collect();
    let (date, time) = digits.split_at(8.min(digits.len()));
    format!("{date}-{time}-{scenario}-{salt:04x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let get = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Settings::from_lookup(&get)
    }

    #[test]
    fn a_switch_can_be_off() {
        for (value, on) in [("1", true), ("true", true), ("0", false), ("false", false), ("", false)] {
            assert_eq!(settings(&[(DRY_RUN, value)]).unwrap().dry_run, on, "{value}");
            assert_eq!(settings(&[(EXACT_ARRIVALS, value)]).unwrap().exact_arrivals, on, "{value}");
        }
    }

    #[test]
    fn what_panics_may_print_holds_no_secret() {
        let urls = [TARGET, REMOTE_WRITE, PROMETHEUS].map(|name| (name, "http://user:S3cr3t@127.0.0.1:9/x?key=S3cr3t"));
        let given = [&urls[..], &[(RW_HTTP_HEADERS, "X-Key:S3cr3t"), (RW_CLIENT_CERTIFICATE_KEY, "")]].concat();
        let shown = format!("{:?}", settings(&given).unwrap());
        assert!(shown.contains("127.0.0.1") && !shown.contains("S3cr3t"), "{shown}");
    }

    #[test]
    fn nothing_given_means_k6s_defaults() {
        let settings = settings(&[]).unwrap();
        assert_eq!(settings.push_interval, Duration::from_secs(5));
        assert_eq!(settings.target.as_str(), "http://127.0.0.1:8000/");
        assert_eq!(settings.query_url(), None);
    }

    #[test]
    fn queries_go_to_the_origin_of_the_store_unless_told_otherwise() {
        let store = (REMOTE_WRITE, "http://store:9009/api/v1/push?x=1");
        assert_eq!(settings(&[store]).unwrap().query_url().unwrap().as_str(), "http://store:9009/");
        let both = settings(&[store, (PROMETHEUS, "http://query:1/prometheus")]).unwrap();
        assert_eq!(both.query_url().unwrap().as_str(), "http://query:1/prometheus");
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for (name, value) in [
            (VUS, "0"),
            (VUS, "50001"),
            (VUS, "ten"),
            (DURATION, "0s"),
            (DURATION, "30"),
            (DURATION, "9000d"),
            (ITERATIONS, "0"),
            (SEED, "-1"),
            (TARGET, "localhost:8000"),
            (TARGET, "ftp://x"),
            (TARGET, "http://"),
            (PUSH_INTERVAL, "0s"),
        ] {
            let error = settings(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(value), "{name}={value}: {error}");
        }
        assert!(settings(&[(TAGS, "le=1")]).is_err());
        assert!(settings(&[(TESTID, "../x")]).is_err());
        assert!(settings(&[(TESTID, "latest")]).is_err());
        assert!(settings(&[(ITERATIONS, "5"), (VUS, "6")]).is_err());
    }

    #[test]
    fn a_password_is_not_repeated() {
        for wrong in
            ["ftp://me:secret@x", "me:secret@x/api", "https//me:secret@x", "x:1/a?token=secret", "ftp://x?secret@y"]
        {
            let error = settings(&[(TARGET, wrong)]).unwrap_err().to_string();
            assert!(!error.contains("secret") && error.contains('x'), "{error}");
        }
        assert_eq!(shown(&Url::parse("http://me:secret@x:1/a?token=b").unwrap()), "http://x:1/a");
    }

    #[test]
    fn generated_testids_are_valid() {
        let id = new_testid("basic", SystemTime::UNIX_EPOCH, 0xab);
        assert_eq!(id, "19700101-000000-basic-00ab");
        assert!(parse_testid(&id).is_ok());
    }
}
