//! Loads that several processes make apart from each other, merged from their files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use perf_report::finding::FindingKind;
use perf_report::read::read_report;
use perf_report::verdict::Reason;
use perf_settings::rfc3339_millis;
use test_support::wait_for;

use super::super::*;
use super::{PATIENCE, bodies, now, program, scenario, signal, unwrapped};

const SHARDS: usize = 3;
/// The load of a scenario that has objectives on rates.
const RATES: &str = "rates";

/// A new folder for the files of a test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shards").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    folder
}

/// The program of the fixture with this load, or with objectives on rates.
fn fixture(load: &str) -> Command {
    if load == RATES { program("objectives::fixture") } else { scenario(load) }
}

fn in_folder(load: &str, folder: &Path) -> Command {
    let mut command = fixture(load);
    command.env(perf_settings::OUT, folder).env(perf_settings::FOLDER, folder).env(perf_settings::QUIET, "1");
    command
}

/// Makes one shard. Returns the path of its file, or what it printed.
fn make(service: &Service, folder: &Path, load: &str, shard: &str, more: &[(&str, &str)]) -> Result<PathBuf, String> {
    let folder = folder.join(shard.replace('/', "-"));
    let mut command = in_folder(load, &folder);
    command.env(perf_settings::TARGET, &service.url).env(perf_settings::SHARD, shard);
    command.env(perf_settings::TESTID, "sharded").envs(more.iter().copied());
    let printed = String::from_utf8(command.output().unwrap().stderr).unwrap();
    let path = folder.join("sharded").join(format!("shard-{}.json", shard.replace('/', "-of-")));
    if path.is_file() { Ok(path) } else { Err(printed) }
}

fn make_all(service: &Service, folder: &Path, load: &str) -> Vec<PathBuf> {
    (1..=SHARDS).map(|number| make(service, folder, load, &format!("{number}/{SHARDS}"), &[]).unwrap()).collect()
}

/// Merges files. Returns the text of the report, or what was printed.
fn merge(folder: &Path, load: &str, files: &[PathBuf]) -> Result<String, String> {
    let settings = Settings {
        merge: files.to_vec(),
        out: Some(folder.to_owned()),
        folder: folder.to_owned(),
        ..Settings::new("http://127.0.0.1:9".parse().unwrap())
    };
    let mut command = fixture(load);
    // The fixtures need a target in their environment, and merge by the settings.
    command.env(perf_settings::TARGET, "http://127.0.0.1:9");
    command.env(perf_settings::SETTINGS_JSON, serde_json::to_string(&settings).unwrap());
    let printed = String::from_utf8(command.output().unwrap().stderr).unwrap();
    fs::read_to_string(folder.join("sharded/report.json")).map_err(|_| printed)
}

fn merged(name: &str, load: &str, files: &[PathBuf]) -> Report {
    read_report(&merge(&folder(name), load, files).unwrap()).unwrap()
}

#[test]
fn shards_send_exactly_the_requests_of_one_process() {
    for load in ["shared", "each", "arrivals"] {
        let (alone, together) = (Service::start(), Service::start());
        let out = folder(&format!("bodies-{load}"));
        let mut command = in_folder(load, &out);
        assert!(command.env(perf_settings::TARGET, &alone.url).output().unwrap().status.success());
        let files = make_all(&together, &out, load);
        assert_eq!(bodies(&together), bodies(&alone), "{load}");
        let report = merged(&format!("bodies-{load}-merged"), load, &files);
        assert_eq!(report.exit_code, ExitCode::Met, "{:?}", report.findings);
        assert_eq!(report.requests.sent, 2 * bodies(&together).len() as u64);
        assert_eq!((report.unjudged.sent, together.requests()), (SHARDS as u64, report.requests.sent + SHARDS as u64));
    }
}

#[test]
fn merged_counts_are_those_of_the_service_in_any_order_of_files() {
    let service = Service::start();
    service.never_fail("/setup");
    service.fail_every(7);
    let files = make_all(&service, &folder("order"), "each");
    let text = merge(&folder("order-1"), "each", &files).unwrap();
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let files = order.map(|at| files[at].clone());
        assert!(text == merge(&folder("order-2"), "each", &files).unwrap(), "the reports differ: {order:?}");
    }
    // The name of a run without --testid follows from its shards.
    let unnamed: Vec<_> = files.iter().map(|file| without_testid(file)).collect();
    let merge_unnamed = |order: [usize; 3]| {
        let out = folder("order-unnamed");
        let files = order.map(|at| unnamed[at].clone());
        assert!(merge(&out, "each", &files).is_err(), "its name is another");
        fs::read_to_string(out.join("latest/report.json")).unwrap()
    };
    let first = merge_unnamed([0, 1, 2]);
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        assert!(first == merge_unnamed(order), "the reports differ: {order:?}");
    }
    let report = read_report(&text).unwrap();
    assert_eq!(report.exit_code, ExitCode::Missed, "{:?}", report.findings);
    let (sent, failed) = (service.requests() - SHARDS as u64, service.failed());
    assert_eq!((report.requests.sent, report.requests.failed), (sent, failed));
    let tally = |id: &str| report.objectives.iter().find(|it| it.id == id).unwrap().tally().unwrap();
    assert_eq!((tally("api_errors").total, tally("api_errors").good), (sent, sent - failed));
    let latencies = ["ping_latency", "echo_latency"].map(tally);
    assert_eq!(latencies.iter().map(|tally| tally.total).sum::<u64>(), sent);
    assert!(latencies.iter().map(|tally| tally.good).sum::<u64>() <= sent - failed);
    assert_eq!(report.run.agents.iter().map(|shard| shard.requests).sum::<u64>(), sent);
    assert!(report.run.agents.iter().all(|shard| shard.is_shard && shard.started.is_some()), "{:?}", report.run.agents);
    assert_eq!(report.run.timeline.slices.iter().map(|slice| slice.requests).sum::<u64>(), sent);
    let told: Vec<_> = report.findings.iter().filter(|it| it.kind == FindingKind::Sharded).collect();
    assert!(
        told[0].message.starts_with("merged from 3 of 3 shards. Each ran setup and teardown, and pushed nothing"),
        "{told:?}"
    );
    let apart = report.findings.iter().find(|it| it.kind == FindingKind::ShardsApart).unwrap();
    assert!(apart.message.starts_with("shards did not run at the same time"), "{apart}");
}

#[test]
fn a_missing_shard_makes_the_merged_run_inconclusive() {
    let service = Service::start();
    let files = make_all(&service, &folder("missing"), "arrivals");
    let report = merged("missing-merged", "arrivals", &[files[0].clone(), files[2].clone()]);
    assert_eq!(report.exit_code, ExitCode::Inconclusive, "{:?}", report.findings);
    let finding = report.findings.iter().find(|finding| finding.kind == FindingKind::AgentLost).unwrap();
    let expected = "shard 2 of 3 is missing: it has no file. It had 13 of 40 VUs";
    assert!(finding.message.starts_with(expected), "{finding}");
    let told = report.findings.iter().find(|it| it.kind == FindingKind::Sharded).unwrap();
    assert!(told.message.starts_with("merged from 2 of 3 shards. "), "{told}");
    assert!(!report.has(FindingKind::ArrivalsDropped), "its VUs were not busy: {:?}", report.findings);
    let made: u64 = report.run.agents.iter().map(|shard| shard.requests).sum();
    assert_eq!((report.run.agents[1].requests, report.requests.sent), (0, made));
    assert!(report.iterations.dropped >= 26, "its arrivals are unknown: {:?}", report.iterations);
}

#[test]
fn files_that_are_not_shards_of_one_run_are_refused() {
    let (service, out) = (Service::start(), folder("refused"));
    let files = make_all(&service, &out, "shared");
    let refused = |files: &[&PathBuf]| {
        let files: Vec<_> = files.iter().map(|path| (*path).clone()).collect();
        unwrapped(&merge(&folder("refused-merged"), "shared", &files).unwrap_err())
    };
    let copy = out.join("copy.json");
    let text = fs::read_to_string(&files[0]).unwrap();
    fs::write(&copy, &text).unwrap();
    let twice = refused(&[&files[0], &files[1], &copy]);
    assert!(twice.contains("copy.json") && twice.contains("are both shard 1/3: leave out one of them"), "{twice}");
    let seed = make(&service, &out.join("seed"), "shared", "2/3", &[("PERF_SEED", "7"), ("K6_RPS", "999")]).unwrap();
    let other = refused(&[&files[0], &seed]);
    let names = ["seed/2-3", "is not of the same run as", "its plan is ", "its setting rps is 999, not null"];
    assert!(names.iter().all(|name| other.contains(name)), "{other}");
    let cut = out.join("cut.json");
    fs::write(&cut, &text[..text.len() / 2]).unwrap();
    let printed = refused(&[&cut]);
    assert!(printed.contains("cut.json is not a whole file of a shard: EOF"), "{printed}");
    fs::write(&cut, text.replace("\"completed\":", "\"completed\":9999999999999999999")).unwrap();
    assert!(refused(&[&cut]).contains("cut.json has counts that no run has"));
    fs::write(&cut, text.replace("\"of\":3", "\"of\":0")).unwrap();
    assert!(refused(&[&cut]).contains("cut.json has counts that no run has"));
    fs::File::create(&cut).unwrap().set_len((64 << 20) + 1).unwrap();
    assert!(refused(&[&cut]).contains("cut.json has more than 64 MiB"));
    assert!(refused(&[&out]).contains("refused: not a file"));
    assert!(refused(&[&out.join("none.json")]).contains("none.json: No such file"));
    let first = refused(&[&make(&service, &out.join("each"), "each", "1/3", &[]).unwrap(), &files[1]]);
    assert!(first.contains("its plan is "), "{first}");
}

#[test]
fn shards_that_begin_at_a_given_time_begin_together() {
    let (service, out) = (Service::start(), folder("together"));
    let start_ms = now_ms() + 15_000;
    let start = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(start_ms).unwrap());
    let start_text = rfc3339_millis(start);
    let variables = [(perf_settings::START_AT, start_text.as_str())];
    let files: Vec<_> = std::thread::scope(|scope| {
        let shard = |number| format!("{number}/{SHARDS}");
        let made: Vec<_> = (1..=SHARDS)
            .map(|number| (shard(number), &service, &out))
            .map(|(shard, service, out)| scope.spawn(move || make(service, out, "each", &shard, &variables).unwrap()))
            .collect();
        wait_for("load", PATIENCE, || (service.requests() > SHARDS as u64).then_some(()));
        assert!(now_ms() >= start_ms, "only setup sends a request before the start");
        made.into_iter().map(|made| made.join().unwrap()).collect()
    });
    let report = merged("together-merged", "each", &files);
    let skews: Vec<_> = report.run.agents.iter().map(|shard| shard.start_skew_ms).collect();
    let is_late = skews.iter().any(|skew| *skew > 50.0);
    assert_eq!(report.has(FindingKind::AgentSkewed), is_late, "{skews:?}");
    assert!(
        report.run.agents.iter().all(|shard| shard.started.as_ref().unwrap() >= &start_text),
        "{:?}",
        report.run.agents
    );
    let late = delayed(&files[1], 3);
    let report = merged("late-merged", "each", &[files[0].clone(), late, files[2].clone()]);
    assert_eq!(report.exit_code, ExitCode::Inconclusive, "{:?}", report.findings);
    let finding = report.findings.iter().find(|it| it.kind == FindingKind::AgentSkewed).unwrap();
    assert!(finding.message.starts_with("shard 2 of 3 (process "), "{finding}");
    assert!(finding.message.ends_with(" ms after --start-at; 50 ms are allowed"), "{finding}");
}

/// A copy of a shard's file that says that it was made without `--testid`.
fn without_testid(file: &Path) -> PathBuf {
    let mut json: serde_json::Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    json["facts"]["testid"] = serde_json::Value::Null;
    json["identity"]["--testid"] = "none".into();
    let unnamed = file.with_extension("unnamed.json");
    fs::write(&unnamed, json.to_string()).unwrap();
    unnamed
}

/// A copy of a shard's file that says that it ran this many seconds later.
fn delayed(file: &Path, seconds: u64) -> PathBuf {
    let mut json: serde_json::Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    for time in ["started", "ended"] {
        json[time]["secs_since_epoch"] = (json[time]["secs_since_epoch"].as_u64().unwrap() + seconds).into();
    }
    let late = file.with_extension("late.json");
    fs::write(&late, json.to_string()).unwrap();
    late
}

#[test]
fn shards_apart_leave_objectives_on_a_rate_inconclusive() {
    let (service, out) = (Service::start(), folder("apart"));
    let files: Vec<_> = std::thread::scope(|scope| {
        let made = ["1/2", "2/2"].map(|shard| scope.spawn(|| make(&service, &out, RATES, shard, &[]).unwrap()));
        made.map(|made| made.join().unwrap()).into()
    });
    let report = merged("apart-merged", RATES, &[files[0].clone(), delayed(&files[1], 60)]);
    assert_eq!(report.exit_code, ExitCode::Inconclusive, "{:?}", report.findings);
    let apart = Verdict::Inconclusive(Reason::ShardsApart);
    for id in ["room_throughput:at_least_1000000_per_second", "room_throughput"] {
        assert_eq!(verdict(&report, id), apart, "{:?}", report.objectives);
    }
}

#[test]
fn a_late_shard_may_explain_a_missed_rate() {
    let service = Service::start();
    let file = make(&service, &folder("late"), RATES, "1/1", &[]).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let started = json["started"].clone();
    let merged_late = |late_s: u64, json: &mut serde_json::Value| {
        json["start_at"] = started.clone();
        json["start_at"]["secs_since_epoch"] = (started["secs_since_epoch"].as_u64().unwrap() - late_s).into();
        fs::write(&file, json.to_string()).unwrap();
        merged(&format!("late-{late_s}"), RATES, std::slice::from_ref(&file))
    };
    let report = merged_late(60, &mut json);
    let rate = "room_throughput:at_least_1000000_per_second";
    assert_eq!(verdict(&report, rate), Verdict::Inconclusive(Reason::LessLoad), "{:?}", report.objectives);
    assert_eq!(report.exit_code, ExitCode::Inconclusive, "{:?}", report.findings);
    let report = merged_late(1, &mut json);
    assert_eq!(verdict(&report, rate), Verdict::Missed, "a second explains little: {:?}", report.objectives);
    assert_eq!(report.exit_code, ExitCode::Inconclusive, "that objective only warns: {:?}", report.findings);
}

#[test]
fn a_shard_whose_file_cannot_be_written_says_what_to_do() {
    let (service, out) = (Service::start(), folder("not-written"));
    // A folder where the draft of the file would be.
    fs::create_dir_all(out.join("sharded/shard-1-of-1.json.tmp")).unwrap();
    let mut command = in_folder("each", &out);
    command.env(perf_settings::TARGET, &service.url).env(perf_settings::SHARD, "1/1");
    let finished = command.env(perf_settings::TESTID, "sharded").output().unwrap();
    let printed = unwrapped(&String::from_utf8(finished.stderr).unwrap());
    assert!(printed.contains("internal error (exit 70): failed to write "), "{printed}");
    assert!(printed.contains("; then make shard 1/1 again, since what it measured is lost"), "{printed}");
}

#[expect(clippy::disallowed_methods, reason = "the shards begin at a time of day")]
fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

#[test]
fn a_shard_that_cannot_be_part_of_a_run_sends_nothing() {
    let (service, out) = (Service::start(), folder("impossible"));
    let crowd = make(&service, &out, "time", "1/7", &[]).unwrap_err();
    assert!(
        crowd.contains("PERF_SHARD=1/7: together has 6 VUs, and each shard needs one: use at most 6 shards"),
        "{crowd}"
    );
    let passed = make(&service, &out, "time", "1/3", &[(perf_settings::START_AT, "1000000000")]).unwrap_err();
    assert!(passed.contains("PERF_START_AT=2001-09-09T01:46:40.000Z: this time has passed"), "{passed}");
    let agents = make(&service, &out, "time", "1/3", &[(perf_settings::AGENTS, "2")]).unwrap_err();
    assert!(agents.contains("PERF_SHARD and PERF_AGENTS exclude each other"), "{agents}");
    let store = make(&service, &out, "time", "1/3", &[(perf_settings::PROMETHEUS, "http://localhost:1")]).unwrap_err();
    assert!(store.contains("PERF_SHARD pushes to no store") && store.contains("remove PERF_PROMETHEUS_URL"), "{store}");
    assert_eq!(service.requests(), 0);
}

#[test]
fn a_shard_that_stood_still_says_so() {
    let (service, out) = (Service::start(), folder("still"));
    let mut command = in_folder("time", &out);
    command.env(perf_settings::TARGET, &service.url).env(perf_settings::SHARD, "1/1");
    let shard = command.env(perf_settings::TESTID, "sharded").spawn().unwrap();
    wait_for("load", PATIENCE, || (service.requests() > 100).then_some(()));
    signal("-STOP", shard.id());
    let since = now();
    wait_for("a pause", PATIENCE, || (since.elapsed() > Duration::from_millis(1500)).then_some(()));
    signal("-CONT", shard.id());
    let finished = shard.wait_with_output().unwrap();
    let printed = String::from_utf8(finished.stderr).unwrap();
    assert!(printed.contains("shard 1 of 1: ") && printed.contains("the generator did not run for 1."), "{printed}");
    assert!(!finished.status.success(), "{printed}");
    let report = merged("still-merged", "time", &[out.join("sharded/shard-1-of-1.json")]);
    assert_eq!(report.exit_code, ExitCode::Inconclusive, "{:?}", report.findings);
    let pauses = report.findings.iter().filter(|it| it.kind == FindingKind::MachineSlept);
    assert_eq!(pauses.count(), 1, "{:?}", report.findings);
}

#[test]
fn a_shard_whose_setup_fails_makes_the_merged_run_inconclusive() {
    let (service, out) = (Service::start(), folder("setup"));
    let [first, third] = ["1/3", "3/3"].map(|shard| make(&service, &out, "each", shard, &[]).unwrap());
    let before = service.requests();
    service.fail_every(1);
    let second = make(&service, &out, "each", "2/3", &[]).unwrap();
    assert_eq!(service.requests(), before + 1, "it sends nothing after setup");
    let report = merged("setup-merged", "each", &[first, second, third]);
    assert_eq!(report.exit_code, ExitCode::Inconclusive, "{:?}", report.findings);
    let lost = report.findings.iter().find(|finding| finding.kind == FindingKind::AgentLost).unwrap();
    assert!(lost.message.starts_with("shard 2 of 3 (process "), "{lost}");
    assert!(lost.message.contains(" did not make its whole load: it made none. It had 2 of 7 VUs"), "{lost}");
    let setup = report.findings.iter().find(|finding| finding.kind == FindingKind::SetupFailed).unwrap();
    assert!(setup.message.contains("setup failed") && setup.message.contains("/setup"), "{setup}");
    // 7 VUs have 9 iterations each, and the second shard has 2 of these VUs.
    assert_eq!((report.iterations.completed, report.iterations.dropped), (45, 18));
    assert_eq!((report.requests.sent, report.run.agents[1].requests), (90, 0));
}
