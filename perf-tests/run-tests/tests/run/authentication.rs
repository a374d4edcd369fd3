//! Examples of authentication, each with the tests that run it against a server of its kind.
//!
//! - [`basic`]: user and password, of each user of a file.
//! - [`bearer`]: a token that is renewed with a refresh token.
//! - [`client_credentials`]: a token of OAuth 2.0 for a program.
//! - [`sigv4`]: a signature of each request, as AWS asks for.

mod basic;
mod bearer;
mod client_credentials;
mod sigv4;
mod sigv4_server;
mod token_server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use monitoring::catalogue::Catalogue;
use monitoring::endpoint::{Endpoint, Host, Method};
use monitoring::ratio::Ratio;
use monitoring::slo::Slo;
use perf_settings::Settings;

use super::CATALOGUE;

const LOGIN: Host = Host::new("login", "Login server");
const READ: Endpoint = Endpoint::new("read", "Read a document", Method::Get, "/documents/{id}");
const WRITE: Endpoint = Endpoint::new("write", "Write a document", Method::Post, "/documents/{id}");
const TOKEN: Endpoint = Endpoint::new("token", "Request a token", Method::Post, "/token").on(LOGIN);
const DOCUMENTS: Catalogue = Catalogue {
    service: "documents",
    title: "Documents",
    endpoints: &[READ, WRITE, TOKEN],
    critical: &[],
    slos: &[Slo::p95(READ, Duration::from_secs(2)), Slo::errors_below(Ratio::percent(1))],
    ..CATALOGUE
};

/// A part of each password, secret and token of these tests.
const SECRET: &str = "hunter2";

/// The settings of a run against a login server and the service of documents.
fn settings(url: &str, testid: &str) -> Settings {
    super::settings_at(&format!("{url} login={url}"), None, testid, &[])
}

/// A file with a secret, which its test removes.
fn secret_file(name: &str, secret: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, format!("{secret}\n")).unwrap();
    path
}

/// Asserts that no file of a run has a secret.
fn assert_no_secret(settings: &Settings) {
    let folder = settings.out.as_ref().unwrap().join(settings.testid.as_ref().unwrap());
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        assert!(!text.contains(SECRET), "{} has a secret", path.display());
        files += 1;
    }
    assert!(files > 0, "{} has no files", folder.display());
}
