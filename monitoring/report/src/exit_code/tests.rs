//! Tests of `exit_code`.

use super::*;

#[test]
fn the_most_severe_code_wins() {
    use ExitCode::{BadConfiguration, Inconclusive, Internal, Interrupted, Met, Missed};
    assert_eq!(Inconclusive.or_worse(Missed), Missed);
    assert_eq!(Missed.or_worse(Internal), Internal);
    assert_eq!(Internal.or_worse(Interrupted), Interrupted);
    assert_eq!(Interrupted.or_worse(BadConfiguration), BadConfiguration);
    assert_eq!(Met.or_worse(Inconclusive), Inconclusive);
    assert_eq!(ExitCode::from(99), Missed);
}
