//! Runs with each kind of store: Prometheus, VictoriaMetrics, and Prometheus behind a server that
//! behaves as the documents of another store say.

mod imitation;
mod victoria_metrics;

use imitation::{Behavior, Imitation};
use victoria_metrics::VictoriaMetrics;

use crate::real::{out, prometheus, report, run, write_row, xtask};

/// A kind of store, as a user configures it.
struct StoreKind {
    name: &'static str,
    /// The path of the remote-write receiver.
    push: &'static str,
    /// The path before `/api/v1/query`.
    queries: &'static str,
    /// The text of the table about the configuration.
    needs: &'static str,
    program: StoreProgram,
    /// The credentials that the store requires.
    settings: &'static [(&'static str, &'static str)],
}

/// The program that is tested as a store.
#[derive(Clone, Copy)]
enum StoreProgram {
    Prometheus,
    VictoriaMetrics,
    /// Prometheus behind a server that behaves like the store; also the behavior in words.
    Imitation(&'static str, Behavior),
}

const TENANT: &[(&str, &str)] = &[("K6_PROMETHEUS_RW_HTTP_HEADERS", "X-Scope-OrgID:load-tests")];
const LOGIN: &[(&str, &str)] = &[("K6_PROMETHEUS_RW_USERNAME", "12345"), ("K6_PROMETHEUS_RW_PASSWORD", "token")];

const STORES: &[StoreKind] = &[
    StoreKind {
        name: "Prometheus",
        push: "/api/v1/write",
        queries: "",
        needs: "`--web.enable-remote-write-receiver`",
        program: StoreProgram::Prometheus,
        settings: &[],
    },
    StoreKind {
        name: "VictoriaMetrics",
        push: "/api/v1/write",
        queries: "",
        needs: "nothing (1)",
        program: StoreProgram::VictoriaMetrics,
        settings: &[],
    },
    StoreKind {
        name: "Mimir",
        push: "/api/v1/push",
        queries: "/prometheus",
        needs: "a tenant (2)",
        program: StoreProgram::Imitation(
            "requires a tenant; accepts remote write 2.0 and stores nothing of it",
            Behavior { header: Some(("x-scope-orgid", "load-tests")), response_to_v2: Some(200), ..Behavior::NONE },
        ),
        settings: TENANT,
    },
    StoreKind {
        name: "Cortex",
        push: "/api/v1/push",
        queries: "/prometheus",
        needs: "a tenant (2)",
        program: StoreProgram::Imitation(
            "requires a tenant; responds to remote write 2.0 with 400",
            Behavior { header: Some(("x-scope-orgid", "load-tests")), response_to_v2: Some(400), ..Behavior::NONE },
        ),
        settings: TENANT,
    },
    StoreKind {
        name: "Grafana Cloud",
        push: "/api/prom/push",
        queries: "/api/prom",
        needs: "user and token",
        program: StoreProgram::Imitation(
            "requires user and token; limits pushes and queries: 429 for every third push (`Retry-After: 1`) and every twentieth query",
            Behavior {
                // Base64 of `12345:token`.
                header: Some(("authorization", "Basic MTIzNDU6dG9rZW4=")),
                response_to_v2: Some(415),
                limits_requests: true,
                ..Behavior::NONE
            },
        ),
        settings: LOGIN,
    },
    StoreKind {
        name: "Thanos Receive",
        push: "/api/v1/receive",
        queries: "",
        needs: "`--prometheus-url` of Thanos Query",
        program: StoreProgram::Imitation(
            "responds to queries at another port; responds to remote write 2.0 with 415",
            Behavior { response_to_v2: Some(415), has_own_query_port: true, ..Behavior::NONE },
        ),
        settings: &[],
    },
    StoreKind {
        name: "GreptimeDB",
        push: "/v1/prometheus/write?db=public",
        queries: "/v1/prometheus",
        needs: "nothing",
        program: StoreProgram::Imitation(
            "has other paths; responds to remote write 2.0 with 400",
            Behavior { response_to_v2: Some(400), ..Behavior::NONE },
        ),
        settings: &[],
    },
];

/// Starts the store and checks a run with it.
fn check_store(kind: &StoreKind) {
    let name = format!("store-{}", kind.name.to_lowercase().replace(' ', "-"));
    let start_prometheus = || prometheus(&name, &["--web.enable-remote-write-receiver"]);
    match kind.program {
        StoreProgram::Prometheus => check_run(kind, [&start_prometheus().url; 2], "run"),
        StoreProgram::VictoriaMetrics => check_run(kind, [&VictoriaMetrics::start(&name).url; 2], "run"),
        StoreProgram::Imitation(description, behavior) => {
            let prometheus = start_prometheus();
            let imitation = Imitation::start(behavior, prometheus.url.clone(), kind.push, kind.queries);
            check_run(kind, [&imitation.push_url, &imitation.query_url], &format!("imitated: {description}"));
            imitation.check_that_it_behaved(kind.name);
        }
    }
}

/// Checks a run with a store, which accepts pushes at the first URL and queries at the second.
fn check_run(kind: &StoreKind, [push, queries]: [&String; 2], tested: &str) {
    let out = out(&format!("store-{}-out", kind.name.to_lowercase().replace(' ', "-")));
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
    let empty = excused.matches("too few pushes have values").count();
    assert!(empty < 10, "{}: {empty} ranges are empty: {excused}", kind.name);
    let queries = if kind.queries.is_empty() { "/" } else { kind.queries };
    let row = format!(
        "| {} | `{}` | `{queries}` | {} | {tested} | {} | = sent |\n",
        kind.name, kind.push, kind.needs, output.code
    );
    write_row("store-rows", kind.name, &row);
}

#[test]
#[ignore = "needs prometheus and victoria-metrics on PATH: run with cargo xtask ci"]
fn a_run_is_proved_with_each_kind_of_store() {
    for kind in STORES {
        check_store(kind);
    }
}
