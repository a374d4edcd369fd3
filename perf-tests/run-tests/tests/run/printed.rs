//! Lines that a run prints about its load, its stores, its target and its setup.

#[cfg(unix)]
mod blocked_setup;

use std::process::{Command, Stdio};

use test_support::fake_proxy::FakeProxy;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
/// The environment variable with the seconds that the fixture's setup takes.
const SETUP: &str = "TEST_SETUP_SECONDS";
/// The environment variable with a file that setup writes. Then setup blocks its thread.
const BLOCKED: &str = "TEST_SETUP_BLOCKED";

/// A scenario of two parts that the tests here run in a process of its own.
#[test]
#[ignore = "the other tests here start it as a process"]
#[expect(clippy::disallowed_methods, reason = "the tests choose its setup by the environment")]
fn fixture() -> std::process::ExitCode {
    // `cargo xtask ci` runs all ignored tests, and this one without a time.
    let Ok(seconds) = std::env::var(SETUP) else { return std::process::ExitCode::SUCCESS };
    let time = SECOND * seconds.parse().unwrap();
    Scenario::new("printed", &CATALOGUE)
        .exercises(&[PING])
        .setup(async move |vu: &mut Vu| {
            if let Ok(sign) = std::env::var(BLOCKED) {
                std::fs::write(sign, "")?;
                std::thread::sleep(time);
            }
            vu.think(time, time).await;
            Ok(())
        })
        .part("one", constant_vus(20, SECOND * 60), async |vu: &mut Vu, (): &()| ping_slowly(vu).await)
        .part("two", constant_vus(20, SECOND * 60), async |vu: &mut Vu, (): &()| ping_slowly(vu).await)
        .run_parts()
        .assert_slos()
}

async fn ping_slowly(vu: &mut Vu) -> anyhow::Result<()> {
    ping(vu).await?;
    vu.think(Duration::from_millis(20), Duration::from_millis(20)).await;
    Ok(())
}

/// Runs the fixture. Returns what it printed.
fn printed(service: &Service, testid: &str, setup_seconds: u64, given: &[(&str, &str)]) -> String {
    let output = command(service, testid, setup_seconds).envs(given.iter().copied()).output().unwrap();
    String::from_utf8(output.stderr).unwrap()
}

/// The fixture with 4 VUs for 1 s.
fn command(service: &Service, testid: &str, setup_seconds: u64) -> Command {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("printed").join(testid);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", "printed::fixture"]).stdin(Stdio::null());
    for name in ["NO_PROXY", "no_proxy", "COLUMNS"] {
        command.env_remove(name);
    }
    command.env(perf_settings::TARGET, &service.url).env(perf_settings::TESTID, testid);
    command.env(perf_settings::OUT, &folder).env(perf_settings::FOLDER, &folder).env(SETUP, setup_seconds.to_string());
    command.env(perf_settings::VUS, "4").env(perf_settings::DURATION, "1s").env(perf_settings::PUSH_INTERVAL, "500ms");
    command
}

fn lines_with<'a>(printed: &'a str, text: &str) -> Vec<&'a str> {
    printed.lines().filter(|line| line.contains(text)).collect()
}

#[test]
fn parts_that_are_scaled_together_and_a_slow_setup_are_printed() {
    let service = Service::start();
    let printed = printed(&service, "printed-1", 6, &[]);
    let load = "load: one: 2 VUs for 1s; two: 2 VUs for 1s (the scenario's own: one: 20 VUs for 1m; two: 20 VUs for 1m; \
                the parts are scaled together, and PERF_PART runs one of them)";
    assert_eq!(lines_with(&printed, "the parts are scaled"), [load], "{printed}");
    let setup = ["setup has been running for 5s (limit 1m: --setup-timeout)"];
    assert_eq!(lines_with(&printed, "has been running"), setup, "{printed}");
    assert_eq!(lines_with(&printed, "through the proxy"), [""; 0], "{printed}");
}

#[test]
fn proxies_of_the_stores_and_of_the_target_are_printed() {
    let (service, store, proxy) = (Service::start(), Store::start(), FakeProxy::start(""));
    // The fake store also accepts the requests that a client sends to a proxy.
    let given = [
        ("HTTP_PROXY", store.url.as_str()),
        (perf_settings::PROXY, &format!("http://{}", proxy.authority)),
        (perf_settings::REMOTE_WRITE, "http://store.invalid/api/v1/write"),
    ];
    let one_store = printed(&service, "printed-2", 0, &given);
    let of_writes = format!("the store is http://store.invalid/api/v1/write through the proxy {}", store.url);
    let target = format!("target: {} (HTTP/1.1) through the proxy http://{}", service.url, proxy.authority);
    assert_eq!(lines_with(&one_store, "through the proxy"), [&of_writes, &target], "{one_store}");
    let other = (perf_settings::PROMETHEUS, "http://queries.invalid");
    let two_stores = printed(&service, "printed-3", 0, &[&given[..], &[other]].concat());
    let of_queries = format!("the store of queries is http://queries.invalid through the proxy {}", store.url);
    assert_eq!(lines_with(&two_stores, "through the proxy"), [&of_writes, &of_queries, &target], "{two_stores}");
}

#[test]
fn a_service_that_is_not_listed_is_named() {
    let service = Service::start();
    let printed = printed(&service, "printed-5", 0, &[]);
    let line = "monitoring/src/services/mod.rs does not list the service";
    assert_eq!(lines_with(&printed, line).len(), 1, "{printed}");
}

#[test]
fn a_run_without_a_report_prints_its_verdict_and_the_cause() {
    let service = Service::start();
    let printed = printed(&service, "printed-4", 0, &[(perf_settings::TARGET, "http://127.0.0.1:9")]);
    let line = "did not run (exit 104): cannot connect to http://127.0.0.1:9: ";
    assert!(lines_with(&printed, "cannot connect")[0].starts_with(line), "{printed}");
}

#[test]
fn no_printed_line_is_wider_than_200_columns() {
    let service = Service::start();
    let path = "long/".repeat(34);
    for (testid, target) in [("printed-6", service.url.as_str()), ("printed-7", "http://127.0.0.1:9")] {
        let target = format!("{target}/{path}");
        let printed = printed(&service, testid, 0, &[(perf_settings::TARGET, &target)]);
        assert!(printed.contains(target.trim_end_matches('/')), "{printed}");
        let longest = printed.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(200), "{printed}");
    }
}

#[test]
fn a_result_fits_the_terminal_and_ends_with_the_verdict() {
    let service = Service::start();
    let printed = printed(&service, "printed-8", 0, &[("COLUMNS", "100")]);
    let result = printed.lines().skip_while(|line| !line.contains("(exit "));
    let lines: Vec<_> = result.filter(|line| !line.starts_with("report ")).collect();
    assert!(lines.len() > 3 && lines.iter().all(|line| line.chars().count() <= 100), "{printed}");
    let verdict = lines.last().unwrap();
    assert!(verdict.starts_with("printed: ") && verdict.contains("(exit "), "{printed}");
}
