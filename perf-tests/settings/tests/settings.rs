//! Settings from flags, from variables, and across the process boundary.

use std::path::Path;
use std::time::Duration;

use monitoring::revision::Revision;
use perf_settings::*;
use prometheus_store::shown_url;
use url::Url;

fn settings(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let get = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Settings::from_lookup(&get)
}

#[test]
fn a_switch_can_be_off() {
    for (value, on) in [("1", true), ("true", true), ("0", false), ("false", false), ("", false)] {
        assert_eq!(settings(&[("PERF_DRY_RUN", value)]).unwrap().dry_run.is_some(), on, "{value}");
        assert_eq!(settings(&[(EXACT_ARRIVALS, value)]).unwrap().exact_arrivals, on, "{value}");
    }
}

#[test]
fn debug_output_of_settings_holds_no_secrets() {
    let urls = [REMOTE_WRITE, PROMETHEUS].map(|name| (name, "http://user:S3cr3t@127.0.0.1:9/x?key=S3cr3t"));
    let given = [
        &urls[..],
        &[
            (TARGET, "http://user:S3cr3t@127.0.0.1:9/x"),
            ("PERF_PROXY", "http://user:S3cr3t@127.0.0.1:9"),
            (RW_HTTP_HEADERS, "X-Key:S3cr3t"),
            (RW_CLIENT_CERTIFICATE_KEY, ""),
        ],
    ]
    .concat();
    let shown = format!("{:?}", settings(&given).unwrap());
    assert!(shown.contains("127.0.0.1") && !shown.contains("S3cr3t"), "{shown}");
}

#[test]
fn defaults_are_those_of_k6() {
    let settings = settings(&[]).unwrap();
    assert_eq!(settings.push_interval, Duration::from_secs(5));
    assert_eq!(settings.target.as_str(), "http://127.0.0.1:8000/");
    assert_eq!(settings.query_url(), None);
}

#[test]
fn queries_go_to_the_stores_origin_by_default() {
    let store = (REMOTE_WRITE, "http://store:9009/api/v1/push?x=1");
    assert_eq!(settings(&[store]).unwrap().query_url().unwrap().as_str(), "http://store:9009/");
    let both = settings(&[store, (PROMETHEUS, "http://query:1/prometheus")]).unwrap();
    assert_eq!(both.query_url().unwrap().as_str(), "http://query:1/prometheus");
}

#[test]
fn an_invalid_value_is_rejected_by_name() {
    for (name, value) in [
        (VUS, "0"),
        (VUS, "50001"),
        (VUS, "ten"),
        (DURATION, "0s"),
        (DURATION, "30"),
        (DURATION, "9000d"),
        (ITERATIONS, "0"),
        ("PERF_SEED", "-1"),
        (TARGET, "localhost:8000"),
        (TARGET, "ftp://x"),
        (TARGET, "http://"),
        (PUSH_INTERVAL, "0s"),
    ] {
        let error = settings(&[(name, value)]).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(value), "{name}={value}: {error}");
    }
    assert!(settings(&[("PERF_TAGS", "le=1")]).is_err());
    assert!(settings(&[(TESTID, "../x")]).is_err());
    assert!(settings(&[(TESTID, "latest")]).is_err());
    assert!(settings(&[(TESTID, &"x".repeat(100))]).is_ok());
    let long = settings(&[(TESTID, &"x".repeat(300))]).unwrap_err().to_string();
    assert_eq!(long, "PERF_TESTID: a testid of 300 characters is too long: use at most 100");
    assert!(settings(&[(ITERATIONS, "5"), (VUS, "6")]).is_err());
}

#[test]
fn a_push_interval_that_empties_the_dashboards_is_rejected() {
    for interval in ["10s", "30s", "1m"] {
        let error = settings(&[(PUSH_INTERVAL, interval)]).unwrap_err().to_string();
        let reason = format!("{PUSH_INTERVAL}: {interval:?} is longer than 9s: the dashboards show rates over 20s");
        assert!(error.starts_with(&reason) && error.ends_with("use 9s or less"), "{error}");
    }
    assert!(settings(&[(PUSH_INTERVAL, "9s")]).is_ok());
}

#[test]
fn a_message_does_not_repeat_a_password() {
    for wrong in
        ["ftp://me:secret@x", "me:secret@x/api", "https//me:secret@x", "x:1/a?token=secret", "ftp://x?secret@y"]
    {
        let error = settings(&[(TARGET, wrong)]).unwrap_err().to_string();
        assert!(!error.contains("secret") && error.contains('x'), "{error}");
    }
    assert_eq!(shown_url(&Url::parse("http://me:secret@x:1/a?token=b").unwrap()), "http://x:1/a");
}

/// For each setting, under its first variable: a valid text that is not the default, and a text
/// that is not valid. The second is empty for switches, names and files, which accept any text.
const TEXTS: &[(&str, &str, &str)] = &[
    (TARGET, "http://user:pass@127.0.0.1:9/x", "localhost"),
    (METRICS_TOKEN, "t0p", "t0p\u{7f}"),
    ("PERF_TAGS", "team=trading\nbuild=7", "le=1"),
    (TESTID, "a-run", "../x"),
    ("PERF_SEED", "18446744073709551615", "-1"),
    (PROMETHEUS, "http://127.0.0.1:9090", "nowhere"),
    (NATIVE_HISTOGRAMS, "true", ""),
    (OUT, "reports", ""),
    (FOLDER, "target/second", ""),
    (QUIET, "1", ""),
    (VUS, "5", "0"),
    (DURATION, "1m30s", "0s"),
    (ITERATIONS, "50", "0"),
    (STAGES, "1m:10,0:20,30s:0", "1m"),
    (RATE, "200/10s", "0/s"),
    (MAX_VUS_OF_RATE, "9", "50001"),
    (WARM_UP, "3s", "soon"),
    (AGENTS, "4", "0"),
    (LISTEN, "10.0.0.5:7070", "0.0.0.0"),
    (LISTEN_CERTIFICATE, "coordinator.pem", ""),
    (SHARD, "2/3", "4/3"),
    (START_AT, "2026-11-29T12:00:00Z", "noon"),
    ("PERF_PART", "readers", ""),
    ("PERF_SETUP_TIMEOUT", "2m", "0s"),
    ("PERF_TEARDOWN_TIMEOUT", "10s", "soon"),
    (EXACT_ARRIVALS, "1", ""),
    (SMOKE, "1", ""),
    ("PERF_DRY_RUN", "1", ""),
    ("PERF_REPLAY", "report.json", ""),
    ("K6_RPS", "500", "0"),
    ("K6_NO_CONNECTION_REUSE", "1", ""),
    ("K6_INSECURE_SKIP_TLS_VERIFY", "1", ""),
    ("PERF_CA_CERTIFICATE", "ca.pem", ""),
    ("PERF_CLIENT_CERTIFICATE", "me.pem", ""),
    ("PERF_CLIENT_KEY", "me.key", ""),
    ("K6_USER_AGENT", "agent/1", "\u{7f}"),
    ("K6_MAX_REDIRECTS", "10", "101"),
    ("PERF_REQUEST_TIMEOUT", "1ms", "0s"),
    ("PERF_HOST_HEADER", "shop.example:81", "a b"),
    ("PERF_SNI", "shop.example", "a/b"),
    ("PERF_HTTP1", "1", ""),
    ("PERF_HTTP2", "1", ""),
    ("PERF_COMPRESSION", "1", ""),
    ("K6_NO_COOKIES_RESET", "true", ""),
    ("PERF_MAX_BODY", "70MiB", "1.5MB"),
    ("PERF_MAX_HEAD", "1MiB", "1kB"),
    (ALLOW_TARGET, "example.com,example.org", ""),
    (REMOTE_WRITE, "https://user:pass@store/api/v1/push?x=1", "ftp://x"),
    (PUSH_INTERVAL, "1s", "400ms"),
    (RW_USERNAME, "me", ""),
    (RW_PASSWORD, "p@ss", ""),
    (RW_HTTP_HEADERS, "X-Scope-OrgID: team:1, a: b", "a"),
    (RW_HEADERS, "c:d\ne:f,g", "host:x"),
    (RW_BEARER_TOKEN, "t0p", "t0p\n"),
    (RW_CLIENT_CERTIFICATE, "c.pem", ""),
    (RW_CLIENT_CERTIFICATE_KEY, "k.pem", ""),
    ("K6_PROMETHEUS_RW_INSECURE_SKIP_TLS_VERIFY", "1", ""),
    ("PERF_STORE_CA_CERTIFICATE", "store.pem", ""),
    ("K6_PROMETHEUS_RW_TLS_MIN_VERSION", "1.3", "1.4"),
    ("HTTP_PROXY", "http://proxy:3128", ""),
    ("HTTPS_PROXY", "http://user:pass@proxy:3128", ""),
    ("PERF_PROXY", "http://user:pass@proxy:3128", "https://proxy"),
    ("PERF_RESOLVE", "shop.test:80:10.0.0.1,10.0.0.2 *:443:[fd00::1]", "shop.test:80:here"),
    ("PERF_DNS_TTL", "1m", "2d"),
    ("ALL_PROXY", "proxy:3128", ""),
    ("NO_PROXY", "example.com,10.0.0.0/8", ""),
    ("K6_PROMETHEUS_RW_TREND_STATS", "p(95)", ""),
    ("K6_PROMETHEUS_RW_STALE_MARKERS", "false", ""),
    ("K6_PROMETHEUS_RW_SIGV4_REGION", "", "eu-1"),
];

/// A secret of agents that is long enough.
const TOKEN: &str = "0123456789abcdef";

/// Other settings that must be given with this one, so that it has an effect.
fn companions(variable: &str) -> &'static [(&'static str, &'static str)] {
    match variable {
        MAX_VUS_OF_RATE => &[(RATE, "1/s")],
        LISTEN => &[(AGENTS, "2"), (AGENT_TOKEN, TOKEN)],
        LISTEN_CERTIFICATE => &[(AGENTS, "2"), (LISTEN, "10.0.0.5:7070"), (AGENT_TOKEN, TOKEN)],
        START_AT => &[(SHARD, "2/3")],
        RW_USERNAME => &[(REMOTE_WRITE, "http://store")],
        RW_PASSWORD => &[(REMOTE_WRITE, "http://store"), (RW_USERNAME, "me")],
        SNI | CLIENT_CERTIFICATE | CLIENT_KEY => &[(TARGET, "https://shop.example")],
        RW_CLIENT_CERTIFICATE => &[(RW_CLIENT_CERTIFICATE_KEY, "k.pem")],
        RW_CLIENT_CERTIFICATE_KEY => &[(RW_CLIENT_CERTIFICATE, "c.pem")],
        _ => &[],
    }
}

/// The settings without the names by which they were given.
fn values(settings: Settings) -> Settings {
    Settings { names: SettingNames::default(), ..settings }
}

#[test]
fn every_setting_is_read_from_its_flag_and_its_variable() {
    for setting in all_settings() {
        let variable = setting.variables[0];
        let texts = TEXTS.iter().find(|(name, ..)| *name == variable);
        let (_, right, wrong) = texts.unwrap_or_else(|| panic!("{variable} has no row in TEXTS"));
        let read = |flags: &[(&str, String)], pairs: &[(&str, &str)]| {
            Settings::from_flags(flags, &|name| {
                let pair = pairs.iter().chain(companions(variable)).find(|(key, _)| *key == name);
                pair.map(|(_, value)| (*value).to_owned())
            })
        };
        if !right.is_empty() {
            let default = settings(companions(variable)).map(values);
            for name in setting.variables {
                let given = values(read(&[], &[(name, right)]).unwrap());
                assert!(default != Ok(given.clone()), "{name}={right} has no effect");
                if let Some(flag) = setting.flag {
                    let by_flag = values(read(&[(flag, (*right).to_owned())], &[(name, wrong)]).unwrap());
                    assert!(by_flag == given, "--{flag} and {name} differ");
                }
            }
        }
        if !wrong.is_empty() {
            for name in setting.variables {
                let error = read(&[], &[(name, wrong)]).unwrap_err().to_string();
                assert!(error.starts_with(&format!("{name}: ")), "{error}");
            }
            if let Some(flag) = setting.flag {
                let error = read(&[(flag, (*wrong).to_owned())], &[(variable, right)]).unwrap_err().to_string();
                assert!(error.starts_with(&format!("--{flag}: ")) && !error.contains(variable), "{error}");
            }
        }
    }
}

#[test]
fn a_mistyped_cluster_of_agents_names_both_forms() {
    let error = settings(&[(AGENTS, "kubernets:3")]).unwrap_err().to_string();
    assert!(error.contains("such as 4, or of pods such as kubernetes:8"), "{error}");
}

#[test]
fn every_setting_survives_json() {
    let crosses = |given: &Settings| {
        let read = Settings::from_json(&serde_json::to_string(given).unwrap()).unwrap();
        assert!(read == *given, "{given:?} became {read:?}");
    };
    for (variable, text, _) in TEXTS.iter().filter(|(_, text, _)| !text.is_empty()) {
        crosses(&settings(&[&[(*variable, *text)], companions(variable)].concat()).unwrap());
    }
    let exclude_each_other = [
        ITERATIONS,
        STAGES,
        RATE,
        MAX_VUS_OF_RATE,
        REPLAY,
        RW_BEARER_TOKEN,
        SMOKE,
        SHARD,
        START_AT,
        CA_CERTIFICATE,
        HTTP1,
    ];
    let together = TEXTS.iter().filter(|(name, text, _)| !text.is_empty() && !exclude_each_other.contains(name));
    let token = [(AGENT_TOKEN, TOKEN)];
    let mut all = settings(&together.map(|(name, text, _)| (*name, *text)).chain(token).collect::<Vec<_>>()).unwrap();
    (all.outcome, all.revision, all.command) =
        (Some(OutcomePlace::File("outcome".into())), Revision::parse("abc-dirty"), "perf -q".to_owned());
    crosses(&all);
}

#[test]
fn foreign_json_is_rejected_and_not_repeated() {
    for text in ["", "S3cr3t", r#"{"target":"S3cr3t"}"#, r#"{"seed":"S3cr3t"}"#] {
        let error = Settings::from_json(text).err().unwrap().to_string();
        assert!(error.contains(SETTINGS_JSON) && !error.contains("S3cr3t"), "{error}");
    }
}

#[test]
fn a_flag_for_the_load_hides_every_variable_for_it() {
    let variables = [(ITERATIONS, "50"), (STAGES, "1m:5"), (VUS, "3")];
    let lookup = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, text)| (*text).to_owned());
    let load = Settings::from_flags(&[("duration", "5s".to_owned())], &lookup).unwrap().load;
    assert_eq!(load, LoadOverride { duration: Some(Duration::from_secs(5)), vus: Some(3), ..LoadOverride::default() });
}

#[test]
fn a_contradiction_names_the_flags_or_variables_as_typed() {
    let most = [(MAX_VUS_OF_RATE, "5")];
    assert!(settings(&most).unwrap_err().to_string().starts_with(MAX_VUS_OF_RATE));
    let flag = Settings::from_flags(&[("max-vus", "5".to_owned())], &|_| None);
    assert!(flag.unwrap_err().to_string().starts_with("--max-vus"));
    let few = settings(&[(RATE, "1/s"), (MAX_VUS_OF_RATE, "5"), (VUS, "6")]).unwrap_err().to_string();
    assert_eq!(few, format!("{MAX_VUS_OF_RATE} 5 is less than {VUS} 6: raise {MAX_VUS_OF_RATE}"));
    let flags = [("stage", "1m:5".to_owned()), ("duration", "5s".to_owned())];
    let stages = Settings::from_flags(&flags, &|_| None).unwrap_err().to_string();
    assert_eq!(stages, "--stage and --duration exclude each other, because stages have durations: remove one");
    let rate = settings(&[(RATE, "1/s"), (ITERATIONS, "5")]).unwrap_err().to_string();
    assert_eq!(rate, format!("{RATE} and {ITERATIONS} exclude each other: remove one"));
}

#[test]
fn settings_exclude_each_other_however_they_are_given() {
    for setting in all_settings().filter(|setting| setting.excludes.is_some()) {
        let other = all_settings().find(|other| other.flag == setting.excludes).unwrap();
        let text_of = |it: &Setting| TEXTS.iter().find(|(name, ..)| *name == it.variables[0]).unwrap().1.to_owned();
        let pairs = [setting, other].map(|it| (it.variables[0], text_of(it)));
        let lookup = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, text)| text.clone());
        let by_variables = Settings::from_lookup(&lookup).unwrap_err().to_string();
        assert!(pairs.iter().all(|(name, _)| by_variables.contains(name)), "{by_variables}");
        let flag = [(setting.flag.unwrap(), text_of(setting))];
        let mixed = Settings::from_flags(&flag, &lookup).unwrap_err().to_string();
        assert!(mixed.contains(&format!("--{}", flag[0].0)) && mixed.contains(pairs[1].0), "{mixed}");
    }
    assert!(settings(&[(HTTP1, "1"), (HTTP2, "0")]).is_ok());
}

#[test]
fn settings_of_tls_are_reported_for_targets_without_tls() {
    let targets = "http://me:secret@main:81 auth=https://auth app=unix:/run/app.sock";
    let given = [(TARGET, targets), (SNI, "a.test\nauth=b.test\napp=c.test"), (CLIENT_CERTIFICATE, "auth=c.pem")];
    let ignored = settings(&given).unwrap().ignored;
    let expected =
        ["http://main:81", "unix:/run/app.sock"].map(|url| format!("{SNI} has no effect on {url}, which has no TLS"));
    assert_eq!(ignored, expected);
    let flags = [("sni", "a.test".to_owned()), ("client-key", "k.pem".to_owned())];
    let ignored = Settings::from_flags(&flags, &|_| None).unwrap().ignored;
    let [sni, key] = &*ignored else { panic!("{ignored:?}") };
    assert!(
        sni.starts_with("--sni has no effect on ") && key.starts_with("--client-key has no effect on "),
        "{ignored:?}"
    );
    assert!(settings(&[(TARGET, "https://main"), (SNI, "a.test")]).unwrap().ignored.is_empty());
}

#[test]
fn advice_names_what_the_user_can_type() {
    for (given, by_variable, by_flag) in [
        (&[("max-vus", MAX_VUS_OF_RATE, "5")][..], "add PERF_RATE", "add --rate"),
        (&[("replay", REPLAY, "a.json"), ("vus", VUS, "5")], "such as K6_VUS", "such as --vus"),
        (&[("sni", SNI, "auth=a.test")], "add PERF_TARGET=auth=URL", "add --target auth=URL"),
        (
            &[("agents", AGENTS, "kubernetes:2"), ("listen", LISTEN, "127.0.0.1:1")],
            "or kubernetes: of PERF_AGENTS",
            "or kubernetes: of --agents",
        ),
        (
            &[("shard", SHARD, "1/2"), ("prometheus-url", PROMETHEUS, "http://p:1")],
            "remove PERF_PROMETHEUS_URL",
            "remove --prometheus-url",
        ),
    ] {
        let variables: Vec<_> = given.iter().map(|(_, variable, text)| (*variable, *text)).collect();
        let message = settings(&variables).unwrap_err().to_string();
        assert!(message.contains(by_variable), "{message}");
        let flags: Vec<_> = given.iter().map(|(flag, _, text)| (*flag, (*text).to_owned())).collect();
        let message = Settings::from_flags(&flags, &|_| None).unwrap_err().to_string();
        assert!(message.contains(by_flag), "{message}");
    }
}

#[test]
fn the_folder_of_state_is_beside_cargos_output() {
    let folder = |given: &[(&str, &str)]| settings(given).unwrap().folder;
    assert_eq!(folder(&[]), Path::new("target/perf"));
    assert_eq!(folder(&[("CARGO_TARGET_DIR", "/built")]), Path::new("/built/perf"));
    assert_eq!(folder(&[("CARGO_TARGET_DIR", "/built"), (FOLDER, "second")]), Path::new("second"));
}
