//! Tests of the program's end.

use super::*;

#[tokio::test]
async fn a_panic_of_a_command_exits_70() {
    assert_eq!(wait_for_exit_code(async { panic!("on purpose") }).await, ExitCode::Internal);
    assert_eq!(wait_for_exit_code(async { Ok(ExitCode::Missed) }).await, ExitCode::Missed);
}
