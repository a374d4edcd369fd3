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
mod tests;
