//! The names of environment variables. Those that k6 has keep k6's names. The table of settings has them all, and what each
//! means; here are those that other code names.

use std::ffi::OsString;

macro_rules! names {
    ($($constant:ident = $name:literal;)*) => {
        $(#[doc = concat!("`", $name, "`")] pub const $constant: &str = $name;)*
    };
}

names! {
    TARGET = "PERF_TARGET";
    TESTID = "PERF_TESTID";
    OUT = "PERF_OUT";
    QUIET = "PERF_QUIET";
    PROMETHEUS = "PERF_PROMETHEUS_URL";
    VUS = "K6_VUS";
    DURATION = "K6_DURATION";
    ITERATIONS = "K6_ITERATIONS";
    STAGES = "K6_STAGES";
    RATE = "PERF_RATE";
    MAX_VUS_OF_RATE = "PERF_MAX_VUS";
    WARM_UP = "PERF_WARMUP";
    REPLAY = "PERF_REPLAY";
    EXACT_ARRIVALS = "PERF_EXACT_ARRIVALS";
    ALLOW_TARGET = "PERF_ALLOW_TARGET";
    REMOTE_WRITE = "K6_PROMETHEUS_RW_SERVER_URL";
    RW_USERNAME = "K6_PROMETHEUS_RW_USERNAME";
    RW_PASSWORD = "K6_PROMETHEUS_RW_PASSWORD";
    RW_BEARER_TOKEN = "K6_PROMETHEUS_RW_BEARER_TOKEN";
    RW_HTTP_HEADERS = "K6_PROMETHEUS_RW_HTTP_HEADERS";
    RW_CLIENT_CERTIFICATE = "K6_PROMETHEUS_RW_CLIENT_CERTIFICATE";
    RW_CLIENT_CERTIFICATE_KEY = "K6_PROMETHEUS_RW_CLIENT_CERTIFICATE_KEY";
    NATIVE_HISTOGRAMS = "K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM";
    PUSH_INTERVAL = "K6_PROMETHEUS_RW_PUSH_INTERVAL";
}

/// All [`Settings`](super::Settings) in one value, as JSON: `cargo xtask perf` hands them to a scenario's process this way.
pub const SETTINGS_JSON: &str = "PERF_SETTINGS";
/// A header for the store: its name follows in the variable's name. A lookup of this name returns "name:value" for each, one a line.
pub const RW_HEADERS: &str = "K6_PROMETHEUS_RW_HEADERS_";

/// The text of [`RW_HEADERS`] among all variables: "name:value" for each header of the store, one a line.
pub fn header_lines(variables: impl Iterator<Item = (OsString, OsString)>) -> String {
    let line = |(name, value): (OsString, OsString)| {
        Some(format!("{}:{}\n", name.to_str()?.strip_prefix(RW_HEADERS)?, value.to_str()?))
    };
    variables.filter_map(line).collect()
}
