//! The names of environment variables. Those that k6 has keep k6's names.

/// Where requests go.
pub const TARGET: &str = "PERF_TARGET";
/// Hosts, separated by commas, that load may go to though they are neither on this machine nor in a private network.
pub const ALLOW_TARGET: &str = "PERF_ALLOW_TARGET";
/// The run's name, on each of its series.
pub const TESTID: &str = "PERF_TESTID";
/// What the plan and all payloads are made from.
pub const SEED: &str = "PERF_SEED";
/// The user's labels, `name=value`, one a line.
pub const TAGS: &str = "PERF_TAGS";
/// The folder that reports go to, each in one of its own.
pub const OUT: &str = "PERF_OUT";
/// Prometheus' own URL, for queries.
pub const PROMETHEUS: &str = "PERF_PROMETHEUS_URL";
/// The file that `cargo xtask perf` reads the outcome from. Without it the scenario prints its own table.
pub const OUTCOME: &str = "PERF_OUTCOME";
/// No live progress, if set to anything but the empty string.
pub const QUIET: &str = "PERF_QUIET";
/// The repository's revision, for the report; `cargo xtask` sets it.
pub const REVISION: &str = "PERF_REVISION";
/// The command line without secrets, for the report; `cargo xtask` sets it.
pub const COMMAND: &str = "PERF_COMMAND";
/// k6: how many virtual users.
pub const VUS: &str = "K6_VUS";
/// k6: how long.
pub const DURATION: &str = "K6_DURATION";
/// k6: how many iterations in all.
pub const ITERATIONS: &str = "K6_ITERATIONS";
/// k6: stages of a load, "1m:10,30s:0".
pub const STAGES: &str = "K6_STAGES";
/// Arrivals at a constant rate, "500/s".
pub const RATE: &str = "PERF_RATE";
/// The most virtual users that an arrival rate may need.
pub const MAX_VUS_OF_RATE: &str = "PERF_MAX_VUS";
/// What is due within so long is warm-up.
pub const WARM_UP: &str = "PERF_WARMUP";
/// Begin each arrival when it is due, at the cost of a wake-up each, and not on a grid.
pub const EXACT_ARRIVALS: &str = "PERF_EXACT_ARRIVALS";
/// k6: the most requests a second, of all virtual users together.
pub const RPS: &str = "K6_RPS";
/// k6: a new connection for every request.
pub const NO_CONNECTION_REUSE: &str = "K6_NO_CONNECTION_REUSE";
/// k6: take any certificate.
pub const INSECURE_SKIP_TLS_VERIFY: &str = "K6_INSECURE_SKIP_TLS_VERIFY";
/// k6: the header `user-agent`.
pub const USER_AGENT: &str = "K6_USER_AGENT";
/// k6: how many redirects are followed.
pub const MAX_REDIRECTS: &str = "K6_MAX_REDIRECTS";
/// How long a request may take in all.
pub const REQUEST_TIMEOUT: &str = "PERF_REQUEST_TIMEOUT";
/// A file of certificates to trust.
pub const CA_CERTIFICATE: &str = "PERF_CA_CERTIFICATE";
/// Speak HTTP/2.
pub const HTTP2: &str = "PERF_HTTP2";
/// Draw the plan and send nothing.
pub const DRY_RUN: &str = "PERF_DRY_RUN";
/// The report whose plan is to be run again.
pub const REPLAY: &str = "PERF_REPLAY";
/// k6: where metrics are pushed to.
pub const REMOTE_WRITE: &str = "K6_PROMETHEUS_RW_SERVER_URL";
/// k6: the user at the store.
pub const RW_USERNAME: &str = "K6_PROMETHEUS_RW_USERNAME";
/// k6: the user's password.
pub const RW_PASSWORD: &str = "K6_PROMETHEUS_RW_PASSWORD";
/// k6: a token for the store.
pub const RW_BEARER_TOKEN: &str = "K6_PROMETHEUS_RW_BEARER_TOKEN";
/// k6: headers for the store, "name:value,name:value".
pub const RW_HTTP_HEADERS: &str = "K6_PROMETHEUS_RW_HTTP_HEADERS";
/// k6: take any certificate from the store.
pub const RW_INSECURE_SKIP_TLS_VERIFY: &str = "K6_PROMETHEUS_RW_INSECURE_SKIP_TLS_VERIFY";
/// k6: a header for the store follows in the variable's name, and its value in the variable's. Whoever is asked for this name gives
/// "name:value" for each, one a line.
pub const RW_HEADERS: &str = "K6_PROMETHEUS_RW_HEADERS_";
/// k6: a file with the certificate that the store knows us by.
pub const RW_CLIENT_CERTIFICATE: &str = "K6_PROMETHEUS_RW_CLIENT_CERTIFICATE";
/// k6: the file with its key.
pub const RW_CLIENT_CERTIFICATE_KEY: &str = "K6_PROMETHEUS_RW_CLIENT_CERTIFICATE_KEY";
/// k6: the oldest version of TLS to speak with the store, as its documentation and as its code name it.
pub const RW_TLS_MIN_VERSION: [&str; 2] = ["K6_PROMETHEUS_RW_TLS_MIN_VERSION", "K6_PROMETHEUS_RW_TLS_MINIMUM_VERSION"];
/// A file of certificates to trust of the store.
pub const RW_CA_CERTIFICATE: &str = "PERF_STORE_CA_CERTIFICATE";
/// k6: latencies as native histograms, too.
pub const NATIVE_HISTOGRAMS: &str = "K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM";
/// k6: which quantiles become series.
pub const RW_TREND_STATS: &str = "K6_PROMETHEUS_RW_TREND_STATS";
/// k6: whether series are marked as ended.
pub const RW_STALE_MARKERS: &str = "K6_PROMETHEUS_RW_STALE_MARKERS";
/// k6: keys for signing pushes, which is not supported.
pub const RW_SIGV4: [&str; 3] =
    ["K6_PROMETHEUS_RW_SIGV4_REGION", "K6_PROMETHEUS_RW_SIGV4_ACCESS_KEY", "K6_PROMETHEUS_RW_SIGV4_SECRET_KEY"];
/// k6: how often.
pub const PUSH_INTERVAL: &str = "K6_PROMETHEUS_RW_PUSH_INTERVAL";
