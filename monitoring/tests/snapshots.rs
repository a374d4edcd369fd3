//! The generated Prometheus files, and a short outline of the rules, as reviewers see them.

use monitoring::artefact;
use monitoring::catalogue::STOCK_AI;
use monitoring::{alert, metric, rule};

#[test]
fn catalogue_is_valid() {
    assert_eq!(STOCK_AI.validate(), Ok(()));
}

#[test]
fn files() {
    // Schemas follow from types, whose changes are reviewed there.
    let of_catalogue = |file: &artefact::Artefact| !file.path.starts_with("monitoring/schema/");
    for file in artefact::artefacts(&STOCK_AI).unwrap().into_iter().filter(of_catalogue) {
        let name = file.path.rsplit('/').next().unwrap();
        insta::assert_snapshot!(name, file.contents);
    }
}

#[test]
fn outline() {
    insta::assert_snapshot!(rule::outline(&rule::recording_rules(&STOCK_AI, &rule::Timing::USUAL)));
}

#[test]
fn alerts() {
    insta::assert_snapshot!(alert::outline(&alert::alerts(&STOCK_AI, &rule::Timing::USUAL)));
}

/// What is promised, and the bucket bounds that follow from it.
#[test]
fn promises_and_bounds() {
    let slos = STOCK_AI.slos.iter().map(|slo| format!("{}: {}", slo.id(), slo.promise()));
    let bounds = metric::bucket_bounds(&STOCK_AI).into_iter().map(|bound| format!("le {}", metric::le(bound)));
    insta::assert_snapshot!(slos.chain(bounds).collect::<Vec<_>>().join("\n"));
}
