//! The names of environment variables that other code refers to. Variables that k6 has keep k6's
//! names. The table of settings has all names and their meaning.

use std::ffi::OsString;
use std::path::PathBuf;

macro_rules! names {
    ($($constant:ident = $name:literal;)*) => {
        $(#[doc = concat!("`", $name, "`")] pub const $constant: &str = $name;)*
    };
}

names! {
    TARGET = "PERF_TARGET";
    TESTID = "PERF_TESTID";
    OUT = "PERF_OUT";
    FOLDER = "PERF_FOLDER";
    QUIET = "PERF_QUIET";
    PROMETHEUS = "PERF_PROMETHEUS_URL";
    AGENTS = "PERF_AGENTS";
    LISTEN = "PERF_LISTEN";
    LISTEN_CERTIFICATE = "PERF_LISTEN_CERTIFICATE";
    SHARD = "PERF_SHARD";
    START_AT = "PERF_START_AT";
    VUS = "K6_VUS";
    DURATION = "K6_DURATION";
    ITERATIONS = "K6_ITERATIONS";
    STAGES = "K6_STAGES";
    RATE = "PERF_RATE";
    MAX_VUS_OF_RATE = "PERF_MAX_VUS";
    WARM_UP = "PERF_WARMUP";
    SMOKE = "PERF_SMOKE";
    REPLAY = "PERF_REPLAY";
    EXACT_ARRIVALS = "PERF_EXACT_ARRIVALS";
    CA_CERTIFICATE = "PERF_CA_CERTIFICATE";
    CLIENT_CERTIFICATE = "PERF_CLIENT_CERTIFICATE";
    CLIENT_KEY = "PERF_CLIENT_KEY";
    INSECURE = "K6_INSECURE_SKIP_TLS_VERIFY";
    HOST_HEADER = "PERF_HOST_HEADER";
    SNI = "PERF_SNI";
    MAX_REDIRECTS = "K6_MAX_REDIRECTS";
    HTTP1 = "PERF_HTTP1";
    HTTP2 = "PERF_HTTP2";
    ALLOW_TARGET = "PERF_ALLOW_TARGET";
    PROXY = "PERF_PROXY";
    RESOLVE = "PERF_RESOLVE";
    DNS_TTL = "PERF_DNS_TTL";
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

/// Cargo's variable for the folder of its output.
const CARGO_TARGET: &str = "CARGO_TARGET_DIR";
/// All [`Settings`](super::Settings) as JSON. `cargo xtask perf` passes them to a scenario's
/// process in this variable.
pub const SETTINGS_JSON: &str = "PERF_SETTINGS";
/// Address of the coordinator. It makes a scenario's process an agent, which gets its settings from
/// there.
pub const AGENT_JOIN: &str = "PERF_AGENT_JOIN";
/// The secret by which coordinator and agents of a run know each other. It is in no argument, since
/// other users of the machine can read command lines.
pub const AGENT_TOKEN: &str = "PERF_AGENT_TOKEN";
/// File with the certificate of a coordinator that uses TLS, or of its authority. Agents read it.
pub const AGENT_CA: &str = "PERF_AGENT_CA";
/// The revision of an image's program, which `cargo xtask image` writes into the image.
pub const IMAGE_REVISION: &str = "PERF_IMAGE_REVISION";
/// A header for the store; the rest of the variable's name is the header's name. A lookup of this
/// prefix returns all such headers, one "name:value" per line.
pub const RW_HEADERS: &str = "K6_PROMETHEUS_RW_HEADERS_";

/// The text that a lookup of [`RW_HEADERS`] returns: one "name:value" per line.
pub fn header_lines(variables: impl Iterator<Item = (OsString, OsString)>) -> String {
    let line = |(name, value): (OsString, OsString)| {
        Some(format!("{}:{}\n", name.to_str()?.strip_prefix(RW_HEADERS)?, value.to_str()?))
    };
    variables.filter_map(line).collect()
}

/// Cargo's target folder. A relative path counts from the workspace's root.
pub fn target_folder(lookup: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    let given = lookup(CARGO_TARGET).filter(|folder| !folder.is_empty());
    given.map_or_else(|| "target".into(), PathBuf::from)
}

/// The folder of reports, locks and the stack's state: [`FOLDER`], or else `perf` in cargo's target
/// folder. A relative path counts from the workspace's root.
pub fn state_folder(lookup: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    let given = lookup(FOLDER).filter(|folder| !folder.is_empty());
    given.map_or_else(|| target_folder(lookup).join("perf"), PathBuf::from)
}
