//! Identities by which a run's coordinator and agents know that they belong together.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _};

use monitoring::catalogue::Catalogue;
use perf_host::proc;
use perf_report::format::hex;
use perf_report::shard::{Identity, SCENARIO};
use perf_settings::NODE;
use sha2::{Digest as _, Sha256};

use super::message::{Hello, PROTOCOL};
use crate::env_variables;

/// Names of values that all processes of a run share.
pub(super) const PROTOCOL_VERSION: &str = "protocol version";
pub(super) const CATALOGUE: &str = "catalogue";

/// This process as a member of a run. Its file is hashed, which takes a tenth of a second.
pub(crate) fn hello(scenario: &str, catalogue: &Catalogue, token: &str) -> io::Result<Hello> {
    Ok(hello_of_build(build()?, scenario, catalogue, token))
}

/// The same of a known build. A coordinator and the processes that it starts run one file, so any
/// text that they share is their build.
pub(crate) fn hello_of_build(build: String, scenario: &str, catalogue: &Catalogue, token: &str) -> Hello {
    Hello {
        protocol: PROTOCOL,
        build,
        scenario: scenario.to_owned(),
        catalogue: hex(&Sha256::digest(format!("{catalogue:?}"))),
        token: token.to_owned(),
        place: place(),
    }
}

pub(crate) fn new_token() -> String {
    hex(&rand::random::<[u8; 32]>())
}

/// The values that all processes of a run share, by name.
pub(super) fn process_values(hello: &Hello) -> Identity {
    let named = [
        (PROTOCOL_VERSION, hello.protocol.to_string()),
        ("build", hello.build.clone()),
        (SCENARIO, hello.scenario.clone()),
        (CATALOGUE, hello.catalogue.clone()),
    ];
    named.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The differences of another process' values from those of this one: "its build is A, not B".
pub(super) fn differences(theirs: &Identity, ours: &Identity) -> Vec<String> {
    let names: BTreeSet<_> = theirs.keys().chain(ours.keys()).collect();
    let shown = |value: Option<&String>| value.map_or_else(|| "missing".to_owned(), |value| shorten(value));
    let differ = names.into_iter().filter(|name| theirs.get(*name) != ours.get(*name));
    differ
        .map(|name| format!("its {} is {}, not {}", shorten(name), shown(theirs.get(name)), shown(ours.get(name))))
        .collect()
}

/// Whether two tokens are equal. The time that it takes tells nothing about them.
pub(super) fn is_same_token(theirs: &str, ours: &str) -> bool {
    Sha256::digest(theirs) == Sha256::digest(ours)
}

/// The beginning of a value, which is enough for people. It comes from a peer or a file. Hashes are
/// cut off sooner.
pub(super) fn shorten(text: &str) -> String {
    let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    monitoring::sanitize::one_line(text).chars().take(if is_hash { 16 } else { 80 }).collect()
}

/// SHA-256 of this process' executable.
fn build() -> io::Result<String> {
    let mut program = File::open(std::env::current_exe()?)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 64 << 10]);
    loop {
        match program.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}

fn place() -> String {
    describe_place(proc::hostname(), env_variables::variable(NODE).filter(|node| !node.is_empty()))
}

/// Process and machine, for people. The name of a pod's machine is that of the pod, so its node
/// follows.
fn describe_place(machine: Option<String>, node: Option<String>) -> String {
    let machine = machine.map(|name| format!(" on {name}")).unwrap_or_default();
    let node = node.map(|name| format!(", node {name}")).unwrap_or_default();
    format!("process {}{machine}{node}", std::process::id())
}

#[cfg(test)]
mod tests;
