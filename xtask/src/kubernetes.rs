//! Load by pods of a Kubernetes cluster, through the user's `kubectl`.
//!
//! A run is a Job with one pod, the coordinator, and an Indexed Job of agents. Scheduling, limits,
//! logs and removal are Kubernetes': nothing is installed in the cluster, and pods have no rights.
//! The coordinator's Job owns everything else of a run, so that it ends with it.

mod args;
mod coordinator_log;
mod kubectl;
mod launch_error;
mod launcher;
mod manifests;
mod pod_watch;
mod pods;
mod rights;

pub(crate) use args::KubernetesArgs;
pub(crate) use launch_error::LaunchError;
pub(crate) use launcher::{LaunchedRun, Launcher};
pub(crate) use manifests::{FOLDER, USER, exported_manifests};
