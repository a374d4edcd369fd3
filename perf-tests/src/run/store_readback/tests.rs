//! Tests of `store_readback`.

use super::*;

#[test]
#[cfg(target_os = "linux")]
fn a_store_that_a_pod_cannot_reach_is_not_for_the_doctor() {
    let pod = format!("it was tried from pod {}", proc::hostname().unwrap());
    assert_eq!(advise(Some(&OutcomePlace::Log)), pod);
    for here in [None, Some(&OutcomePlace::File("outcome.json".into()))] {
        assert_eq!(advise(here), "check it with cargo xtask stack doctor");
    }
}
