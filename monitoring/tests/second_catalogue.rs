//! Rules of a second service: no code of this crate depends on the first one.

use std::collections::BTreeSet;
use std::time::Duration;

use monitoring::backend_mapping::BackendMapping;
use monitoring::backend_slo::{Amount, BackendSlo, Cache};
use monitoring::catalogue::{Catalogue, CatalogueError};
use monitoring::endpoint::{Endpoint, Host, Method};
use monitoring::measure::{self, Limit, Measure};
use monitoring::phase::{Phase, Phases};
use monitoring::prometheus::recording_rules::Timing;
use monitoring::prometheus::{alerts, recording_rules};
use monitoring::ratio::Ratio;
use monitoring::segment::MAX_TAGS;
use monitoring::slo::{ObjectiveFlaw, Slo};
use monitoring::{generated_files, services};

const PING: Endpoint = Endpoint::new("ping", "Ping", Method::Get, "/ping");
const ECHO: Catalogue = Catalogue {
    service: "echo",
    title: "Echo",
    endpoints: &[PING],
    critical: &[PING],
    slos: &[Slo::latency(PING, Ratio::ppm(999_000), Duration::from_micros(2_500))],
    measures: &[],
    mapping: BackendMapping::FASTAPI,
    backend_slos: &[],
    caches: &[],
};

const QUEUE: Measure = Measure::trend("queue_length", "Queue length");
const HITS: Measure = Measure::rate("hits", "Cache hits");

const ORDERS: Measure = Measure::counter("orders", "Orders");
const ROOMS: Measure = Measure::gauge("rooms", "Open rooms");

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Several objectives on each metric of one endpoint.
const SEVERAL: Catalogue = Catalogue {
    slos: &[
        Slo::latency(PING, Ratio::percent(50), Duration::from_millis(100)),
        Slo::p95(PING, Duration::from_millis(300)),
        Slo::p95(PING, Duration::from_millis(500)),
        Slo::latency(PING, Ratio::percent(99), Duration::from_secs(1)),
        Slo::latency(PING, Ratio::ppm(999_000), Duration::from_micros(2_500)),
        Slo::p95(PING, Duration::from_millis(300)).judging(Phases::only(&[Phase::Steady])),
        Slo::p95(PING, Duration::from_millis(300)).in_part("read-only"),
        Slo::p95(PING, Duration::from_millis(300)).in_segment("day", 7),
        Slo::p95(PING, Duration::from_millis(300)).in_tag("room", "large"),
        Slo::response_time(PING, Ratio::percent(95), Duration::from_millis(300)),
        Slo::response_time(PING, Ratio::percent(99), Duration::from_millis(300)),
        Slo::connecting(PING, Ratio::percent(95), Duration::from_millis(50)),
        Slo::with_connecting(PING, Ratio::percent(95), Duration::from_millis(350)),
        Slo::first_byte(PING, Ratio::percent(95), Duration::from_millis(200)),
        Slo::success_above(PING, Ratio::percent(95)),
        Slo::success_above(PING, Ratio::percent(99)).warn(),
        Slo::errors_below(Ratio::percent(1)),
        Slo::errors_below(Ratio::percent(1)).in_segment("day", 7),
        Slo::success_above(PING, Ratio::percent(95)).in_part("read-only"),
        Slo::check_above("room is open", Ratio::percent(95)).in_segment("day", 7),
        Slo::check_above("room is open", Ratio::percent(95)),
        Slo::errors_below(Ratio::ppm(1_000)).warn(),
        Slo::throughput(PING, 50),
        Slo::throughput(PING, 80).warn(),
        Slo::total_throughput(50),
        Slo::trend(QUEUE, Ratio::percent(95), 25),
        Slo::trend(QUEUE, Ratio::percent(99), 60),
        Slo::rate_above(HITS, Ratio::percent(90)),
        Slo::counter(ORDERS, Limit::AtMost(5)),
        Slo::counter(ORDERS, Limit::AtLeast(5)),
        Slo::counter_per_second(ORDERS, Limit::AtLeast(5)).in_part("read-only"),
        Slo::counter_per_second(ORDERS, Limit::AtMost(9)),
        Slo::gauge(ROOMS, Limit::AtMost(5)),
        Slo::gauge(ROOMS, Limit::AtLeast(1)),
    ],
    measures: &[QUEUE, HITS, ORDERS, ROOMS],
    ..ECHO
};

#[test]
fn rules_cover_only_the_endpoints_and_objectives_of_their_catalogue() {
    assert_eq!(ECHO.validate(), Ok(()));
    let outline = recording_rules::outline(&recording_rules::recording_rules(&ECHO, &Timing::USUAL));
    insta::assert_snapshot!(outline);
    for endpoint in services::ALL.iter().flat_map(|catalogue| catalogue.endpoints) {
        assert!(!outline.contains(endpoint.name), "{outline}");
    }
}

/// IDs, rules and alerts of a catalogue, and the PromQL of all rules and alerts.
fn names_and_queries(catalogue: &Catalogue) -> (Vec<String>, Vec<String>) {
    let rules = recording_rules::recording_rules(catalogue, &Timing::USUAL);
    let alerts = alerts::alerts(catalogue, &Timing::USUAL);
    let (mut names, mut queries): (Vec<_>, Vec<_>) =
        rules.groups.into_iter().flat_map(|group| group.rules).map(|rule| (rule.record, rule.expr.to_string())).unzip();
    for rule in alerts.groups.into_iter().flat_map(|group| group.rules) {
        names.push(rule.alert);
        queries.push(rule.expr.to_string());
    }
    names.extend(catalogue.slos.iter().map(|slo| catalogue.slo_id(slo)));
    (names, queries)
}

#[test]
fn each_of_several_objectives_has_its_own_id_rule_and_alert() {
    assert_eq!(SEVERAL.validate(), Ok(()));
    let (names, queries) = names_and_queries(&SEVERAL);
    insta::assert_snapshot!(names.join("\n"));
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    for query in &queries {
        assert!(promql_parser::parser::parse(query).is_ok(), "{query}");
    }
    assert!(queries.iter().any(|query| query.contains(r#"le="300.0",phase!="warmup",scenario="read-only"}"#)));
    let by_id = |id: &str| SEVERAL.slo(id).map(Slo::describe);
    assert_eq!(by_id("ping_latency").as_deref(), Some("p95 <= 300 ms"));
    assert_eq!(by_id("ping_latency:p99_under_1000ms").as_deref(), Some("p99 <= 1000 ms"));
    assert_eq!(SEVERAL.latency_slo(&PING).map(Slo::describe).as_deref(), Some("p95 <= 300 ms"));
}

#[test]
fn the_same_limit_twice_is_refused_with_its_place() {
    const TWICE: Catalogue = Catalogue {
        slos: &[Slo::p95(PING, Duration::from_millis(300)), Slo::p95(PING, Duration::from_millis(300)).warn()],
        ..ECHO
    };
    assert_eq!(TWICE.validate(), Err(CatalogueError::SameLimit("ping", "p95 <= 300 ms".to_owned())));
    let refused = generated_files::files(&[&TWICE], &Timing::USUAL).unwrap_err().to_string();
    const RULE_TWICE: Catalogue = Catalogue {
        slos: &[Slo::check_above("is-open", Ratio::percent(95)), Slo::check_above("is open", Ratio::percent(95))],
        ..ECHO
    };
    assert!(matches!(RULE_TWICE.validate(), Err(CatalogueError::SameLimit("is open", _))));
    for part in ["echo", "monitoring/src/services/", "ping", "\"p95 <= 300 ms\" twice"] {
        assert!(refused.contains(part), "{refused}");
    }
}

#[test]
fn each_threshold_of_a_span_is_a_bucket_bound() {
    for bound in [MS(50), MS(100), MS(200), MS(300), MS(350), MS(500), MS(1_000), Duration::from_micros(2_500)] {
        assert!(SEVERAL.bucket_bounds().contains(&bound), "{bound:?}");
    }
}

#[test]
fn names_that_series_or_rules_have_already_are_refused() {
    for name in ["all", "http_req", "measure_ping", "segment_ping"] {
        let endpoints = vec![Endpoint::new(name, "Ping", Method::Get, "/ping")].leak();
        let endpoint = Catalogue { endpoints, critical: &[], slos: &[], ..ECHO };
        assert_eq!(endpoint.validate(), Err(CatalogueError::Reserved(name)));
        let measures = vec![Measure::counter(name, "Pings")].leak();
        assert_eq!(Catalogue { measures, ..ECHO }.validate(), Err(CatalogueError::Reserved(name)));
    }
    const SAME: Catalogue = Catalogue { measures: &[Measure::counter("ping", "Pings")], ..ECHO };
    assert_eq!(SAME.validate(), Err(CatalogueError::Reserved("ping")));
}

#[test]
fn throughput_in_a_segment_is_refused() {
    const IN_SEGMENT: Catalogue = Catalogue { slos: &[Slo::throughput(PING, 5).in_segment("day", 7)], ..ECHO };
    let refused = IN_SEGMENT.validate().unwrap_err();
    assert_eq!(refused, CatalogueError::Segment("at least 5 requests/s in day 7".to_owned()));
    assert!(refused.to_string().contains("no planned time"), "{refused}");
}

#[test]
fn tags_that_cannot_be_judged_are_refused() {
    let validated = |slos: Vec<Slo>| Catalogue { slos: slos.leak(), ..ECHO }.validate();
    let errors = Slo::errors_below(Ratio::percent(1));
    for (name, value) in [("", "large"), ("room size", "large"), ("room", ""), ("room", "a\nb")] {
        let refused = validated(vec![errors.in_tag(name, value)]);
        assert!(matches!(refused, Err(CatalogueError::Segment(_))), "{name}={value}: {refused:?}");
    }
    let throughput = validated(vec![Slo::throughput(PING, 5).in_tag("room", "large")]);
    assert!(matches!(throughput, Err(CatalogueError::Segment(_))), "{throughput:?}");
    // It would have the text of a tag.
    let like_a_tag = validated(vec![errors.in_segment("room=large", 1)]);
    assert!(matches!(like_a_tag, Err(CatalogueError::Segment(_))), "{like_a_tag:?}");
    let many = |count: usize| (0..count).map(|room| errors.in_tag("room", room.to_string().leak())).collect();
    assert_eq!(validated(many(MAX_TAGS)), Ok(()));
    assert_eq!(validated(many(MAX_TAGS + 1)), Err(CatalogueError::TooManyTags(MAX_TAGS + 1)));
}

#[test]
fn an_objective_needs_a_declared_measure_of_its_kind() {
    const UNDECLARED: Catalogue = Catalogue { measures: &[QUEUE, ORDERS, ROOMS], ..SEVERAL };
    assert_eq!(UNDECLARED.validate(), Err(CatalogueError::Measure("hits")));
    const OTHER_KIND: Catalogue =
        Catalogue { slos: &[Slo::rate_above(QUEUE, Ratio::percent(90))], measures: &[QUEUE], ..ECHO };
    assert_eq!(OTHER_KIND.validate(), Err(CatalogueError::Measure("queue_length")));
    for slo in [Slo::counter(ROOMS, Limit::AtMost(5)), Slo::gauge(ORDERS, Limit::AtMost(5))] {
        let of_another = Catalogue { slos: Vec::leak(vec![slo]), ..SEVERAL };
        assert_eq!(of_another.validate(), Err(CatalogueError::Measure(slo.subject())));
    }
    assert!(SEVERAL.measure_bounds().contains(&measure::as_duration(25)));
}

#[test]
fn objectives_on_values_that_cannot_be_judged_are_refused() {
    let validated = |slo| Catalogue { slos: Vec::leak(vec![slo]), ..SEVERAL }.validate();
    let gauge = Slo::gauge(ROOMS, Limit::AtMost(5));
    assert_eq!(validated(gauge.in_segment("day", 7)), Err(CatalogueError::Gauge("value <= 5 in day 7".to_owned())));
    let steady = Phases::only(&[Phase::Steady]);
    assert_eq!(validated(gauge.judging(steady)), Err(CatalogueError::Gauge("value <= 5 in steady".to_owned())));
    let a_second = Slo::counter_per_second(ORDERS, Limit::AtLeast(5)).in_segment("day", 7);
    assert_eq!(validated(a_second), Err(CatalogueError::Segment("rate >= 5/s in day 7".to_owned())));
    assert!(matches!(
        validated(Slo::counter(ORDERS, Limit::AtLeast(0))),
        Err(CatalogueError::Vacuous(_, ObjectiveFlaw::Limit))
    ));
    assert_eq!(validated(Slo::counter(ORDERS, Limit::AtMost(0)).in_segment("day", 7).judging(steady)), Ok(()));
}

#[test]
fn the_flaw_of_an_objective_is_named_alone() {
    let above_all = Slo::latency(PING, Ratio::percent(101), MS(300));
    for (slo, flaw) in [
        (above_all, "its share must be above 0 % and below 100 %"),
        (Slo::errors_below(Ratio::percent(100)), "its share must be above 0 % and below 100 %"),
        (Slo::p95(PING, Duration::ZERO), "its limit must be above 0"),
        (Slo::throughput(PING, 0), "its limit must be above 0"),
        (Slo::p95(PING, MS(300)).judging(Phases::only(&[])), "it needs a phase"),
    ] {
        let error = Catalogue { slos: Vec::leak(vec![slo]), ..ECHO }.validate().unwrap_err().to_string();
        assert!(error.ends_with(&format!("cannot be judged: {flaw}")), "{error}");
    }
}

#[test]
fn an_objective_on_the_backend_may_allow_nothing_but_not_everything() {
    let validated = |slo| Catalogue { backend_slos: Vec::leak(vec![slo]), ..ECHO }.validate();
    assert_eq!(validated(BackendSlo::at_most("lost", "Lost", "messages_lost_total", Amount::Count(0))), Ok(()));
    let any = BackendSlo::at_least("sent", "Sent", "messages_sent_total", Amount::Count(0));
    assert!(matches!(validated(any), Err(CatalogueError::Vacuous(_, ObjectiveFlaw::Limit))));
}

#[test]
fn a_value_of_a_path_is_written_in_braces() {
    let validated = |path| {
        let endpoints: &'static [Endpoint] = Vec::leak(vec![Endpoint::new("ping", "Ping", Method::Get, path)]);
        Catalogue { endpoints, critical: &[], slos: &[], ..ECHO }.validate().map_err(|error| error.to_string())
    };
    for (path, segment, braces) in [
        ("/notes/:id", ":id", "{id}"),
        ("/notes/:id/pay?a=1", ":id", "{id}"),
        ("/notes/<int:note>", "<int:note>", "{note}"),
        ("/files/*", "*", "{id}"),
        ("/files/*path", "*path", "{path}"),
    ] {
        let error = validated(path).unwrap_err();
        assert!(
            error.contains(&format!("segment {segment:?}")) && error.contains(&format!("write {braces}")),
            "{error}"
        );
    }
    // A colon is common in paths of Google's APIs, and a query may contain anything.
    for path in ["/notes/{id}", "/notes/{id}:pay", "/notes:list", "/notes?limit=&sort=:id"] {
        assert_eq!(validated(path), Ok(()));
    }
}

#[test]
fn paths_and_hosts_that_cannot_be_requested_are_refused() {
    for path in ["ping", "//ping", "/ping#top", "/pi ng", "/pïng"] {
        let endpoints: &'static [Endpoint] = Vec::leak(vec![Endpoint::new("ping", "Ping", Method::Get, path)]);
        let catalogue = Catalogue { endpoints, critical: &[], slos: &[], ..ECHO };
        assert_eq!(catalogue.validate(), Err(CatalogueError::Path(path)));
    }
    const ON: fn(&'static str, &'static str) -> Endpoint =
        |name, host| Endpoint::new(name, "Ping", Method::Get, "/ping?a=1").on(Host::new(host, name));
    for (endpoints, error) in [
        (vec![ON("ping", "Auth")], Err(CatalogueError::Host("Auth"))),
        (vec![ON("ping", "auth"), ON("pong", "auth")], Err(CatalogueError::Duplicate("auth".to_owned()))),
        (vec![ON("ping", "auth")], Ok(())),
    ] {
        let catalogue = Catalogue { endpoints: Vec::leak(endpoints), critical: &[], slos: &[], ..ECHO };
        assert_eq!(catalogue.validate(), error);
    }
    assert_eq!(ON("ping", "auth").handler(), "/ping", "a query is not part of a route");
}

#[test]
fn promql_that_prometheus_cannot_parse_is_refused_by_its_owner() {
    let memory = |expr| BackendSlo::at_most("memory", "Memory", expr, Amount::Mebibytes(512));
    let validated = |expr| Catalogue { backend_slos: Vec::leak(vec![memory(expr)]), ..ECHO }.validate();
    assert_eq!(validated("sum by (pod) (rate(http_requests_total{job=~\"a|b\"}[5m] offset 1m))"), Ok(()));
    let refused = validated("sum(process_resident_memory_bytes").unwrap_err().to_string();
    assert!(refused.starts_with("the PromQL of objective \"backend:memory\" is invalid: "), "{refused}");
    let cache = Cache { name: "rooms", hits: "hits_total", misses: "misses_total{" };
    let refused = Catalogue { caches: Vec::leak(vec![cache]), ..ECHO }.validate().unwrap_err().to_string();
    assert!(refused.starts_with("the PromQL of cache \"rooms\" is invalid: "), "{refused}");
}
