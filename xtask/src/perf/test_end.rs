//! End of the test of a scenario.

use std::process::ExitStatus;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TestEnd {
    Passed,
    /// It failed in a process of this machine.
    Failed(ExitStatus),
    /// It failed in a pod, with this exit code.
    FailedInPod(i32),
}

impl TestEnd {
    /// The end of a test in a pod. An unknown exit code counts as passed.
    pub(crate) const fn in_pod(exit_code: Option<i32>) -> Self {
        match exit_code {
            None | Some(0) => Self::Passed,
            Some(code) => Self::FailedInPod(code),
        }
    }

    /// Describes a test that failed after something else had succeeded: `after` says what. `None`
    /// if the test passed.
    pub(crate) fn describe_failure(self, after: &str, test: &str) -> Option<String> {
        let how = match self {
            Self::Passed => return None,
            Self::Failed(status) => status.to_string(),
            Self::FailedInPod(code) => format!("exit code {code}"),
        };
        Some(format!("{after}, but then the test {test} failed ({how})"))
    }
}

impl From<ExitStatus> for TestEnd {
    fn from(status: ExitStatus) -> Self {
        if status.success() { Self::Passed } else { Self::Failed(status) }
    }
}
