//! Every setting of a run, once. Command line, environment, help and README are made from this table.

use std::path::PathBuf;
use std::time::Duration;

use crate::Settings;
use crate::setting::SettingValue::{Many, One, Switch};
use crate::setting::{Group, Setting, flag, variable};
use crate::value::{parse_duration, parse_number, parse_url, parse_vus, parse_within};
use crate::{
    ALLOW_TARGET, DURATION, EXACT_ARRIVALS, ITERATIONS, MAX_VUS_OF_RATE, NATIVE_HISTOGRAMS, OUT, PROMETHEUS,
    PUSH_INTERVAL, QUIET, RATE, REMOTE_WRITE, REPLAY, RW_BEARER_TOKEN, RW_CLIENT_CERTIFICATE,
    RW_CLIENT_CERTIFICATE_KEY, RW_HEADERS, RW_HTTP_HEADERS, RW_PASSWORD, RW_USERNAME, STAGES, TARGET, TESTID, VUS,
    ValueError, WARM_UP, parse_rate, parse_stages, parse_testid,
};
use monitoring::label;
use prometheus_store::is_header_value;

/// All settings, in the order in which they are read.
pub fn all_settings() -> impl Iterator<Item = &'static Setting> {
    GROUPS.iter().flat_map(|group| group.settings)
}

/// All settings, as the help groups them.
pub const GROUPS: [Group; 4] = [
    Group { heading: None, settings: GENERAL },
    Group { heading: Some("Load"), settings: LOAD },
    Group { heading: Some("Requests"), settings: REQUESTS },
    Group { heading: Some("Store"), settings: STORE },
];

const GENERAL: &[Setting] = &[
    flag("target", One("URL"), &[TARGET], |it, text| put(&mut it.target, parse_url(text)))
        .help("Where the service is [default: a stand-in that is started for the run]"),
    flag("tag", Many("NAME=VALUE", "\n"), &["PERF_TAGS"], |it, text| {
        // One that is empty is a line, too.
        let lines = if text.is_empty() { "\n" } else { text }.lines();
        put(&mut it.tags, label::parse_tags(lines).map_err(ValueError::from))
    })
    .help("A label for every series of the run (repeatable)"),
    flag("testid", One("TESTID"), &[TESTID], |it, text| some(&mut it.testid, parse_testid(text)))
        .help("The run's name [default: date, time and scenario]"),
    flag("seed", One("SEED"), &["PERF_SEED"], |it, text| put(&mut it.seed, parse_number(text, 0..=u64::MAX)))
        .help("What the plan, all payloads and the stand-in's latencies are made from [default: 1]"),
    flag("prometheus-url", One("URL"), &[PROMETHEUS], |it, text| some(&mut it.prometheus, parse_url(text)))
        .help("Use the Prometheus that runs there, with its remote write receiver on"),
    flag("native-histograms", Switch, &[NATIVE_HISTOGRAMS], |it, text| on(&mut it.native_histograms, text))
        .help("Push latencies as native histograms, too, besides those by bucket that objectives are judged by"),
    flag("out", One("DIR"), &[OUT], |it, text| file(&mut it.out, text))
        .help("Where reports go, each run's in a folder of its own [default: target/perf]"),
    flag("quiet", Switch, &[QUIET], |it, text| on(&mut it.quiet, text)).short('q').help("Show no progress"),
];

const LOAD: &[Setting] = &[
    flag("vus", One("VUS"), &[VUS], |it, text| some(&mut it.load.vus, parse_vus(text))).short('u').help(
        "Virtual users. Alone, it changes only the scenario's number of them; with --rate, those that are there from the \
         start",
    ),
    flag("duration", One("DURATION"), &[DURATION], |it, text| some(&mut it.load.duration, parse_duration(text)))
        .short('d')
        .is_load()
        .help(
            "How long, such as 30s or 1m30s. Replaces the scenario's whole load; with --iterations, how long at most",
        ),
    flag("iterations", One("ITERATIONS"), &[ITERATIONS], |it, text| {
        some(&mut it.load.iterations, parse_number(text, 1..=1_000_000_000_000))
    })
    .short('i')
    .is_load()
    .help("Iterations in all, shared by the virtual users. Replaces the scenario's whole load"),
    flag("stage", Many("DURATION:VUS", ","), &[STAGES], |it, text| put(&mut it.load.stages, parse_stages(text)))
        .short('s')
        .is_load()
        .help(
            "A stage: reach so many virtual users within so long, such as 1m:10 (repeatable). Replaces the scenario's \
             whole load",
        ),
    flag("rate", One("RATE"), &[RATE], |it, text| some(&mut it.load.rate, parse_rate(text))).is_load().help(
        "Begin iterations at a constant rate, such as 500/s or 30/m, whatever became of those before. Replaces the \
         scenario's whole load; lasts as long as that would, or for --duration",
    ),
    flag("max-vus", One("VUS"), &[MAX_VUS_OF_RATE], |it, text| some(&mut it.load.max_vus, parse_vus(text))).help(
        "The most virtual users that --rate may need; an iteration that finds all of them busy is dropped [default: \
         --vus]",
    ),
    flag("warmup", One("DURATION"), &[WARM_UP], |it, text| some(&mut it.load.warm_up, parse_duration(text)))
        .help("What is due within so long from the beginning is warm-up: recorded, and by default not judged"),
    flag("exact-arrivals", Switch, &[EXACT_ARRIVALS], |it, text| on(&mut it.exact_arrivals, text))
        .help("Begin each iteration of a rate when it is due, with a wake-up each, and not on a grid of 0.4 ms"),
    flag("dry-run", Switch, &["PERF_DRY_RUN"], |it, text| on(&mut it.dry_run, text))
        .help("Draw what is planned, and send nothing"),
    flag("replay", One("REPORT.JSON"), &[REPLAY], |it, text| file(&mut it.replay, text))
        .excludes("seed")
        .help("Run the plan of an earlier run again: same seed, same load"),
];

const REQUESTS: &[Setting] = &[
    flag("rps", One("RPS"), &["K6_RPS"], |it, text| some(&mut it.http.rps, parse_number(text, 1..=10_000_000)))
        .help("The most requests a second, of all virtual users together; who may not yet waits"),
    flag("no-connection-reuse", Switch, &["K6_NO_CONNECTION_REUSE"], |it, text| {
        on(&mut it.http.no_connection_reuse, text)
    })
    .help("A new connection for every request"),
    flag("insecure-skip-tls-verify", Switch, &["K6_INSECURE_SKIP_TLS_VERIFY"], |it, text| {
        on(&mut it.http.insecure_skip_tls_verify, text)
    })
    .help("Take any certificate"),
    flag("ca-certificate", One("FILE"), &["PERF_CA_CERTIFICATE"], |it, text| file(&mut it.http.ca_certificate, text))
        .excludes("insecure-skip-tls-verify")
        .help("Trust the certificates of this file (PEM) in place of the system's"),
    flag("user-agent", One("USER_AGENT"), &["K6_USER_AGENT"], |it, text| {
        let agent = is_header_value(text).then(|| text.trim().to_owned());
        some(&mut it.http.user_agent, agent.ok_or_else(|| ValueError::Header(text.to_owned())))
    })
    .help("The header user-agent"),
    flag("max-redirects", One("N"), &["K6_MAX_REDIRECTS"], |it, text| {
        put(&mut it.http.max_redirects, parse_number(text, 0..=100))
    })
    .help("How many redirects are followed, each a request of its own [default: 0; k6 follows 10]"),
    flag("request-timeout", One("DURATION"), &["PERF_REQUEST_TIMEOUT"], |it, text| {
        put(&mut it.http.request_timeout, parse_within(text, Duration::from_millis(1)..=Duration::from_secs(3600)))
    })
    .help("How long a request may take in all [default: 60s]"),
    flag("http2", Switch, &["PERF_HTTP2"], |it, text| on(&mut it.http.http2, text))
        .help("HTTP/2: by ALPN over TLS, by prior knowledge without"),
    flag("allow-target", Many("HOST", ","), &[ALLOW_TARGET], |it, text| {
        let hosts = text.split(',').map(str::trim).filter(|host| !host.is_empty());
        put(&mut it.http.allowed, Ok(hosts.map(str::to_owned).collect()))
    })
    .help("Load that host although it is neither on this machine nor in a private network (repeatable)"),
];

const SIGV4: [&str; 3] =
    ["K6_PROMETHEUS_RW_SIGV4_REGION", "K6_PROMETHEUS_RW_SIGV4_ACCESS_KEY", "K6_PROMETHEUS_RW_SIGV4_SECRET_KEY"];

const STORE: &[Setting] = &[
    variable(&[REMOTE_WRITE], |it, text| some(&mut it.remote_write, parse_url(text))).help(
        "Push metrics there; no stack is started, and queries go to the same origin unless --prometheus-url names \
         another",
    ),
    variable(&[PUSH_INTERVAL], |it, text| {
        put(&mut it.push_interval, parse_within(text, Duration::from_millis(500)..=Duration::from_secs(60)))
    })
    .help("How often metrics are pushed [default: 5s]"),
    variable(&[RW_USERNAME], |it, text| put(&mut it.store_access.username, Ok(Some(text.to_owned()))))
        .help("The user at the store. Like all that says who pushes and asks, it is sent to that host only"),
    variable(&[RW_PASSWORD], |it, text| put(&mut it.store_access.password, Ok(Some(text.to_owned()))))
        .help("The user's password"),
    variable(&[RW_HTTP_HEADERS], |it, text| Ok(it.store_access.add_headers(text.split(','))?))
        .help("Headers for the store, as name:value,name:value"),
    variable(&[RW_HEADERS], |it, text| Ok(it.store_access.add_headers(text.lines())?))
        .help("A header for the store: its name follows in the variable's name"),
    variable(&[RW_BEARER_TOKEN], |it, text| {
        Ok(it.store_access.add_header("authorization", &format!("Bearer {text}"))?)
    })
    .help("A token for the store"),
    variable(&[RW_CLIENT_CERTIFICATE], |it, text| file(&mut it.store_access.certificate, text))
        .help("A file with the certificate that the store knows us by"),
    variable(&[RW_CLIENT_CERTIFICATE_KEY], |it, text| file(&mut it.store_access.key, text))
        .help("The file with its key"),
    variable(&["K6_PROMETHEUS_RW_INSECURE_SKIP_TLS_VERIFY"], |it, text| {
        on(&mut it.store_access.insecure_skip_tls_verify, text)
    })
    .help("Take any certificate from the store"),
    variable(&["PERF_STORE_CA_CERTIFICATE"], |it, text| file(&mut it.store_access.ca_certificate, text))
        .help("A file of certificates to trust of the store, besides the system's"),
    variable(&["K6_PROMETHEUS_RW_TLS_MIN_VERSION", "K6_PROMETHEUS_RW_TLS_MINIMUM_VERSION"], |it, text| {
        let is_least = match text {
            "1.3" => Ok(true),
            // What is older than 1.2 is not spoken in any case.
            "1.0" | "1.1" | "1.2" => Ok(false),
            _ => Err(ValueError::Refused("it is one of 1.0, 1.1, 1.2 and 1.3")),
        };
        put(&mut it.store_access.tls_1_3, is_least)
    })
    .help("The oldest version of TLS to speak with the store"),
    variable(&["K6_PROMETHEUS_RW_TREND_STATS"], |it, _| {
        ignore(it, "K6_PROMETHEUS_RW_TREND_STATS changes nothing: histograms are pushed, which give every quantile")
    })
    .help("Changes nothing: histograms are pushed, which give every quantile"),
    variable(&["K6_PROMETHEUS_RW_STALE_MARKERS"], |it, text| match is_on(text) {
        true => Ok(()),
        false => ignore(it, "K6_PROMETHEUS_RW_STALE_MARKERS changes nothing: series are always marked as ended"),
    })
    .help("Changes nothing: series are always marked as ended"),
    variable(&SIGV4, |_, _| {
        Err(ValueError::Refused("signing pushes for AWS is not supported: put a signing proxy in between"))
    })
    .help("Not supported: put a proxy that signs pushes for AWS in between"),
];

fn put<T>(field: &mut T, value: Result<T, ValueError>) -> Result<(), ValueError> {
    *field = value?;
    Ok(())
}

fn some<T>(field: &mut Option<T>, value: Result<T, ValueError>) -> Result<(), ValueError> {
    put(field, value.map(Some))
}

/// k6's switches are on for anything but these.
fn is_on(text: &str) -> bool {
    !matches!(text, "0" | "false" | "f" | "F" | "FALSE" | "False")
}

fn on(field: &mut bool, text: &str) -> Result<(), ValueError> {
    put(field, Ok(is_on(text)))
}

/// A file or folder; an empty name is none.
fn file(field: &mut Option<PathBuf>, text: &str) -> Result<(), ValueError> {
    put(field, Ok((!text.is_empty()).then(|| text.into())))
}

fn ignore(settings: &mut Settings, sentence: &str) -> Result<(), ValueError> {
    settings.ignored.push(sentence.to_owned());
    Ok(())
}
