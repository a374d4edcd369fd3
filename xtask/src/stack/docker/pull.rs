//! Pulls a public image without credentials.

use std::time::Duration;

use futures::TryStreamExt as _;
use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::CreateImageOptions;
use tokio::time;

use super::super::images;

/// Pulls an image without credentials. The credentials of a Docker Desktop that is signed in are
/// tokens. testcontainers sends them as a password, which the registry refuses as "unauthorized"
/// (<https://github.com/testcontainers/testcontainers-rs/pull/935>).
///
/// A failure is not an error: testcontainers then pulls with the user's credentials, as a private
/// registry needs them, and reports its own error.
pub(super) async fn pull_without_credentials(docker: &Docker, image: &str, limit: Duration) {
    let (name, tag) = images::split(image);
    let (from_image, tag) = (Some(name.to_owned()), Some(tag.to_owned()));
    let options = CreateImageOptions { from_image, tag, ..CreateImageOptions::default() };
    let pulled = docker.create_image(Some(options), None, None).try_for_each(async |_| Ok(()));
    drop(time::timeout(limit, pulled).await);
}

#[cfg(all(test, unix))]
mod tests;
