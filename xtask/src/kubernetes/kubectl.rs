//! The user's `kubectl`, with the context and the namespace of a run.

use std::io;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::args::KubernetesArgs;
use crate::host::owner;

const PROGRAM: &str = "kubectl";

/// Why a command of `kubectl` failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KubectlError {
    #[error("kubectl is not installed, or not on PATH: install it (https://kubernetes.io/docs/tasks/tools)")]
    NotInstalled,
    #[error("kubectl has no cluster: no context is selected; name one with --context, or set KUBECONFIG")]
    NoContext,
    /// The message of the API server, or of kubectl.
    #[error("kubectl {0}: {1}")]
    Failed(String, String),
    /// The cluster has no such object.
    #[error("kubectl {0}: {1}")]
    NotFound(String, String),
    /// It printed nothing. `kubectl auth can-i --quiet` says no by that.
    #[error("kubectl {0} failed without a message")]
    Silent(String),
    #[error("failed to run kubectl: {0}")]
    Io(#[from] io::Error),
}

/// How `kubectl` is called.
#[derive(Debug, Clone)]
pub(super) struct Kubectl {
    /// Flags of every call.
    flags: Vec<String>,
}

impl Kubectl {
    pub(super) fn new(args: &KubernetesArgs) -> Self {
        let flag = |name: &str, value: &Option<String>| value.iter().map(|value| format!("--{name}={value}")).collect();
        let flags: [Vec<String>; 2] = [flag("context", &args.context), flag("namespace", &args.namespace)];
        Self { flags: flags.concat() }
    }

    /// A command that a Ctrl-C at the terminal does not reach.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(args).args(&self.flags).kill_on_drop(true);
        owner::attach(&mut command);
        command
    }

    /// Runs a command to its end. Returns its output.
    ///
    /// # Errors
    /// If it fails.
    pub(super) async fn run(&self, args: &[&str]) -> Result<String, KubectlError> {
        self.run_with(args, b"").await
    }

    /// Creates an object. Returns it as the cluster has it.
    ///
    /// # Errors
    /// If the cluster refuses it.
    pub(super) async fn create(&self, manifest: &Value) -> Result<Value, KubectlError> {
        let args = ["create", "--filename=-", "--output=json"];
        parse(&self.run_with(&args, manifest.to_string().as_bytes()).await?)
    }

    /// Lists objects of a kind.
    ///
    /// # Errors
    /// If the cluster refuses that.
    pub(super) async fn list(&self, kind: &str, selector: &str) -> Result<Value, KubectlError> {
        parse(&self.run(&["get", kind, selector, "--output=json"]).await?)
    }

    async fn run_with(&self, args: &[&str], input: &[u8]) -> Result<String, KubectlError> {
        let mut command = self.command(args);
        command.arg("--request-timeout=30s");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(not_started)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that ends early does not read all of it, and tells why.
            drop(stdin.write_all(input).await);
        }
        let output = child.wait_with_output().await?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(failure(args, &String::from_utf8_lossy(&output.stderr)))
    }
}

/// The error of a program that does not start.
pub(super) fn not_started(error: io::Error) -> KubectlError {
    if error.kind() == io::ErrorKind::NotFound { KubectlError::NotInstalled } else { KubectlError::Io(error) }
}

fn parse(json: &str) -> Result<Value, KubectlError> {
    serde_json::from_str(json).map_err(|error| KubectlError::Io(error.into()))
}

/// The error of a command, from what it printed. The last line is the cause: warnings come before.
fn failure(args: &[&str], printed: &str) -> KubectlError {
    // The address that kubectl uses if no file names another one.
    if printed.contains("localhost:8080") || printed.contains("current-context is not set") {
        return KubectlError::NoContext;
    }
    let words: Vec<_> = args.iter().take_while(|arg| !arg.starts_with('-')).copied().collect();
    let command = words.join(" ");
    let Some(last) = printed.lines().map(str::trim).rfind(|line| !line.is_empty()) else {
        return KubectlError::Silent(command);
    };
    match last.strip_prefix("Error from server (NotFound): ") {
        Some(missing) => KubectlError::NotFound(command, missing.to_owned()),
        None => KubectlError::Failed(command, last.trim_start_matches("error: ").to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_kubectl_is_its_last_line() {
        let missing = "Error from server (NotFound): pods \"a\" not found\n";
        let error = failure(&["get", "pods", "a", "--output=json"], missing);
        assert!(matches!(error, KubectlError::NotFound(..)));
        assert_eq!(error.to_string(), "kubectl get pods a: pods \"a\" not found");
        assert!(matches!(failure(&["auth"], " \n"), KubectlError::Silent(_)));
        let refused =
            "E1 memcache.go] x\nThe connection to the server localhost:8080 was refused - did you specify …\n";
        assert!(matches!(failure(&["get"], refused), KubectlError::NoContext));
    }
}
