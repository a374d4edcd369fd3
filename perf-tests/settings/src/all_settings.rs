//! The table of all settings of a run. The command line, the environment, the help and the table in
//! perf-tests/SETTINGS.md are made from it.

use std::path::PathBuf;
use std::time::Duration;

use crate::setting::SettingValue::{Many, One, PerHost as ForEachHost, Switch};
use crate::setting::{Group, Setting, flag, variable};
use crate::shard::parse_moment;
use crate::value::{
    parse_duration, parse_head, parse_listen, parse_number, parse_size, parse_url, parse_vus, parse_within,
};
use crate::{
    AGENTS, ALLOW_TARGET, CA_CERTIFICATE, CLIENT_CERTIFICATE, CLIENT_KEY, DNS_TTL, DURATION, EXACT_ARRIVALS, FOLDER,
    HOST_HEADER, HTTP1, HTTP2, INSECURE, ITERATIONS, LISTEN, LISTEN_CERTIFICATE, MAX_AGENTS, MAX_REDIRECTS,
    MAX_VUS_OF_RATE, NATIVE_HISTOGRAMS, OUT, PROMETHEUS, PROXY, PUSH_INTERVAL, QUIET, RATE, REMOTE_WRITE, REPLAY,
    RESOLVE, RW_BEARER_TOKEN, RW_CLIENT_CERTIFICATE, RW_CLIENT_CERTIFICATE_KEY, RW_HEADERS, RW_HTTP_HEADERS,
    RW_PASSWORD, RW_USERNAME, SHARD, SMOKE, SNI, STAGES, START_AT, TARGET, TESTID, VUS, ValueError, WARM_UP,
    parse_rate, parse_stages, parse_targets, parse_testid,
};
use crate::{
    DEFAULT_SEED, DEFAULT_STEP_TIMEOUT, HttpSettings, PerHost, ProxyUrl, Resolve, Settings, shown_duration,
    state_folder,
};
use monitoring::{intervals, label};
use prometheus_store::is_header_value;

/// All settings, in the order in which they are read.
pub fn all_settings() -> impl Iterator<Item = &'static Setting> {
    GROUPS.iter().flat_map(|group| group.settings)
}

/// All settings, grouped as in the help.
pub const GROUPS: [Group; 4] = [
    Group { heading: "Run", settings: GENERAL },
    Group { heading: "Load", settings: LOAD },
    Group { heading: "Requests", settings: REQUESTS },
    Group { heading: "Store", settings: STORE },
];

const GENERAL: &[Setting] = &[
    flag("target", Many("[NAME=]URL", " "), &[TARGET], set_targets).help(
        "URL of the service under test [default: a new stub backend]. NAME=URL sets the URL of another host in the catalogue \
         (repeatable). A URL is http://…, https://…, or a Unix socket: unix:/run/app.sock, with a base path \
         unix:/run/app.sock:/base",
    ),
    flag("tag", Many("NAME=VALUE", "\n"), &["PERF_TAGS"], |it, text| {
        // An empty text is one empty line, which is not a valid tag.
        let lines = if text.is_empty() { "\n" } else { text }.lines();
        put(&mut it.tags, label::parse_tags(lines).map_err(ValueError::from))
    })
    .help("Label NAME=VALUE on every series of the run (repeatable)"),
    flag("testid", One("TESTID"), &[TESTID], |it, text| some(&mut it.testid, parse_testid(text)))
        .help("Name of the run [default: date, time and scenario]"),
    flag("seed", One("SEED"), &["PERF_SEED"], |it, text| put(&mut it.seed, parse_number(text, 0..=u64::MAX)))
        .default(|| DEFAULT_SEED.to_string()).help("Random seed of plan, payloads and stub backend {default}"),
    flag("prometheus-url", One("URL"), &[PROMETHEUS], |it, text| some(&mut it.prometheus, parse_url(text)))
        .help("URL of a running Prometheus to use. Its remote-write receiver must be enabled"),
    flag("native-histograms", Switch, &[NATIVE_HISTOGRAMS], |it, text| on(&mut it.native_histograms, text))
        .help("Also push latencies as native histograms. Objectives are still judged from the classic buckets"),
    flag("out", One("DIR"), &[OUT], |it, text| file(&mut it.out, text))
        .default(|| state_folder(&|_| None).display().to_string()).help("Report folder, one subfolder per run {default}"),
    variable(&[FOLDER], |it, text| put(&mut it.folder, Ok(text.into()))).default(|| state_folder(&|_| None).display().to_string()).help(
        "Folder of reports (unless --out), locks and the stack's state {default}. Two runs at once in one \
         clone need two folders",
    ),
    flag("quiet", Switch, &[QUIET], |it, text| on(&mut it.quiet, text)).short('q').help("Hide live progress"),
];

const LOAD: &[Setting] = &[
    flag("vus", One("VUS"), &[VUS], |it, text| some(&mut it.load.vus, parse_vus(text))).short('u').help(
        "Number of virtual users (VUs). Alone, it changes only the VUs of the scenario's load. With --rate or --stage, \
         VUs that exist from the start",
    ),
    flag("duration", One("DURATION"), &[DURATION], |it, text| some(&mut it.load.duration, parse_duration(text)))
        .short('d')
        .is_load()
        .help(
            "Duration of the load, for example 30s or 1m30s. The number of VUs stays. Stages and rates of the scenario \
             are replaced; several parts are scaled together. With --iterations, the maximum duration",
        ),
    flag("iterations", One("ITERATIONS"), &[ITERATIONS], |it, text| {
        some(&mut it.load.iterations, parse_number(text, 1..=1_000_000_000_000))
    })
    .short('i')
    .is_load()
    .help("Total number of iterations, shared by all VUs. The number of VUs stays"),
    flag("stage", Many("DURATION:VUS", ","), &[STAGES], |it, text| put(&mut it.load.stages, parse_stages(text)))
        .short('s')
        .is_load()
        .help("Ramp to VUS over DURATION, for example 1m:10 (repeatable). Replaces the scenario's whole load"),
    flag("rate", One("RATE"), &[RATE], |it, text| some(&mut it.load.rate, parse_rate(text))).is_load().help(
        "Start iterations at this rate, for example 500/s or 30/m. Arrivals do not wait for earlier iterations. Replaces \
         the scenario's whole load and lasts as long as that load, or for --duration",
    ),
    flag("max-vus", One("VUS"), &[MAX_VUS_OF_RATE], |it, text| some(&mut it.load.max_vus, parse_vus(text))).help(
        "Maximum number of VUs for --rate. An arrival that finds all of them busy is dropped [default: --vus]",
    ),
    flag("warmup", One("DURATION"), &[WARM_UP], |it, text| some(&mut it.load.warm_up, parse_duration(text)))
        .help("Warm-up period, for example 30s. Its requests are recorded but not judged by default"),
    flag("part", One("PART"), &["PERF_PART"], |it, text| some(&mut it.part, Ok(text.to_owned()))).help(
        "Run only this part of a scenario that has several parts. Endpoints that it does not request are not judged",
    ),
    flag("agents", One("[kubernetes:]N"), &[AGENTS], |it, text| {
        let number = text.strip_prefix("kubernetes:");
        it.on_kubernetes = number.is_some();
        some(&mut it.agents, parse_number(number.unwrap_or(text), 1..=MAX_AGENTS.into()))
    })
    .help(
        "Make the load by N processes here, or by N pods. Requests, counts and verdict are those of one process",
    ),
    flag("listen", One("ADDRESS:PORT"), &[LISTEN], |it, text| some(&mut it.listen, parse_listen(text))).help(
        "Wait at this address for agents on other machines. They are not started here; the token is in PERF_AGENT_TOKEN",
    ),
    flag("listen-certificate", One("FILE"), &[LISTEN_CERTIFICATE], |it, text| file(&mut it.listen_certificate, text))
        .help("Encrypt messages to agents with this PEM certificate and key. Agents have PERF_AGENT_CA"),
    flag("shard", One("I/N"), &[SHARD], |it, text| some(&mut it.shard, text.parse()))
        .excludes("agents")
        .help("Make share I of N, and write it for cargo xtask merge. Nothing is pushed or judged"),
    flag("start-at", One("TIME"), &[START_AT], |it, text| some(&mut it.start_at, parse_moment(text))).help(
        "Start a shard's load at TIME, so that shards begin together. TIME is in UTC, as 2026-01-31T12:00:00Z, or in \
         seconds since 1970",
    ),
    flag("setup-timeout", One("DURATION"), &["PERF_SETUP_TIMEOUT"], |it, text| {
        put(&mut it.setup_timeout, parse_duration(text))
    })
    .default(|| shown_duration(DEFAULT_STEP_TIMEOUT)).help("Time limit of the scenario's setup {default}"),
    flag("teardown-timeout", One("DURATION"), &["PERF_TEARDOWN_TIMEOUT"], |it, text| {
        put(&mut it.teardown_timeout, parse_duration(text))
    })
    .default(|| shown_duration(DEFAULT_STEP_TIMEOUT)).help("Time limit of the scenario's teardown {default}"),
    flag("exact-arrivals", Switch, &[EXACT_ARRIVALS], |it, text| on(&mut it.exact_arrivals, text))
        .help("Start each arrival exactly on time, not on a 0.4 ms grid. Costs one wake-up per arrival"),
    flag("smoke", Switch, &[SMOKE], |it, text| on(&mut it.smoke, text)).help(
        "Run one iteration of each named scenario, or of all. Everything is checked but percentiles",
    ),
    flag("dry-run", Switch, &["PERF_DRY_RUN"], |it, text| on(&mut it.dry_run, text))
        .help("Draw the planned load and send nothing"),
    flag("replay", One("REPORT.JSON"), &[REPLAY], |it, text| file(&mut it.replay, text))
        .excludes("seed")
        .help("Repeat the plan of an earlier report: same seed, same load. Request options such as --rps are not restored"),
];

const REQUESTS: &[Setting] = &[
    flag("rps", One("RPS"), &["K6_RPS"], |it, text| some(&mut it.http.rps, parse_number(text, 1..=10_000_000)))
        .help("Maximum requests per second, for all VUs together. Requests over the limit wait"),
    flag("no-connection-reuse", Switch, &["K6_NO_CONNECTION_REUSE"], |it, text| {
        on(&mut it.http.no_connection_reuse, text)
    })
    .help("Open a new connection for every request"),
    flag("insecure-skip-tls-verify", Switch, &[INSECURE], |it, text| {
        on(&mut it.http.insecure_skip_tls_verify, text)
    })
    .help("Accept any TLS certificate of the target"),
    flag("ca-certificate", ForEachHost("[NAME=]FILE"), &[CA_CERTIFICATE], |it, text| files(&mut it.http.ca_certificate, text))
        .excludes("insecure-skip-tls-verify")
        .help("PEM file of trusted CA certificates (repeatable). They replace the system's. Without NAME=, for all hosts"),
    flag("client-certificate", ForEachHost("[NAME=]FILE"), &[CLIENT_CERTIFICATE], |it, text| {
        files(&mut it.http.client_certificate, text)
    })
    .help("PEM file of this client's certificate (repeatable). Without NAME=, for the main target"),
    flag("client-key", ForEachHost("[NAME=]FILE"), &[CLIENT_KEY], |it, text| files(&mut it.http.client_key, text))
        .help(
            "PEM file of the client certificate's key (repeatable). Without NAME=, for the main target. Without a key's \
             file, the certificate's file has the key",
        ),
    flag("host-header", ForEachHost("[NAME=]VALUE"), &[HOST_HEADER], |it, text| put(&mut it.http.host_header, names(text)))
        .help("Host header in place of the URL's host (repeatable). It replaces the port, too. Without NAME=, for the main target"),
    flag("sni", ForEachHost("[NAME=]HOST"), &[SNI], |it, text| put(&mut it.http.sni, names(text))).help(
        "TLS server name in place of the host (repeatable). The certificate must be for it. Without NAME=, for the main \
         target",
    ),
    flag("user-agent", One("USER_AGENT"), &["K6_USER_AGENT"], |it, text| {
        let agent = is_header_value(text).then(|| text.trim().to_owned());
        some(&mut it.http.user_agent, agent.ok_or_else(|| ValueError::Header(text.to_owned())))
    })
    .help("User-Agent header [default: perf-tests/VERSION]"),
    flag("max-redirects", One("N"), &[MAX_REDIRECTS], |it, text| {
        put(&mut it.http.max_redirects, parse_number(text, 0..=100))
    })
    .default(|| HttpSettings::default().max_redirects.to_string()).help(
        "Maximum redirects to follow (k6: 10). Each counts as a request to the same endpoint. They are followed to all \
         targets, and to other origins that --allow-target names {default}",
    ),
    flag("request-timeout", One("DURATION"), &["PERF_REQUEST_TIMEOUT"], |it, text| {
        put(&mut it.http.request_timeout, parse_within(text, Duration::from_millis(1)..=Duration::from_secs(3600)))
    })
    .default(|| shown_duration(HttpSettings::default().request_timeout)).help("Time limit, connecting included {default}"),
    flag("http1", Switch, &[HTTP1], |it, text| on(&mut it.http.http1, text))
        .help("Use HTTP/1.1 only. Otherwise each target with TLS is asked before the load (ALPN)"),
    flag("http2", Switch, &[HTTP2], |it, text| on(&mut it.http.http2, text))
        .excludes("http1")
        .help("Use HTTP/2 only. Without TLS the target must accept it (prior knowledge)"),
    flag("compression", Switch, &["PERF_COMPRESSION"], |it, text| on(&mut it.http.compression, text))
        .help("Accept gzip, deflate, br and zstd, as browsers do. Decoding is not part of latency"),
    variable(&["K6_NO_COOKIES_RESET"], |it, text| some(&mut it.http.keep_cookies, Ok(is_on(text)))).help(
        "Keep the VUs' cookies from one iteration to the next [default: as the scenario declares]. 0 clears them",
    ),
    flag("max-body", One("SIZE"), &["PERF_MAX_BODY"], |it, text| some(&mut it.http.max_body, parse_size(text)))
        .help(
            "Keep bodies up to SIZE [default: 4 to 64MiB by VUs]. Longer ones are read, counted and discarded. Memory must \
             suffice for one per VU",
        ),
    flag("max-head", One("SIZE"), &["PERF_MAX_HEAD"], |it, text| some(&mut it.http.max_head, parse_head(text)))
        .help("Accept response headers up to SIZE [default: 64KiB]. Longer ones fail, and so do more lines than SIZE / 16"),
    flag("allow-target", Many("HOST", ","), &[ALLOW_TARGET], |it, text| {
        let hosts = text.split(',').map(str::trim).filter(|host| !host.is_empty());
        put(&mut it.http.allowed, Ok(hosts.map(str::to_owned).collect()))
    })
    .help("Allow load on a public host (repeatable). Without it, load goes only to this machine and private networks"),
    flag("proxy", One("URL"), &[PROXY], |it, text| some(&mut it.http.proxy, ProxyUrl::parse(text))).help(
        "HTTP proxy for all targets. URL is http://[USER:PASSWORD@]HOST:PORT. The proxy opens tunnels (CONNECT), and \
         latencies include it",
    ),
    flag("resolve", Many("HOST:PORT:ADDRESS", " "), &[RESOLVE], |it, text| {
        put(&mut it.http.resolve, text.split_whitespace().map(Resolve::parse).collect())
    })
    .help(
        "Connect to ADDRESS for HOST:PORT (repeatable). Host header and TLS server name stay HOST. Several addresses, \
         separated by commas, are used in turn",
    ),
    flag("dns-ttl", One("DURATION"), &[DNS_TTL], |it, text| {
        put(&mut it.http.dns_ttl, parse_within(text, Duration::ZERO..=Duration::from_secs(24 * 3600)))
    })
    .default(|| shown_duration(HttpSettings::default().dns_ttl)).help(
        "Look up names again after DURATION {default}. The system does not report how long an address is valid. \
         Open connections are kept",
    ),
];

const SIGV4: [&str; 3] =
    ["K6_PROMETHEUS_RW_SIGV4_REGION", "K6_PROMETHEUS_RW_SIGV4_ACCESS_KEY", "K6_PROMETHEUS_RW_SIGV4_SECRET_KEY"];

const STORE: &[Setting] = &[
    variable(&[REMOTE_WRITE], |it, text| some(&mut it.remote_write, parse_url(text))).help(
        "Remote-write URL to push metrics to. No stack is started. Queries go to the same origin unless --prometheus-url \
         names another",
    ),
    variable(&[PUSH_INTERVAL], |it, text| {
        put(&mut it.push_interval, parse_push_interval(text))
    })
    .default(|| shown_duration(intervals::PUSH_INTERVAL)).help(
        "Time between pushes, 500ms to 9s {default}. The dashboards show rates over 20 s, and need two pushes in that time",
    ),
    variable(&[RW_USERNAME], |it, text| put(&mut it.store_access.username, Ok(Some(text.to_owned()))))
        .help("User name for the store. Credentials and headers are sent to the store's origin only"),
    variable(&[RW_PASSWORD], |it, text| put(&mut it.store_access.password, Ok(Some(text.to_owned()))))
        .help("Password for the store"),
    variable(&[RW_HTTP_HEADERS], |it, text| Ok(it.store_access.add_headers(text.split(','))?))
        .help("Headers for the store: name:value,name:value"),
    variable(&[RW_HEADERS], |it, text| Ok(it.store_access.add_headers(text.lines())?))
        .help("Header for the store, named by the variable's suffix"),
    variable(&[RW_BEARER_TOKEN], |it, text| {
        Ok(it.store_access.add_header("authorization", &format!("Bearer {text}"))?)
    })
    .help("Bearer token for the store"),
    variable(&[RW_CLIENT_CERTIFICATE], |it, text| file(&mut it.store_access.certificate, text))
        .help("PEM file of the client certificate for the store"),
    variable(&[RW_CLIENT_CERTIFICATE_KEY], |it, text| file(&mut it.store_access.key, text))
        .help("PEM file of the client certificate's key"),
    variable(&["K6_PROMETHEUS_RW_INSECURE_SKIP_TLS_VERIFY"], |it, text| {
        on(&mut it.store_access.insecure_skip_tls_verify, text)
    })
    .help("Accept any TLS certificate of the store"),
    variable(&["PERF_STORE_CA_CERTIFICATE"], |it, text| file(&mut it.store_access.ca_certificate, text))
        .help("PEM file of CA certificates for the store. They are added to the system's"),
    variable(&["K6_PROMETHEUS_RW_TLS_MIN_VERSION", "K6_PROMETHEUS_RW_TLS_MINIMUM_VERSION"], |it, text| {
        let requires_1_3 = match text {
            "1.3" => Ok(true),
            // Versions below 1.2 are never used.
            "1.0" | "1.1" | "1.2" => Ok(false),
            _ => Err(ValueError::Refused("not one of 1.0, 1.1, 1.2 and 1.3")),
        };
        put(&mut it.store_access.tls_1_3, requires_1_3)
    })
    .help("Minimum TLS version for the store: 1.0, 1.1, 1.2 or 1.3. Versions below 1.2 are never used"),
    variable(&["HTTP_PROXY", "http_proxy"], |it, text| some(&mut it.store_access.proxies.http, Ok(text.to_owned())))
        .help("Proxy to a store at http://. Load uses only --proxy"),
    variable(&["HTTPS_PROXY", "https_proxy"], |it, text| some(&mut it.store_access.proxies.https, Ok(text.to_owned())))
        .help("Proxy to a store at https://. Load uses only --proxy"),
    variable(&["ALL_PROXY", "all_proxy"], |it, text| some(&mut it.store_access.proxies.all, Ok(text.to_owned())))
        .help("Proxy to a store that has no other proxy. Load uses only --proxy"),
    variable(&["NO_PROXY", "no_proxy"], |it, text| some(&mut it.store_access.proxies.no_proxy, Ok(text.to_owned())))
        .help("Hosts and networks of stores that need no proxy, separated by commas. This machine never does"),
    variable(&["K6_PROMETHEUS_RW_TREND_STATS"], |it, _| {
        ignore(it, "K6_PROMETHEUS_RW_TREND_STATS has no effect: pushed histograms give every quantile")
    })
    .help("No effect: pushed histograms give every quantile"),
    variable(&["K6_PROMETHEUS_RW_STALE_MARKERS"], |it, text| match is_on(text) {
        true => Ok(()),
        false => ignore(it, "K6_PROMETHEUS_RW_STALE_MARKERS has no effect: series are always marked as ended"),
    })
    .help("No effect: series are always marked as ended"),
    variable(&SIGV4, |_, _| {
        Err(ValueError::Refused("AWS signing is not supported: push through a proxy that signs requests"))
    })
    .help("Not supported: use a proxy that signs pushes for AWS"),
];

/// Sets the main target and the hosts beside it.
pub(super) fn set_targets(settings: &mut Settings, text: &str) -> Result<(), ValueError> {
    let targets = parse_targets(text)?;
    if targets.is_empty() {
        parse_url(text)?;
    }
    settings.hosts.clear();
    for (name, url) in targets {
        match name {
            None => settings.target = url,
            Some(name) => drop(settings.hosts.insert(name, url)),
        }
    }
    Ok(())
}

/// Parses the time between pushes. Panels and rules are generated for the default, so a longer time
/// would leave them empty.
fn parse_push_interval(text: &str) -> Result<Duration, ValueError> {
    let longest = intervals::MAX_PUSH_INTERVAL;
    let interval = parse_within(text, Duration::from_millis(500)..=Duration::from_secs(24 * 3600))?;
    if interval <= longest { Ok(interval) } else { Err(ValueError::PushInterval(text.to_owned(), longest)) }
}

fn put<T>(field: &mut T, value: Result<T, ValueError>) -> Result<(), ValueError> {
    *field = value?;
    Ok(())
}

fn some<T>(field: &mut Option<T>, value: Result<T, ValueError>) -> Result<(), ValueError> {
    put(field, value.map(Some))
}

/// Like k6's switches: on for every value except these.
fn is_on(text: &str) -> bool {
    !matches!(text, "0" | "false" | "f" | "F" | "FALSE" | "False")
}

fn on(field: &mut bool, text: &str) -> Result<(), ValueError> {
    put(field, Ok(is_on(text)))
}

/// Sets a file or folder; an empty name means not set.
fn file(field: &mut Option<PathBuf>, text: &str) -> Result<(), ValueError> {
    put(field, Ok((!text.is_empty()).then(|| absolute(text))))
}

/// The absolute path of a file: another process, which also gets the settings, may run in another
/// folder.
fn absolute(file: &str) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.into())
}

/// Sets files, one `[NAME=]FILE` per line; an empty text means not set.
fn files(field: &mut PerHost<PathBuf>, text: &str) -> Result<(), ValueError> {
    put(field, PerHost::parse(text, |file| Ok(absolute(file))))
}

/// Parses names of hosts, one `[NAME=]VALUE` per line, each with or without a port.
fn names(text: &str) -> Result<PerHost<String>, ValueError> {
    PerHost::parse(text, |name| {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if !name.is_empty() && name.chars().all(is_name) {
            Ok(name.to_owned())
        } else {
            Err(ValueError::Refused("not the name of a host, such as shop.example or shop.example:8443"))
        }
    })
}

fn ignore(settings: &mut Settings, message: &str) -> Result<(), ValueError> {
    settings.ignored.push(message.to_owned());
    Ok(())
}
