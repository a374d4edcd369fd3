//! Tests of `perf_error`.

use anyhow::anyhow;

use super::*;

fn cleaned_up(result: Result<ExitCode, PerfError>, cleaned: anyhow::Result<()>) -> Result<ExitCode, PerfError> {
    after_cleanup(result, |code| *code, cleaned)
}

#[test]
fn the_first_error_comes_before_that_of_the_clean_up() {
    let left = || Err(anyhow!("no daemon").context("failed to stop the stack"));
    let first = || Err(PerfError::Shards(anyhow!("a is not a URL")));
    let both = cleaned_up(first(), left()).unwrap_err();
    assert_eq!(both.to_string(), "a is not a URL; also failed to stop the stack: no daemon");
    assert_eq!((both.code(), both.verdict().as_str()), (ExitCode::BadConfiguration, "did not run (exit 104)"));
    assert_eq!(cleaned_up(first(), Ok(())).unwrap_err().to_string(), "a is not a URL");
}

#[tokio::test]
async fn a_panic_is_an_error_before_the_clean_up() {
    let panicked = catch_panic(async { panic!("on purpose") }).await;
    let error = cleaned_up(panicked, Err(anyhow!("failed to stop the stack"))).unwrap_err();
    assert_eq!((error.verdict().as_str(), error.code()), ("internal error (exit 70)", ExitCode::Internal));
    assert!(error.to_string().ends_with("report the message above; also failed to stop the stack"), "{error}");
}

#[test]
fn a_clean_up_that_fails_after_a_success_is_an_error() {
    let left = || Err(anyhow!("a checkout is left"));
    for (own, code) in [
        (ExitCode::Met, ExitCode::Internal),
        (ExitCode::Missed, ExitCode::Internal),
        (ExitCode::Interrupted, ExitCode::Interrupted),
    ] {
        let error = cleaned_up(Ok(own), left()).unwrap_err();
        assert_eq!(error.verdict(), format!("the clean-up failed (exit {})", code.code()));
        assert_eq!((error.to_string().as_str(), error.code()), ("a checkout is left", code));
        assert_eq!(cleaned_up(Ok(own), Ok(())).unwrap(), own);
    }
}
