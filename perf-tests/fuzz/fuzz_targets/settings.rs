//! Any environment: each line is a variable by its number and its value. What is taken makes sense, and what is written is read again.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use monitoring::run::{self, Settings, parse_rate, parse_stages, shown_stages};

const NAMES: [&str; 32] = [
    run::TARGET, run::TESTID, run::SEED, run::TAGS, run::OUT, run::PROMETHEUS, run::VUS, run::DURATION,
    run::ITERATIONS, run::STAGES, run::RATE, run::MAX_VUS_OF_RATE, run::WARM_UP, run::EXACT_ARRIVALS, run::RPS,
    run::NO_CONNECTION_REUSE, run::USER_AGENT, run::MAX_REDIRECTS, run::REQUEST_TIMEOUT, run::REPLAY,
    run::REMOTE_WRITE, run::RW_USERNAME, run::RW_PASSWORD, run::RW_BEARER_TOKEN, run::RW_HTTP_HEADERS,
    run::RW_HEADERS, run::RW_CLIENT_CERTIFICATE, run::RW_CLIENT_CERTIFICATE_KEY, run::RW_TLS_MIN_VERSION[0],
    run::PUSH_INTERVAL, run::ALLOW_TARGET, run::NATIVE_HISTOGRAMS,
];

fuzz_target!(|text: &str| {
    let lines: Vec<_> = text.lines().collect();
    let given = |name: &str| {
        let of = |line: &&str| line.bytes().next().is_some_and(|byte| NAMES[usize::from(byte) % NAMES.len()] == name);
        let line = lines.iter().find(|line| of(line))?;
        Some(line.chars().skip(1).collect::<String>())
    };
    if let Ok(settings) = Settings::from_lookup(&given) {
        assert!((Duration::from_millis(500)..=Duration::from_secs(60)).contains(&settings.push_interval));
        assert!(settings.target.has_host() && ["http", "https"].contains(&settings.target.scheme()));
        let shown = format!("{settings:?}");
        assert!(!shown.contains("Bearer "), "a secret is printed");
    }
    let first = lines.first().copied().unwrap_or_default();
    if let Ok(stages) = parse_stages("x", first) {
        assert_eq!(parse_stages("x", &shown_stages(&stages)).ok(), Some(stages));
    }
    if let Ok(rate) = parse_rate("x", first) {
        assert_eq!(parse_rate("x", &rate.to_string()).ok(), Some(rate));
    }
});
