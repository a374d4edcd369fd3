//! Reads settings from any environment. Each input line gives a variable by number (its first byte)
//! and its value. Accepted values are in range, and a value that is written out parses again.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use perf_settings::{Settings, all_settings, parse_rate, parse_stages, shown_stages};

fuzz_target!(|text: &str| {
    let lines: Vec<_> = text.lines().collect();
    let names: Vec<_> = all_settings().flat_map(|setting| setting.variables).collect();
    let given = |name: &str| {
        let matches =
            |line: &&str| line.bytes().next().is_some_and(|byte| *names[usize::from(byte) % names.len()] == name);
        let line = lines.iter().find(|line| matches(line))?;
        Some(line.chars().skip(1).collect::<String>())
    };
    if let Ok(settings) = Settings::from_lookup(&given) {
        assert!((Duration::from_millis(500)..=Duration::from_secs(60)).contains(&settings.push_interval));
        assert!(settings.target.has_host() && ["http", "https"].contains(&settings.target.scheme()));
        let shown = format!("{settings:?}");
        assert!(!shown.contains("Bearer "), "a secret is printed");
    }
    let first = lines.first().copied().unwrap_or_default();
    if let Ok(stages) = parse_stages(first) {
        assert_eq!(parse_stages(&shown_stages(&stages)).ok(), Some(stages));
    }
    if let Ok(rate) = parse_rate(first) {
        assert_eq!(parse_rate(&rate.to_string()).ok(), Some(rate));
    }
});
