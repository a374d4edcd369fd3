//! Tests of `simulation`.

use super::*;

#[test]
fn the_same_seed_gives_the_same_rounds() {
    let rounds = |seed| SHARED_RUNNER.differences(&mut ChaCha8Rng::seed_from_u64(seed), 5, &[0.0; ENDPOINTS]);
    assert_eq!(rounds(1), rounds(1));
    assert_ne!(rounds(1), rounds(2));
}
