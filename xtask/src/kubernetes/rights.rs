//! The rights of the user that a run needs, asked for before anything is created.

use futures::future::try_join_all;

use super::kubectl::{Kubectl, KubectlError};

/// Verbs and resources. Events only explain why pods are missing, so that they are not needed.
const NEEDED: [(&str, &str); 7] = [
    ("create", "jobs.batch"),
    ("delete", "jobs.batch"),
    ("create", "secrets"),
    ("create", "networkpolicies.networking.k8s.io"),
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
        match kubectl.run(&["auth", "can-i", verb, resource, "--quiet"]).await {
            Ok(_) => Ok(None),
            // The answer is no.
            Err(KubectlError::Silent(_)) => Ok(Some(format!("{verb} {resource}"))),
            Err(error) => Err(error),
        }
    });
    Ok(try_join_all(asked).await?.into_iter().flatten().collect())
}
