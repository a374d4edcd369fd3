//! The table of all settings of a run. The command line, the environment, the help and the table in
//! perf-tests/SETTINGS.md are made from it.

use std::time::Duration;

use crate::fields::{
    ignore, is_on, parse_host_names, parse_push_interval, put, put_file, put_files, put_some, put_switch, set_targets,
};
use crate::setting::SettingValue::{Many, One, PerHost as ForEachHost, Switch};
use crate::setting::{Group, Setting, flag, variable};
use crate::shard::parse_moment;
use crate::value::{
    as_text, parse_duration, parse_head, parse_listen, parse_number, parse_size, parse_url, parse_vus, parse_within,
};
use crate::variables::default_state_folder;
use crate::{
    DEFAULT_MAX_HEAD, DEFAULT_SEED, DEFAULT_STEP_TIMEOUT, DryRun, HttpSettings, MAX_AGENTS, MOST_MAX_BODY, ProxyUrl,
    Resolve, ValueError, parse_rate, parse_stages, parse_testid, shown_duration,
};
use monitoring::{intervals, label};
use prometheus_store::is_header_value;

/// Defines the settings of a group. Other code refers to a setting by its first variable, which has
/// the name that stands before the setting.
macro_rules! settings {
    ($group:ident in $entries:ident: $($name:ident = $setting:expr;)*) => {
        mod $entries {
            use super::*;
            $(pub(super) const $name: Setting = $setting;)*
        }
        $(
            #[doc = concat!("The variable of the setting `", stringify!($name), "`.")]
            pub const $name: &str = $entries::$name.variables[0];
        )*
        const $group: &[Setting] = &[$($entries::$name),*];
    };
}

/// The function that puts a value into a field of the settings, as it is or parsed.
macro_rules! set {
    ($put:ident($($field:ident).+ $(, $parse:expr)?)) => {
        |it, text| $put(&mut it.$($field).+, $($parse)?(text))
    };
}

/// All settings, in the order in which they are read.
pub fn all_settings() -> impl Iterator<Item = &'static Setting> {
    GROUPS.iter().flat_map(|group| group.settings)
}

/// All settings, grouped as in the help.
pub const GROUPS: [Group; 6] = [
    Group { heading: TARGET_HEADING, settings: TARGET_SETTINGS },
    Group { heading: "Run", settings: RUN_SETTINGS },
    Group { heading: LOAD_HEADING, settings: LOAD_SETTINGS },
    Group { heading: "Requests", settings: REQUESTS_SETTINGS },
    Group { heading: "Store", settings: STORE_SETTINGS },
    Group { heading: OUTPUT_HEADING, settings: OUTPUT_SETTINGS },
];

/// The heading of the target, and of flags of the stack that is started for it.
pub const TARGET_HEADING: &str = "Target and stack";
/// The heading of the load.
pub const LOAD_HEADING: &str = "Load";
/// The heading of what is written and printed.
pub const OUTPUT_HEADING: &str = "Output";

settings! { TARGET_SETTINGS in target:
    TARGET = flag("target", Many("[NAME=]URL", " "), &["PERF_TARGET"], set_targets).help(
        "URL of the service under test [default: a new stub backend]. NAME=URL sets the URL of another host in the catalogue \
         (repeatable). A URL is http://…, https://…, or a Unix socket: unix:/run/app.sock, with a base path \
         unix:/run/app.sock:/base",
    );
    METRICS_TOKEN = variable(&["PERF_METRICS_TOKEN"], |it, text| {
        let token = is_header_value(text).then(|| text.trim().to_owned());
        put_some(&mut it.metrics_token, token.ok_or(ValueError::Refused("not a token: use printable ASCII characters")))
    })
    .help("Bearer token for the target's own metrics. It is sent to the main target's origin only");
}

settings! { RUN_SETTINGS in run:
    TAGS = flag("tag", Many("NAME=VALUE", "\n"), &["PERF_TAGS"], |it, text| {
        // An empty text is one empty line, which is not a valid tag.
        let lines = if text.is_empty() { "\n" } else { text }.lines();
        put(&mut it.tags, label::parse_tags(lines).map_err(ValueError::from))
    })
    .help("Label NAME=VALUE on every series of the run (repeatable)");
    TESTID = flag("testid", One("TESTID"), &["PERF_TESTID"], set!(put_some(testid, parse_testid)))
        .help("Name of the run [default: date, time and scenario]");
    SEED = flag("seed", One("SEED"), &["PERF_SEED"], |it, text| put(&mut it.seed, parse_number(text, 0..=u64::MAX)))
        .default(|| DEFAULT_SEED.to_string()).help("Random seed of plan, payloads and stub backend {default}");
}

settings! { LOAD_SETTINGS in load:
    VUS = flag("vus", One("VUS"), &["K6_VUS"], set!(put_some(load.vus, parse_vus))).short('u').help(
        "Number of virtual users (VUs). Alone, it changes only the VUs of the scenario's load. With --rate or --stage, \
         VUs that exist from the start",
    );
    DURATION = flag("duration", One("DURATION"), &["K6_DURATION"], set!(put_some(load.duration, parse_duration)))
        .short('d').is_load().help(
        "Duration of the load, for example 30s or 1m30s. Replaces the scenario's stages and rates, and keeps its \
         VUs. Several parts are scaled together. With --iterations, the maximum duration",
    );
    ITERATIONS = flag("iterations", One("ITERATIONS"), &["K6_ITERATIONS"], |it, text| {
        put_some(&mut it.load.iterations, parse_number(text, 1..=1_000_000_000_000))
    })
    .short('i').is_load().help("Total number of iterations, shared by all VUs. Keeps the number of VUs");
    STAGES = flag("stage", Many("DURATION:VUS", ","), &["K6_STAGES"], set!(put(load.stages, parse_stages)))
        .short('s').is_load()
        .help("Ramp to VUS over DURATION, for example 1m:10 (repeatable). Replaces the scenario's whole load");
    RATE = flag("rate", One("RATE"), &["PERF_RATE"], set!(put_some(load.rate, parse_rate))).is_load().help(
        "Start iterations at this rate, for example 500/s or 30/m. Arrivals do not wait for earlier iterations. Replaces \
         the scenario's whole load and lasts as long as that load, or for --duration",
    );
    MAX_VUS_OF_RATE = flag("max-vus", One("VUS"), &["PERF_MAX_VUS"], set!(put_some(load.max_vus, parse_vus))).help(
        "Maximum number of VUs for --rate. An arrival that finds all of them busy is dropped [default: --vus]",
    );
    WARM_UP = flag("warmup", One("DURATION"), &["PERF_WARMUP"], set!(put_some(load.warm_up, parse_duration)))
        .help("Warm-up period, for example 30s. Its requests are recorded but not judged by default");
    PART = flag("part", One("PART"), &["PERF_PART"], set!(put_some(part, as_text))).help(
        "Run only this part of a scenario that has several parts. Endpoints that it does not request are not judged",
    );
    AGENTS = flag("agents", One("[kubernetes:]N"), &["PERF_AGENTS"], |it, text| {
        let number = text.strip_prefix("kubernetes:");
        it.on_kubernetes = number.is_some();
        if number.is_none() && text.parse::<u64>().is_err() {
            return Err(ValueError::Agents(text.to_owned()));
        }
        put_some(&mut it.agents, parse_number(number.unwrap_or(text), 1..=MAX_AGENTS.into()))
    })
    .help(
        "Make the load with N processes here, or with N pods. Requests, counts and verdict are those of one process",
    );
    LISTEN = flag("listen", One("ADDRESS:PORT"), &["PERF_LISTEN"], set!(put_some(listen, parse_listen))).help(
        "Wait at this address for agents on other machines. Start them yourself, with the same PERF_AGENT_TOKEN as this \
         command",
    );
    LISTEN_CERTIFICATE = flag("listen-certificate", One("FILE"), &["PERF_LISTEN_CERTIFICATE"], |it, text| {
        put_file(&mut it.listen_certificate, text)
    })
    .help("Encrypt messages to agents with this PEM certificate and key. Agents trust it by PERF_AGENT_CA");
    SHARD = flag("shard", One("I/N"), &["PERF_SHARD"], |it, text| put_some(&mut it.shard, text.parse()))
        .excludes("agents").help("Make share I of N of the load, for cargo xtask merge. Nothing is pushed or judged");
    START_AT = flag("start-at", One("TIME"), &["PERF_START_AT"], set!(put_some(start_at, parse_moment))).help(
        "Start a shard's load at TIME, so that shards begin together. TIME is in UTC, as 2026-01-31T12:00:00Z, or in \
         seconds since 1970",
    );
    SETUP_TIMEOUT = flag("setup-timeout", One("DURATION"), &["PERF_SETUP_TIMEOUT"], |it, text| {
        put(&mut it.setup_timeout, parse_duration(text))
    })
    .default(|| shown_duration(DEFAULT_STEP_TIMEOUT)).help("Time limit of the scenario's setup {default}");
    TEARDOWN_TIMEOUT = flag("teardown-timeout", One("DURATION"), &["PERF_TEARDOWN_TIMEOUT"], |it, text| {
        put(&mut it.teardown_timeout, parse_duration(text))
    })
    .default(|| shown_duration(DEFAULT_STEP_TIMEOUT)).help("Time limit of the scenario's teardown {default}");
    EXACT_ARRIVALS = flag("exact-arrivals", Switch, &["PERF_EXACT_ARRIVALS"], set!(put_switch(exact_arrivals)))
        .help("Start each arrival exactly on time, not on a 0.4 ms grid. Costs one wake-up per arrival");
    SMOKE = flag("smoke", Switch, &["PERF_SMOKE"], set!(put_switch(smoke))).help(
        "Run one iteration of each named scenario, or of all. Everything is checked but percentiles",
    );
    DRY_RUN = flag("dry-run", Switch, &["PERF_DRY_RUN"], |it, text| {
        put(&mut it.dry_run, Ok(is_on(text).then_some(DryRun::Draw)))
    })
    .help("Draw the planned load and send nothing");
    REPLAY = flag("replay", One("REPORT.JSON"), &["PERF_REPLAY"], set!(put_file(replay)))
        .excludes("seed")
        .help("Repeat the plan of an earlier report: same seed, same load. Request options such as --rps are not restored");
}

settings! { REQUESTS_SETTINGS in requests:
    RPS = flag("rps", One("RPS"), &["K6_RPS"], |it, text| put_some(&mut it.http.rps, parse_number(text, 1..=10_000_000)))
        .help("Maximum requests per second, for all VUs together. Requests over the limit wait");
    NO_CONNECTION_REUSE = flag("no-connection-reuse", Switch, &["K6_NO_CONNECTION_REUSE"], |it, text| {
        put_switch(&mut it.http.no_connection_reuse, text)
    })
    .help("Open a new connection for every request");
    INSECURE = flag("insecure-skip-tls-verify", Switch, &["K6_INSECURE_SKIP_TLS_VERIFY"], |it, text| {
        put_switch(&mut it.http.insecure_skip_tls_verify, text)
    })
    .help("Accept any TLS certificate of the target");
    CA_CERTIFICATE = flag("ca-certificate", ForEachHost("[NAME=]FILE"), &["PERF_CA_CERTIFICATE"], |it, text| {
        put_files(&mut it.http.ca_certificate, text)
    })
    .excludes("insecure-skip-tls-verify")
    .help("PEM file of trusted CA certificates (repeatable). They replace the system's. Without NAME=, for all hosts");
    CLIENT_CERTIFICATE = flag("client-certificate", ForEachHost("[NAME=]FILE"), &["PERF_CLIENT_CERTIFICATE"], |it, text| {
        put_files(&mut it.http.client_certificate, text)
    })
    .help("PEM file of this client's certificate (repeatable). Without NAME=, for the main target");
    CLIENT_KEY = flag("client-key", ForEachHost("[NAME=]FILE"), &["PERF_CLIENT_KEY"], set!(put_files(http.client_key)))
        .help(
            "PEM file of the client certificate's key (repeatable). Without NAME=, for the main target. Without this \
             flag, the key is read from the certificate's file",
        );
    HOST_HEADER = flag("host-header", ForEachHost("[NAME=]VALUE"), &["PERF_HOST_HEADER"], |it, text| {
        put(&mut it.http.host_header, parse_host_names(text))
    })
    .help("Host header in place of the URL's host (repeatable). It replaces the port, too. Without NAME=, for the main target");
    SNI = flag("sni", ForEachHost("[NAME=]HOST"), &["PERF_SNI"], set!(put(http.sni, parse_host_names))).help(
        "TLS server name in place of the host (repeatable). The certificate must be for it. Without NAME=, for the main \
         target",
    );
    USER_AGENT = flag("user-agent", One("USER_AGENT"), &["K6_USER_AGENT"], |it, text| {
        let agent = is_header_value(text).then(|| text.trim().to_owned());
        put_some(&mut it.http.user_agent, agent.ok_or_else(|| ValueError::Header(text.to_owned())))
    })
    .help("User-Agent header [default: perf-tests/VERSION]");
    MAX_REDIRECTS = flag("max-redirects", One("N"), &["K6_MAX_REDIRECTS"], |it, text| {
        put(&mut it.http.max_redirects, parse_number(text, 0..=100))
    })
    .default(|| HttpSettings::default().max_redirects.to_string()).help(
        "Maximum redirects to follow (k6: 10). Each counts as a request to the same endpoint. A redirect may lead to any \
         target, and to hosts that --allow-target names {default}",
    );
    REQUEST_TIMEOUT = flag("request-timeout", One("DURATION"), &["PERF_REQUEST_TIMEOUT"], |it, text| {
        put(&mut it.http.request_timeout, parse_within(text, Duration::from_millis(1)..=Duration::from_secs(3600)))
    })
    .default(|| shown_duration(HttpSettings::default().request_timeout)).help("Time limit of a request, connecting included {default}");
    HTTP1 = flag("http1", Switch, &["PERF_HTTP1"], set!(put_switch(http.http1)))
        .help("Use HTTP/1.1 only. Otherwise a target with TLS chooses the protocol before the load (ALPN)");
    HTTP2 = flag("http2", Switch, &["PERF_HTTP2"], set!(put_switch(http.http2)))
        .excludes("http1").help("Use HTTP/2 only. Without TLS the target must accept it (prior knowledge)");
    COMPRESSION = flag("compression", Switch, &["PERF_COMPRESSION"], set!(put_switch(http.compression)))
        .help("Accept gzip, deflate, br and zstd, as browsers do. Decoding is not part of latency");
    NO_COOKIES_RESET = variable(&["K6_NO_COOKIES_RESET"], |it, text| {
        put_some(&mut it.http.keep_cookies, Ok(is_on(text)))
    }).help(
        "Keep the VUs' cookies from one iteration to the next [default: as the scenario declares]. 0 clears them",
    );
    MAX_BODY = flag("max-body", One("SIZE"), &["PERF_MAX_BODY"], set!(put_some(http.max_body, parse_size)))
        .default(|| format!("at most {}MiB", MOST_MAX_BODY >> 20)).help(
        "Keep bodies up to SIZE {default}. Longer ones are read, counted and discarded. Each VU needs memory for one, so the default is smaller with more VUs",
    );
    MAX_HEAD = flag("max-head", One("SIZE"), &["PERF_MAX_HEAD"], set!(put_some(http.max_head, parse_head)))
        .default(|| format!("{}KiB", DEFAULT_MAX_HEAD >> 10))
        .help("Accept response headers up to SIZE {default}. Longer headers fail, and so do more than SIZE / 16 lines");
    ALLOW_TARGET = flag("allow-target", Many("HOST", ","), &["PERF_ALLOW_TARGET"], |it, text| {
        let hosts = text.split(',').map(str::trim).filter(|host| !host.is_empty());
        put(&mut it.http.allowed, Ok(hosts.map(str::to_owned).collect()))
    })
    .help("Allow load on a public host (repeatable). Without it, load goes only to this machine and private networks");
    PROXY = flag("proxy", One("URL"), &["PERF_PROXY"], set!(put_some(http.proxy, ProxyUrl::parse))).help(
        "HTTP proxy for all targets. URL is http://[USER:PASSWORD@]HOST:PORT. The proxy opens tunnels (CONNECT), and \
         latencies include it",
    );
    RESOLVE = flag("resolve", Many("HOST:PORT:ADDRESS", " "), &["PERF_RESOLVE"], |it, text| {
        put(&mut it.http.resolve, text.split_whitespace().map(Resolve::parse).collect())
    })
    .help(
        "Connect to ADDRESS for HOST:PORT (repeatable). Host header and TLS server name stay HOST. Several addresses, \
         separated by commas, are used in turn",
    );
    DNS_TTL = flag("dns-ttl", One("DURATION"), &["PERF_DNS_TTL"], |it, text| {
        put(&mut it.http.dns_ttl, parse_within(text, Duration::ZERO..=Duration::from_secs(24 * 3600)))
    })
    .default(|| shown_duration(HttpSettings::default().dns_ttl)).help(
        "Look up names again after DURATION {default}. The system does not report how long an address is valid. \
         Open connections are kept",
    );
}

settings! { STORE_SETTINGS in store:
    PROMETHEUS = flag("prometheus-url", One("URL"), &["PERF_PROMETHEUS_URL"], set!(put_some(prometheus, parse_url)))
        .help("URL of a running Prometheus to use. Its remote-write receiver must be enabled");
    REMOTE_WRITE = variable(&["K6_PROMETHEUS_RW_SERVER_URL"], set!(put_some(remote_write, parse_url))).help(
        "Remote-write URL to push metrics to. No stack is started. Queries go to the same origin unless --prometheus-url \
         names another",
    );
    PUSH_INTERVAL = variable(&["K6_PROMETHEUS_RW_PUSH_INTERVAL"], set!(put(push_interval, parse_push_interval)))
        .default(|| shown_duration(intervals::PUSH_INTERVAL)).help(
        "Time between pushes, 500ms to 9s {default}. The dashboards show rates over 20 s, and need two pushes in that time",
    );
    NATIVE_HISTOGRAMS = flag("native-histograms", Switch, &["K6_PROMETHEUS_RW_TREND_AS_NATIVE_HISTOGRAM"], |it, text| {
        put_switch(&mut it.native_histograms, text)
    })
    .help("Also push latencies as native histograms. Objectives are still judged from the classic buckets");
    RW_USERNAME = variable(&["K6_PROMETHEUS_RW_USERNAME"], set!(put_some(store_access.username, as_text)))
        .help("User name for the store. Credentials and headers are sent to the store's origin only");
    RW_PASSWORD = variable(&["K6_PROMETHEUS_RW_PASSWORD"], set!(put_some(store_access.password, as_text)))
        .help("Password for the store");
    RW_HTTP_HEADERS = variable(&["K6_PROMETHEUS_RW_HTTP_HEADERS"], |it, text| {
        Ok(it.store_access.add_headers(text.split(','))?)
    })
    .help("Headers for the store: name:value,name:value");
    RW_HEADERS = variable(&["K6_PROMETHEUS_RW_HEADERS_"], |it, text| Ok(it.store_access.add_headers(text.lines())?))
        .help("Header for the store, named by the variable's suffix");
    RW_BEARER_TOKEN = variable(&["K6_PROMETHEUS_RW_BEARER_TOKEN"], |it, text| {
        Ok(it.store_access.add_header("authorization", &format!("Bearer {text}"))?)
    })
    .help("Bearer token for the store");
    RW_CLIENT_CERTIFICATE = variable(&["K6_PROMETHEUS_RW_CLIENT_CERTIFICATE"], set!(put_file(store_access.certificate)))
        .help("PEM file of the client certificate for the store");
    RW_CLIENT_CERTIFICATE_KEY = variable(&["K6_PROMETHEUS_RW_CLIENT_CERTIFICATE_KEY"], set!(put_file(store_access.key)))
        .help("PEM file of the client certificate's key");
    RW_INSECURE = variable(&["K6_PROMETHEUS_RW_INSECURE_SKIP_TLS_VERIFY"], |it, text| {
        put_switch(&mut it.store_access.insecure_skip_tls_verify, text)
    })
    .help("Accept any TLS certificate of the store");
    STORE_CA_CERTIFICATE = variable(&["PERF_STORE_CA_CERTIFICATE"], set!(put_file(store_access.ca_certificate)))
        .help("PEM file of CA certificates for the store. They are added to the system's");
    RW_TLS_MIN_VERSION = variable(&["K6_PROMETHEUS_RW_TLS_MIN_VERSION", "K6_PROMETHEUS_RW_TLS_MINIMUM_VERSION"], |it, text| {
        let requires_1_3 = match text {
            "1.3" => Ok(true),
            // Versions below 1.2 are never used.
            "1.0" | "1.1" | "1.2" => Ok(false),
            _ => Err(ValueError::Refused("not one of 1.0, 1.1, 1.2 and 1.3")),
        };
        put(&mut it.store_access.tls_1_3, requires_1_3)
    })
    .help("Minimum TLS version for the store: 1.0, 1.1, 1.2 or 1.3. Versions below 1.2 are never used");
    HTTP_PROXY = variable(&["HTTP_PROXY", "http_proxy"], set!(put_some(store_access.proxies.http, as_text)))
        .help("Proxy to a store at http://. Load uses only --proxy");
    HTTPS_PROXY = variable(&["HTTPS_PROXY", "https_proxy"], set!(put_some(store_access.proxies.https, as_text)))
        .help("Proxy to a store at https://. Load uses only --proxy");
    ALL_PROXY = variable(&["ALL_PROXY", "all_proxy"], set!(put_some(store_access.proxies.all, as_text)))
        .help("Proxy to a store that has no other proxy. Load uses only --proxy");
    NO_PROXY = variable(&["NO_PROXY", "no_proxy"], set!(put_some(store_access.proxies.no_proxy, as_text)))
        .help("Hosts and networks of stores that need no proxy, separated by commas. This machine never needs one");
    RW_TREND_STATS = variable(&["K6_PROMETHEUS_RW_TREND_STATS"], |it, _| {
        ignore(it, "K6_PROMETHEUS_RW_TREND_STATS has no effect: pushed histograms give every quantile")
    })
    .help("No effect: pushed histograms give every quantile");
    RW_STALE_MARKERS = variable(&["K6_PROMETHEUS_RW_STALE_MARKERS"], |it, text| match is_on(text) {
        true => Ok(()),
        false => ignore(it, "K6_PROMETHEUS_RW_STALE_MARKERS has no effect: series are always marked as ended"),
    })
    .help("No effect: series are always marked as ended");
    RW_SIGV4 = variable(
        &["K6_PROMETHEUS_RW_SIGV4_REGION", "K6_PROMETHEUS_RW_SIGV4_ACCESS_KEY", "K6_PROMETHEUS_RW_SIGV4_SECRET_KEY"],
        |_, _| Err(ValueError::Refused("AWS signing is not supported: push through a proxy that signs requests")),
    )
    .help("Not supported: use a proxy that signs pushes for AWS");
}

settings! { OUTPUT_SETTINGS in output:
    OUT = flag("out", One("DIR"), &["PERF_OUT"], set!(put_file(out)))
        .default(|| default_state_folder().display().to_string()).help("Report folder, one subfolder per run {default}");
    FOLDER = variable(&["PERF_FOLDER"], |it, text| put(&mut it.folder, Ok(text.into())))
        .default(|| default_state_folder().display().to_string()).help(
        "Folder of reports (unless --out), locks and the stack's state {default}. Two runs at once in one \
         clone need two folders",
    );
    QUIET = flag("quiet", Switch, &["PERF_QUIET"], set!(put_switch(quiet)))
        .short('q').help("Hide live progress");
}
