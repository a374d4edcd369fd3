//! The user's `kubectl`, with the context and the namespace of a run.

use std::io;
use std::process::{Output, Stdio};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::args::KubernetesArgs;
use crate::host::child;

const PROGRAM: &str = "kubectl";

#[derive(Debug, thiserror::Error)]
pub(crate) enum KubectlError {
    #[error("kubectl is not installed, or not on PATH: install it (https://kubernetes.io/docs/tasks/tools)")]
    NotInstalled,
    #[error("kubectl has no cluster: no context is selected; name one with --context, or set KUBECONFIG")]
    NoContext,
    /// The message of the API server, or of kubectl.
    #[error("kubectl {0}: {1}")]
    Failed(String, String),
    #[error("kubectl {0}: {1}")]
    NotFound(String, String),
    #[error("failed to run kubectl: {0}")]
    Io(#[from] io::Error),
}

/// Program and flags of `kubectl`.
#[derive(Debug, Clone)]
pub(super) struct Kubectl {
    /// Program and first arguments.
    program: Vec<String>,
    context: Option<String>,
    namespace: Option<String>,
}

impl Kubectl {
    pub(super) fn new(args: &KubernetesArgs) -> Self {
        let (context, namespace) = (args.context.clone(), args.namespace.clone());
        Self { program: vec![PROGRAM.to_owned()], context, namespace }
    }

    /// The namespace and context of a run, for messages.
    pub(super) fn place(&self) -> String {
        let part = |part: &str, given: &Option<String>| match given {
            Some(name) => format!("{part} {name}"),
            None => format!("the current {part}"),
        };
        format!("{} of {}", part("namespace", &self.namespace), part("context", &self.context))
    }

    /// A shell script in place of `kubectl`.
    #[cfg(test)]
    pub(super) fn scripted(script: &str) -> Self {
        Self { program: ["sh", "-c", script, PROGRAM].map(str::to_owned).to_vec(), context: None, namespace: None }
    }

    /// A command that a Ctrl-C at the terminal does not reach.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = child::attached(&self.program[0]);
        let flag = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("--{name}={value}"));
        command.args(&self.program[1..]).args(args);
        command.args(flag("context", &self.context)).args(flag("namespace", &self.namespace));
        command
    }

    /// Runs a command to its end. Returns its output.
    pub(super) async fn run(&self, args: &[&str]) -> Result<String, KubectlError> {
        self.run_with(args, b"").await
    }

    /// Creates an object. Returns it as the cluster has it.
    pub(super) async fn create(&self, manifest: &Value) -> Result<Value, KubectlError> {
        let args = ["create", "--filename=-", "--output=json"];
        parse(&self.run_with(&args, manifest.to_string().as_bytes()).await?)
    }

    pub(super) async fn list<T: DeserializeOwned>(&self, kind: &str, selector: &str) -> Result<Vec<T>, KubectlError> {
        #[derive(Deserialize)]
        struct List<T> {
            items: Vec<T>,
        }
        Ok(self.get::<List<T>>(kind, selector).await?.items)
    }

    /// Gets an object by its name, or a list by its selector.
    pub(super) async fn get<T: DeserializeOwned>(&self, kind: &str, which: &str) -> Result<T, KubectlError> {
        parse(&self.run(&["get", kind, which, "--output=json"]).await?)
    }

    /// Whether `kubectl auth can-i` allows it.
    pub(super) async fn is_allowed(&self, right: &[&str]) -> Result<bool, KubectlError> {
        let args = [&["auth", "can-i"], right].concat();
        let output = self.output(&args, b"").await?;
        // Warnings are in the other stream, and the exit code is 1 for "no" and for errors.
        match output.stdout.first_chunk::<2>() {
            Some(b"ye") => Ok(true),
            Some(b"no") => Ok(false),
            _ => Err(failure(&args, &output.stderr)),
        }
    }

    async fn run_with(&self, args: &[&str], input: &[u8]) -> Result<String, KubectlError> {
        let output = self.output(args, input).await?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(failure(args, &output.stderr)),
        }
    }

    async fn output(&self, args: &[&str], input: &[u8]) -> Result<Output, KubectlError> {
        let mut command = self.command(args);
        command.arg("--request-timeout=30s");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(not_started)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that ends early does not read all of it, and tells why.
            drop(stdin.write_all(input).await);
        }
        Ok(child.wait_with_output().await?)
    }
}

/// The error of a program that does not start.
pub(super) fn not_started(error: io::Error) -> KubectlError {
    if error.kind() == io::ErrorKind::NotFound { KubectlError::NotInstalled } else { KubectlError::Io(error) }
}

fn parse<T: DeserializeOwned>(json: &str) -> Result<T, KubectlError> {
    serde_json::from_str(json).map_err(|error| KubectlError::Io(error.into()))
}

/// The error of a command, from what it printed. Warnings come before the error, which may have
/// several lines.
pub(super) fn failure(args: &[&str], printed: &[u8]) -> KubectlError {
    const BEGINNINGS: [&str; 4] = ["error: ", "Error ", "The ", "Unable to "];
    let printed = String::from_utf8_lossy(printed);
    // The address that kubectl uses if no file names another one.
    let without_context = ["The connection to the server localhost:8080 ", "current-context is not set"];
    if without_context.iter().any(|text| printed.contains(text)) {
        return KubectlError::NoContext;
    }
    let words: Vec<_> = args.iter().take_while(|arg| !arg.starts_with('-')).copied().collect();
    let command = words.join(" ");
    let lines: Vec<_> = printed.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let begins = |line: &&str| BEGINNINGS.iter().any(|beginning| line.starts_with(beginning));
    let first = lines.iter().position(begins).unwrap_or(lines.len().saturating_sub(1));
    let message = lines[first..].join(" ");
    let message = message.clone() + advise(&message);
    match message.strip_prefix("Error from server (NotFound): ") {
        Some(missing) => KubectlError::NotFound(command, missing.to_owned()),
        None if message.is_empty() => KubectlError::Failed(command, "it failed without a message".to_owned()),
        None => KubectlError::Failed(command, message.trim_start_matches("error: ").to_owned()),
    }
}

/// Remedy for a name that the cluster or kubectl does not know.
fn advise(message: &str) -> &'static str {
    match message {
        _ if message.contains("context \"") && message.ends_with("\" does not exist") => {
            "; kubectl config get-contexts lists those that exist"
        }
        _ if message.contains("namespaces \"") && message.ends_with("\" not found") => {
            "; create it, or name another with --namespace"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests;
