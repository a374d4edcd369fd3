//! Tests of `calibration`.

use super::*;

fn subject(vus: u32) -> CalibrationSubject {
    let http = HttpSettings::default();
    let path = RequestPath { service: CalibratedService::Stub, profile: "dev", http: &http };
    CalibrationSubject {
        scenario: "basic".to_owned(),
        load: LoadOverride { vus: Some(vus), ..LoadOverride::default() },
        machine: Machine { system: "linux x86_64".to_owned(), processor: String::new(), processors: 2 },
        service: path.hash().unwrap(),
    }
}

#[test]
fn a_stored_subject_is_the_same_subject() {
    let stored = serde_json::to_string(&subject(10)).unwrap();
    let read: CalibrationSubject = serde_json::from_str(&stored).unwrap();
    assert_eq!(read, subject(10));
    assert_ne!(read, subject(11));
}

#[test]
fn each_part_of_the_request_path_changes_its_hash() {
    let (plain, other) =
        (HttpSettings::default(), HttpSettings { user_agent: Some("b".to_owned()), ..Default::default() });
    let hash = |service, profile, http| RequestPath { service, profile, http }.hash().unwrap();
    let hashes = [
        hash(CalibratedService::Stub, "dev", &plain),
        hash(CalibratedService::Command("a"), "dev", &plain),
        hash(CalibratedService::Target("a".to_owned()), "dev", &plain),
        hash(CalibratedService::Stub, "peak", &plain),
        hash(CalibratedService::Stub, "dev", &other),
    ];
    let distinct: std::collections::BTreeSet<_> = hashes.iter().collect();
    assert_eq!(distinct.len(), hashes.len());
}

#[test]
fn a_record_of_another_version_counts_as_no_calibration() {
    let noise = Calibration::from_differences([("a", &[0.1, 0.2, 0.3][..])].into_iter()).unwrap();
    let mut records = serde_json::json!([CalibrationRecord { subject: subject(10), noise, pair_seconds: 1 }]);
    assert_eq!(parse_records(&records.to_string()).unwrap().len(), 1);
    records[0]["setting"]["load"] = "LoadOverride { vus: Some(10) }".into();
    assert_eq!(parse_records(&records.to_string()).unwrap(), []);
    assert!(parse_records("{}").is_err());
}
