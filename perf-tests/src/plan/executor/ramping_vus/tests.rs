//! Tests of `ramping_vus`.

use proptest::prelude::*;

use super::*;

const SECS: fn(u64) -> Duration = Duration::from_secs;

fn stages(stages: &[(u64, u64)]) -> Vec<Stage> {
    stages.iter().map(|&(secs, target)| Stage { duration: SECS(secs), target }).collect()
}

fn ramp(start_vus: u32, plan: &[(u64, u64)]) -> Vec<VuPlan> {
    let ramp = RampingVus { start_vus, stages: stages(plan), graceful_ramp_down: SECS(30) };
    let end = ramp.duration();
    ramp.vus(&PartPlacement { start: Duration::ZERO, end, graceful_stop: SECS(30), first_id: 1, seed: 1 })
}

fn active(vus: &[VuPlan], at: Duration) -> usize {
    vus.iter().filter(|vu| vu.spans.iter().any(|span| span.start <= at && at < span.stop)).count()
}

#[test]
fn a_ramp_passes_through_every_number_of_vus() {
    let vus = ramp(1, &[(4, 5), (0, 2), (3, 2), (2, 0)]);
    let counts: Vec<_> = [0, 1, 2, 3, 4, 6, 8].map(SECS).iter().map(|&at| active(&vus, at)).collect();
    assert_eq!(counts, [1, 2, 3, 4, 2, 2, 1]);
    assert_eq!(vus[0].spans, [ActiveSpan { start: SECS(0), stop: SECS(9), cut: SECS(39) }]);
    // The fifth span has no length: its number was reached and left at once.
    assert_eq!(vus[4].spans[0].start, vus[4].spans[0].stop);
}

#[test]
fn a_vu_that_is_planned_again_in_time_is_not_cut_off() {
    let vus = ramp(2, &[(0, 1), (10, 1), (0, 2), (10, 2)]);
    assert_eq!(vus[1].spans[0].cut, SECS(50));
    assert_eq!(vus[1].spans[1], ActiveSpan { start: SECS(10), stop: SECS(20), cut: SECS(50) });
    let vus = ramp(2, &[(0, 1), (60, 1), (0, 2), (10, 2)]);
    assert_eq!(vus[1].spans[0].cut, SECS(30));
}

proptest! {
    /// At the end of every stage, the number of virtual users is its target.
    #[test]
    fn every_stage_reaches_its_target(start in 0_u32..20, plan in prop::collection::vec((1_u64..50, 0_u64..40), 1..8)) {
        let vus = ramp(start, &plan);
        let mut at = Duration::ZERO;
        for pair in plan.windows(2) {
            at += SECS(pair[0].0);
            // A moment later the next stage has begun and has not changed anything yet.
            let just_after = active(&vus, at + Duration::from_nanos(1));
            prop_assert_eq!(just_after as u64, pair[0].1);
        }
        for vu in &vus {
            prop_assert!(vu.spans.windows(2).all(|pair| pair[0].stop <= pair[1].start));
        }
    }
}
