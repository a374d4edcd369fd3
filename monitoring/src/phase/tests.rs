//! Tests of `phase`.

use super::*;

fn selector(phases: Phases) -> String {
    phases.select(Selector::new("x")).now().to_string()
}

#[test]
fn a_set_of_phases_selects_its_series() {
    assert_eq!(selector(Phases::ALL), "x");
    assert_eq!(selector(Phases::AFTER_WARM_UP), "x{phase!=\"warmup\"}");
    assert_eq!(selector(Phases::only(&[Phase::Steady])), "x{phase=\"steady\"}");
    assert_eq!(selector(Phases::only(&[Phase::WarmUp, Phase::Steady])), "x{phase=~\"warmup|steady\"}");
    assert!(Phases::AFTER_WARM_UP.contains(Phase::Ramp) && !Phases::AFTER_WARM_UP.contains(Phase::WarmUp));
}
