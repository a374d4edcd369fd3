//! Runs with each kind of store: a real Prometheus, and Prometheus behind a server that behaves as
//! the documents of another store say.

mod imitation;

use imitation::{Behavior, Imitation};

use crate::real::{Prometheus, get, out, report, run, write_row, xtask};

/// A kind of store, as a user configures it.
struct StoreKind {
    name: &'static str,
    /// The path of the remote-write receiver.
    push: &'static str,
    /// The path before `/api/v1/query`.
    queries: &'static str,
    /// The text of the table about the configuration.
    needs: &'static str,
    /// The behavior that is imitated, in words; empty for the real program.
    imitated: &'static str,
    behavior: Behavior,
    /// The credentials that the behavior requires.
    settings: &'static [(&'static str, &'static str)],
}

const TENANT: &[(&str, &str)] = &[("K6_PROMETHEUS_RW_HTTP_HEADERS", "X-Scope-OrgID:load-tests")];
const LOGIN: &[(&str, &str)] = &[("K6_PROMETHEUS_RW_USERNAME", "12345"), ("K6_PROMETHEUS_RW_PASSWORD", "token")];

const STORES: &[StoreKind] = &[
    StoreKind {
        name: "Prometheus",
        push: "/api/v1/write",
        queries: "",
        needs: "`--web.enable-remote-write-receiver`",
        imitated: "",
        behavior: Behavior::NONE,
        settings: &[],
    },
    StoreKind {
        name: "VictoriaMetrics",
        push: "/api/v1/write",
        queries: "",
        needs: "nothing (1)",
        imitated: "responds as of 30 s ago, and repeats the values of 30 s ago in ranges",
        behavior: Behavior { latency_offset_s: 30, ..Behavior::NONE },
        settings: &[],
    },
    StoreKind {
        name: "Mimir",
        push: "/api/v1/push",
        queries: "/prometheus",
        needs: "a tenant (2)",
        imitated: "requires a tenant; accepts remote write 2.0 and stores nothing of it",
        behavior: Behavior {
            header: Some(("x-scope-orgid", "load-tests")),
            response_to_v2: Some(200),
            ..Behavior::NONE
        },
        settings: TENANT,
    },
    StoreKind {
        name: "Cortex",
        push: "/api/v1/push",
        queries: "/prometheus",
        needs: "a tenant (2)",
        imitated: "requires a tenant; responds to remote write 2.0 with 400",
        behavior: Behavior {
            header: Some(("x-scope-orgid", "load-tests")),
            response_to_v2: Some(400),
            ..Behavior::NONE
        },
        settings: TENANT,
    },
    StoreKind {
        name: "Grafana Cloud",
        push: "/api/prom/push",
        queries: "/api/prom",
        needs: "user and token",
        imitated: "requires user and token; responds to every third push with 429 and `Retry-After: 1`",
        behavior: Behavior {
            // Base64 of `12345:token`.
            header: Some(("authorization", "Basic MTIzNDU6dG9rZW4=")),
            response_to_v2: Some(415),
            limits_pushes: true,
            ..Behavior::NONE
        },
        settings: LOGIN,
    },
    StoreKind {
        name: "Thanos Receive",
        push: "/api/v1/receive",
        queries: "",
        needs: "`--prometheus-url` of Thanos Query",
        imitated: "responds to queries at another port; responds to remote write 2.0 with 415",
        behavior: Behavior { response_to_v2: Some(415), has_own_query_port: true, ..Behavior::NONE },
        settings: &[],
    },
    StoreKind {
        name: "GreptimeDB",
        push: "/v1/prometheus/write?db=public",
        queries: "/v1/prometheus",
        needs: "nothing",
        imitated: "has other paths; responds to remote write 2.0 with 400",
        behavior: Behavior { response_to_v2: Some(400), ..Behavior::NONE },
        settings: &[],
    },
];

fn check_store(kind: &StoreKind) {
    let name = kind.name.to_lowercase().replace(' ', "-");
    let prometheus = Prometheus::start(&format!("store-{name}"), &["--web.enable-remote-write-receiver"]);
    let imitation = Imitation::start(kind.behavior, prometheus.url.clone(), kind.push, kind.queries);
    let is_real = kind.imitated.is_empty();
    let [push, queries] = if is_real { [&prometheus.url; 2] } else { [&imitation.push_url, &imitation.query_url] };
    let out = out(&format!("store-{name}-out"));
    let mut command = xtask(&["perf", "-q", "-u", "10", "-d", "6s"]);
    command.args(["--prometheus-url", &format!("{queries}{}", kind.queries), "--out", out.to_str().unwrap()]);
    command.env("K6_PROMETHEUS_RW_SERVER_URL", format!("{push}{}", kind.push));
    command.env("K6_PROMETHEUS_RW_PUSH_INTERVAL", "1s").envs(kind.settings.iter().copied());
    let output = run(&mut command);
    assert_eq!(output.code, 0, "{}: {}", kind.name, output.text);
    let store = report(&out).run.store.unwrap();
    assert_eq!((store.complete, store.agrees), (true, Some(true)), "{}: {}", kind.name, output.text);
    let proof = std::fs::read_to_string(out.join("latest/proof.json")).unwrap();
    let proof: serde_json::Value = serde_json::from_str(&proof).unwrap();
    let outcome = |name: &str| {
        let check = proof["checks"].as_array().unwrap().iter().find(|check| check["name"] == name);
        check.unwrap_or_else(|| panic!("{}: {proof}", kind.name))["outcome"].as_str().unwrap().to_owned()
    };
    let checks = ["queries", "delivery", "same counts"].map(|name| format!("{name}: {}", outcome(name)));
    assert!(checks.iter().all(|check| check.ends_with(": shown")), "{}: {checks:?} {}", kind.name, output.text);
    // Queries about ranges may be empty after a run of a few pushes. Here one is, and 55 are if the
    // store hides the last 30 s.
    let excused = proof["checks"][0]["excused"].to_string();
    let empty = excused.matches("a run with only a few pushes").count();
    assert!(empty < 10, "{}: {empty} ranges are empty: {excused}", kind.name);
    imitation.check_that_it_behaved(kind.name);
    let tested = if is_real { "run".to_owned() } else { format!("imitated: {}", kind.imitated) };
    let queries = if kind.queries.is_empty() { "/" } else { kind.queries };
    let row = format!(
        "| {} | `{}` | `{queries}` | {} | {tested} | {} | = sent |\n",
        kind.name, kind.push, kind.needs, output.code
    );
    write_row("store-rows", kind.name, &row);
}

#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn a_run_is_proved_with_each_kind_of_store() {
    for kind in STORES {
        check_store(kind);
    }
}

#[test]
#[ignore = "needs a prometheus on PATH: run with cargo xtask ci"]
fn an_imitated_latency_offset_hides_the_last_thirty_seconds() {
    let prometheus = Prometheus::start("store-offset", &[]);
    let behavior = Behavior { latency_offset_s: 30, ..Behavior::NONE };
    let imitation = Imitation::start(behavior, prometheus.url.clone(), "/api/v1/write", "");
    let url = &imitation.query_url;
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let last = |path: &str| {
        let text = get(&format!("{url}/api/v1/{path}")).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let result = &value["data"]["result"][0];
        let point = result["values"].as_array().map_or(&result["value"], |points| points.last().unwrap()).clone();
        point[1].as_str().unwrap().parse::<f64>().unwrap()
    };
    let instant = format!("query?query=vector(time())&time={now}");
    let range = format!("query_range?query=vector(time())&start={}&end={now}&step=1", now - 60);
    // An instant query needs either parameter. A range query needs the offset.
    for (query, is_late) in [
        (instant.clone(), true),
        (format!("{instant}&nocache=1"), false),
        (range.clone(), true),
        (format!("{range}&nocache=1"), true),
        (format!("{range}&nocache=1&latency_offset=0.001"), false),
    ] {
        let age = now as f64 - last(&query);
        assert_eq!(age > 25.0, is_late, "{query}: {age} s");
    }
}
