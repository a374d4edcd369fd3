//! Tests of `owner`.

use super::*;

#[test]
fn an_owner_is_not_a_later_process_with_its_id() {
    assert!(!is_gone(&this_command()));
    let (pid, start) = parse(&this_command()).unwrap();
    let name = |pid: u32, start: u64, within: u64| format!("{}-{pid}-{start}-{within}", workspace::id());
    assert!(is_gone(&name(pid, start + 1, namespace())), "a later process has the id");
    assert!(is_gone(&name(u32::MAX, start, namespace())), "the process does not exist");
    assert!(!is_gone(&name(u32::MAX, start, namespace() + 1)), "it may exist in the other namespace");
    assert_eq!(running_owner(&this_command()), None, "it is this command");
    let init = name(1, proc::start_time(1).unwrap(), namespace());
    assert_eq!(running_owner(&init), Some(1));
    assert_eq!(running_owner(&name(u32::MAX, start, namespace())), None);
    for other in ["", "x", "another-1-1", &format!("{}-1", workspace::id())] {
        assert!(!is_gone(other), "{other:?} is not an owner of this clone");
    }
}
