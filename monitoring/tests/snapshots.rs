//! Snapshots for reviews: the generated Prometheus files and a short outline of the rules.

use monitoring::prometheus::{alerts, recording_rules};
use monitoring::services::stock_ai::STOCK_AI;
use monitoring::{generated_files, metric, services};

#[test]
fn every_service_is_valid() {
    for catalogue in services::ALL {
        assert_eq!(catalogue.validate(), Ok(()), "{}", catalogue.service);
    }
}

#[test]
fn files() {
    for file in generated_files::files(services::ALL, &recording_rules::Timing::USUAL).unwrap() {
        let name = file.path.rsplit('/').next().unwrap();
        insta::assert_snapshot!(name, file.contents);
    }
}

#[test]
fn outline() {
    insta::assert_snapshot!(recording_rules::outline(&recording_rules::recording_rules(
        &STOCK_AI,
        &recording_rules::Timing::USUAL
    )));
}

#[test]
fn alerts() {
    insta::assert_snapshot!(alerts::outline(&alerts::alerts(&STOCK_AI, &recording_rules::Timing::USUAL)));
}

/// Objectives, and the bucket bounds that are derived from them.
#[test]
fn objectives_and_bounds() {
    let slos = STOCK_AI.slos.iter().map(|slo| format!("{}: {}", STOCK_AI.slo_id(slo), slo.describe()));
    let bounds = STOCK_AI.bucket_bounds().into_iter().map(|bound| format!("le {}", metric::le(bound)));
    insta::assert_snapshot!(slos.chain(bounds).collect::<Vec<_>>().join("\n"));
}
