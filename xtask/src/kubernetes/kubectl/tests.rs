//! Tests of `kubectl`.

use super::*;

fn make_error(printed: &str) -> KubectlError {
    failure(&["get", "pods", "a", "--output=json"], printed.as_bytes())
}

#[test]
fn an_error_of_kubectl_has_all_its_lines_and_no_warning() {
    let missing = make_error("Warning: old\nError from server (NotFound): pods \"a\" not found\n");
    assert!(matches!(missing, KubectlError::NotFound(..)));
    assert_eq!(missing.to_string(), "kubectl get pods a: pods \"a\" not found");
    let invalid = "Warning: old\nThe Job \"a\" is invalid: \n* spec.b: Required value\n* spec.c: Invalid value\n";
    let message = "kubectl get pods a: The Job \"a\" is invalid: * spec.b: Required value * spec.c: Invalid value";
    assert_eq!(make_error(invalid).to_string(), message);
    assert_eq!(make_error("error: x\n").to_string(), "kubectl get pods a: x");
    assert_eq!(make_error(" \n").to_string(), "kubectl get pods a: it failed without a message");
}

#[test]
fn an_unknown_context_or_namespace_comes_with_advice() {
    let context = make_error("error: context \"a\" does not exist\n").to_string();
    assert!(context.ends_with("context \"a\" does not exist; kubectl config get-contexts lists those that exist"));
    let namespace = "Error from server (NotFound): error when creating \"STDIN\": namespaces \"a\" not found\n";
    let namespace = make_error(namespace).to_string();
    assert!(namespace.ends_with("namespaces \"a\" not found; create it, or name another with --namespace"));
}

#[test]
fn only_the_default_address_means_that_no_context_is_selected() {
    let refused = "E1 memcache.go] x\nThe connection to the server localhost:8080 was refused - did you specify …\n";
    assert!(matches!(make_error(refused), KubectlError::NoContext));
    let proxy = "Error from server (Forbidden): Get \"http://localhost:8080/api/v1/pods\": forbidden\n";
    assert!(matches!(make_error(proxy), KubectlError::Failed(..)));
}

#[tokio::test]
async fn a_missing_kubectl_is_named() {
    let program = vec!["no-such-kubectl".to_owned()];
    let kubectl = Kubectl { program, context: None, namespace: None };
    let error = kubectl.run(&["get", "pods"]).await.unwrap_err();
    assert!(error.to_string().starts_with("kubectl is not installed, or not on PATH: install it"), "{error}");
}
