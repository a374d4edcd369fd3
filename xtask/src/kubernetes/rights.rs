//! The rights of the user that a run needs, asked for before anything is created.

use futures::future::try_join_all;

use super::kubectl::{Kubectl, KubectlError};

/// Verbs and resources. Events only explain why pods are missing, so that they are not needed.
const NEEDED: [(&str, &str); 8] = [
    ("create", "jobs.batch"),
    ("delete", "jobs.batch"),
    ("create", "secrets"),
    ("create", "networkpolicies.networking.k8s.io"),
    ("get", "pods"),
    ("list", "pods"),
    ("delete", "pods"),
    ("get", "pods/log"),
];

/// The rights that the user does not have, as texts such as "create secrets".
///
/// # Errors
/// If the cluster cannot be asked.
pub(super) async fn missing(kubectl: &Kubectl) -> Result<Vec<String>, KubectlError> {
    let asked = NEEDED.map(|(verb, resource)| async move {
        // For kubectl, "pods/log" would be the pod with the name "log".
        let allowed = match resource.split_once('/') {
            Some((kind, part)) => kubectl.is_allowed(&[verb, kind, &format!("--subresource={part}")]).await?,
            None => kubectl.is_allowed(&[verb, resource]).await?,
        };
        Ok::<_, KubectlError>((!allowed).then(|| format!("{verb} {resource}")))
    });
    Ok(try_join_all(asked).await?.into_iter().flatten().collect())
}

#[cfg(all(test, unix))]
mod tests {
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
}
