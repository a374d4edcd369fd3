//! The generated Prometheus files, and a short outline of the rules, as reviewers see them.

use monitoring::artefact;
use monitoring::catalogue::STOCK_AI;
use monitoring::rule;

#[test]
fn catalogue_is_valid() {
    assert_eq!(STOCK_AI.validate(), Ok(()));
}

#[test]
fn files() {
    for file in artefact::artefacts(&STOCK_AI).unwrap() {
        let name = file.path.rsplit('/').next().unwrap();
        insta::assert_snapshot!(name, file.contents);
    }
}

#[test]
fn outline() {
    insta::assert_snapshot!(rule::outline(&rule::recording_rules(&STOCK_AI)));
}
