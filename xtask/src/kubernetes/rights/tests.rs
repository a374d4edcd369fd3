//! Tests of `rights`.

use super::*;

/// As `kubectl auth can-i`: it prints warnings to the other stream, and takes TYPE/NAME for one
/// object.
#[tokio::test]
async fn each_missing_right_is_named_even_beside_warnings() {
    let script = r#"
            echo "Warning: the plugin is old" >&2
            case "$*" in
                *"create jobs.batch"* | *"delete "* | *"create n"* | *"list pods"* | *" pods/log"*) echo yes ;;
                *"get pods --subresource=log"*) echo no; exit 1 ;;
                *"get pods"*) echo yes ;;
                *) echo "no - the role does not have it"; exit 1 ;;
            esac"#;
    assert_eq!(missing(&Kubectl::scripted(script)).await.unwrap(), ["create secrets", "get pods/log"]);
    let error = missing(&Kubectl::scripted("echo 'Unable to connect to the server' >&2; exit 1")).await;
    assert!(error.unwrap_err().to_string().contains("Unable to connect"));
}
