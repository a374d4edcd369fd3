//! Snapshots for reviews: the generated Prometheus files and a short outline of the rules.

use monitoring::prometheus::recording_rules::Timing;
use monitoring::prometheus::{alerts, recording_rules};
use monitoring::{generated_files, metric, services};

#[test]
fn every_service_is_valid() {
    for catalogue in services::ALL {
        assert_eq!(catalogue.validate(), Ok(()), "{}", catalogue.service);
    }
}

#[test]
fn files() {
    for file in generated_files::files(services::ALL, &Timing::USUAL).unwrap() {
        let name = file.path.rsplit('/').next().unwrap();
        insta::assert_snapshot!(name, file.contents);
    }
}

/// The rules, alerts, objectives and bucket bounds of each service, in a short form for reviews.
#[test]
fn outlines() {
    for catalogue in services::ALL {
        let recording = recording_rules::outline(&recording_rules::recording_rules(catalogue, &Timing::USUAL));
        let alerts = alerts::outline(&alerts::alerts(catalogue, &Timing::USUAL));
        let slos = catalogue.slos.iter().map(|slo| format!("{}: {}", catalogue.slo_id(slo), slo.describe()));
        let bounds = catalogue.bucket_bounds().into_iter().map(|bound| format!("le {}", metric::le(bound)));
        let objectives = slos.chain(bounds).collect::<Vec<_>>().join("\n");
        let parts = [("outline", recording), ("alerts", alerts), ("objectives", objectives)];
        for (name, text) in parts {
            insta::assert_snapshot!(format!("{}_{name}", catalogue.service), text);
        }
    }
}
