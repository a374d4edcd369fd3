//! Everything that commands of this clone left behind because they were killed.

use crate::host::cleanup::Cleanup;
use crate::host::{checkout, workspace};
use crate::stack;

/// Removes processes, containers and files of commands of this clone that ended without cleaning
/// up.
pub(crate) async fn remove() {
    let mut cleanup = Cleanup::default();
    // Processes first, because they may still write files that are removed next.
    cleanup.end_orphans().await;
    stack::clean_up(&mut cleanup).await;
    cleanup.remove_outcomes(&workspace::state_folder());
    checkout::clean_up(&mut cleanup);
    cleanup.print();
}
