//! Files that are not what they should be never end a merge in another way than by an error.

use std::fs;

use monitoring::phase::Phase;
use perf_report::evidence::{CheckCounts, Environment};
use perf_report::finding::{FindingKind, Subject};
use perf_settings::Settings;
use proptest::prelude::*;
use test_support::shop::SHOP;

use super::*;
use crate::agents::message::PROTOCOL;
use crate::agents::shard_file;
use crate::clock;
use crate::engine::Stall;
use crate::measure::{DurationParts, Failure, Recorder, Sample, SampleKey, Segments, TimelineRecorder};
use crate::plan::constant_vus;

const SECOND: Duration = Duration::from_secs(1);

fn plan() -> Plan {
    Plan { parts: vec![constant_vus(6, SECOND * 10).plan("shop", 1, 1).unwrap()], seed: 1 }
}

fn layout() -> Layout {
    Layout::new(&SHOP, vec![false])
}

/// The file of a shard that made some requests.
fn file(number: u32, requests: u64) -> ShardFile {
    let mut recorder = Recorder::new(layout());
    let mut timeline = TimelineRecorder::new(&SHOP);
    let started = clock::now();
    for at in 0..requests {
        let finished = started + Duration::from_millis(at + 1);
        let failure = (at % 5 == 0).then_some(Failure::Status);
        let parts = DurationParts::default();
        let sample = Sample { status: Some(200), failure, due: started, started, finished, parts };
        let key = SampleKey { part: 0, endpoint: 0, phase: Phase::Steady, late: false, segments: Segments::default() };
        recorder.record(key, &sample);
    }
    timeline.offer(SECOND, &recorder.snapshot()).unwrap();
    let stall = Stall {
        part: 0,
        endpoint: Some(1),
        from: SECOND,
        length: SECOND,
        waiting: 1,
        is_partial: false,
        omitted: vec![(1, 2)],
    };
    let load = Load { stalls: vec![stall], ..Load::not_started(recorder.snapshot()) };
    let settings = Settings::new("http://127.0.0.1:8000".parse().unwrap());
    let hello = super::super::hello("shop", &SHOP, "").unwrap();
    ShardFile {
        identity: shard_file::shared_values(&hello, &plan().hash(), &settings).unwrap(),
        shard: Shard { number, of: 3 },
        place: format!("process {number}"),
        facts: RunFacts {
            testid: None,
            loads: vec![constant_vus(6, SECOND * 10)],
            seed: "1".to_owned(),
            part: None,
            smoke: false,
            tags: Vec::new(),
            target: "http://127.0.0.1:8000/".to_owned(),
            environment: Environment::default(),
        },
        start_at: None,
        started: SystemTime::UNIX_EPOCH + SECOND * (100 + number),
        ended: SystemTime::UNIX_EPOCH + SECOND * (110 + number),
        load: Some(Box::new(load)),
        timeline: timeline.finish(SECOND * 2, &recorder.snapshot()).unwrap(),
        findings: vec![Finding::warning(Subject::Run, FindingKind::Capacity, "few ports")],
    }
}

/// Writes files to a folder of this name.
fn write(name: &str, files: &[Vec<u8>]) -> Vec<PathBuf> {
    let folder = std::env::temp_dir().join(format!("shard-set-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let paths = (0..files.len()).map(|at| folder.join(format!("{at}.json")));
    let paths: Vec<_> = paths.collect();
    paths.iter().zip(files).for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    paths
}

fn read_and_fold(paths: &[PathBuf]) -> Result<MergedLoad, ShardError> {
    let set = ShardSet::read(paths)?;
    set.check(&super::super::hello("shop", &SHOP, "").unwrap(), &plan().hash())?;
    set.facts();
    set.fold(&plan(), &layout())
}

#[test]
fn shards_are_added_in_the_order_of_their_numbers() {
    let bytes = [file(3, 10), file(1, 20)].map(|file| serde_json::to_vec(&file).unwrap());
    let merged = read_and_fold(&write("order", &bytes)).unwrap();
    let shards: Vec<_> = merged.load.agents.iter().map(|it| (it.number, it.requests, it.failed)).collect();
    assert_eq!(shards, [(1, 20, 4), (2, 0, 0), (3, 10, 2)]);
    let lost: Vec<_> = merged.load.agents.iter().map(|it| it.lost.as_deref()).collect();
    assert_eq!(lost, [None, Some("it has no file"), None]);
    let skews: Vec<_> = merged.load.agents.iter().map(|it| it.start_skew_ms).collect();
    assert_eq!(skews, [0.0, 0.0, 2000.0]);
    let numbers: Vec<_> = merged.findings.iter().map(|(numbers, _)| numbers.clone()).collect();
    assert_eq!((numbers, merged.lasted), (vec![vec![1, 3]], SECOND * 10));
}

#[test]
fn a_shard_that_was_stopped_or_made_nothing_is_lost() {
    let mut stopped = file(1, 20);
    stopped.load.as_mut().unwrap().interrupted = true;
    let without_load = ShardFile { load: None, timeline: RecordedTimeline::default(), ..file(2, 0) };
    let bytes = [stopped, without_load, file(3, 10)];
    let merged = read_and_fold(&write("stopped", &bytes.map(|file| serde_json::to_vec(&file).unwrap()))).unwrap();
    let lost: Vec<_> = merged.load.agents.iter().map(|it| it.lost.as_deref()).collect();
    assert_eq!(lost, [Some("stopped by a signal at 00:10"), Some("it made none"), None]);
    assert!(!merged.load.interrupted && merged.load.agents[1].started.is_none());
}

#[test]
fn the_longest_silence_of_all_shards_is_kept() {
    let mut files = [file(1, 5), file(2, 5), file(3, 5)];
    files[1].load.as_mut().unwrap().longest_silence = Silence { from: SECOND, length: SECOND * 20 };
    files[2].load.as_mut().unwrap().longest_silence = Silence { from: SECOND * 5, length: SECOND * 3 };
    let merged = read_and_fold(&write("silent", &files.map(|file| serde_json::to_vec(&file).unwrap()))).unwrap();
    assert_eq!(merged.load.longest_silence, Silence { from: SECOND, length: SECOND * 20 });
}

#[test]
fn values_that_no_shard_writes_are_refused() {
    type Change = fn(&mut ShardFile);
    let year_10000 = || SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_800);
    assert!(!perf_settings::has_rfc3339(year_10000()));
    let changes: [(&str, Change); 4] = [
        ("testid", |file| file.facts.testid = Some("../../x".to_owned())),
        ("started", |file| file.started = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_800)),
        ("start_at", |file| file.start_at = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_800))),
        ("checks", |file| {
            let checks = &mut file.load.as_mut().unwrap().snapshot.parts[0].checks;
            checks.entry("has items".into()).or_default()[0] = CheckCounts { tried: 1, failed: 2 };
        }),
    ];
    for (name, change) in changes {
        let mut files = [file(1, 5), file(2, 5), file(3, 5)];
        change(&mut files[1]);
        let paths = write(name, &files.map(|file| serde_json::to_vec(&file).unwrap()));
        let error = read_and_fold(&paths).err().map(|error| error.to_string());
        assert!(error.as_ref().is_some_and(|error| error.contains("counts that no run has")), "{name}: {error:?}");
    }
}

#[test]
fn a_file_of_another_version_is_named_as_that() {
    let mut json = serde_json::to_value(file(2, 5)).unwrap();
    json.as_object_mut().unwrap().remove("place");
    let refused = |json: &serde_json::Value| {
        let paths = write("version", &[serde_json::to_vec(json).unwrap()]);
        read_and_fold(&paths).err().unwrap().to_string()
    };
    let cut = refused(&json);
    assert!(cut.contains("0.json is not a whole file of a shard: missing field `place`"), "{cut}");
    json["identity"]["protocol version"] = "3".into();
    let other = refused(&json);
    let expected = format!("0.json is not of this checkout: its protocol version is 3, not {PROTOCOL}; check out");
    assert!(other.contains(&expected), "{other}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_file_with_wrong_bytes_is_merged_or_refused(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), "[0-9a-z\\[\\]{},:\"\\-.]"), 1..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
        case in any::<u64>(),
    ) {
        let [one, mut other] = [file(1, 20), file(2, 20)].map(|file| serde_json::to_vec(&file).unwrap());
        for (at, byte) in changes {
            let at = at.index(other.len());
            other[at] = byte.as_bytes()[0];
        }
        if let Some(cut) = cut {
            other.truncate(cut.index(other.len()));
        }
        let paths = write(&format!("bytes-{case}"), &[one, other]);
        let merged = read_and_fold(&paths);
        fs::remove_dir_all(paths[0].parent().unwrap()).unwrap();
        if let Err(error) = merged {
            let message = error.to_string();
            let names_file = message.contains("0.json") || message.contains("1.json");
            prop_assert!(names_file, "{}", message);
        }
    }
}
