//! Tests of `panics`.

use super::*;

#[test]
fn a_kept_panic_has_its_message_and_place() {
    let kept = KeptPanics::keep();
    let line = line!() + 1;
    let payload = panic::catch_unwind(|| panic!("on {}", "purpose")).unwrap_err();
    assert_eq!(KeptPanics::take(payload.as_ref()), format!("on purpose, at {}:{line}", file!()));
    assert_eq!(KeptPanics::take(payload.as_ref()), "on purpose", "it was removed already");
    drop(kept);
}
