//! Tests of `cleanup`.

use super::*;
use crate::host::workspace;

/// The name of an owner that has ended.
fn gone_owner() -> String {
    let own = owner::this_command();
    let within = own.rsplit('-').next().unwrap_or_default();
    format!("{}-{}-1-{within}", workspace::id(), u32::MAX)
}

#[test]
fn only_outcomes_of_ended_owners_are_removed() {
    let folder = workspace::target().join("cleanup-test");
    fs::create_dir_all(&folder).unwrap();
    let gone = format!("{OUTCOME}{}{JSON}", gone_owner());
    let draft = gone.replace(JSON, ".tmp");
    let others = [outcome_name(), format!("{OUTCOME}another-1-1{JSON}"), "report.json".to_owned()];
    for name in others.iter().chain([&gone, &draft]) {
        fs::write(folder.join(name), "").unwrap();
    }
    let mut cleanup = Cleanup::default();
    cleanup.remove_outcomes(&folder);
    cleanup.removed.sort_unstable();
    assert_eq!(cleanup.removed, [gone, draft]);
    assert!(cleanup.failed.is_empty(), "{:?}", cleanup.failed);
    assert!(others.iter().all(|name| folder.join(name).exists()));
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn only_processes_of_ended_owners_are_ended() {
    let sleep = |owner: &str| {
        let mut command = tokio::process::Command::new("sleep");
        command.arg("60").env(owner::VARIABLE, owner).kill_on_drop(true).spawn().unwrap()
    };
    let (mut orphan, mut other, mut own) = (sleep(&gone_owner()), sleep("another-1-1"), sleep(&owner::this_command()));
    let pid = orphan.id().unwrap();
    // Until exec, the process has the environment of this test.
    while owner::orphan(pid).is_none_or(|(_, name)| name != "sleep") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut cleanup = Cleanup::default();
    cleanup.end_orphans().await;
    assert!(cleanup.removed.iter().any(|name| name.contains(&pid.to_string())), "{cleanup:?}");
    assert!(!orphan.wait().await.unwrap().success());
    assert_eq!((other.try_wait().unwrap(), own.try_wait().unwrap()), (None, None));
}
