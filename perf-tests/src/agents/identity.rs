//! Identities by which a run's coordinator and agents know that they belong together.

use std::fs::File;
use std::io::{self, Read as _};

use monitoring::catalogue::Catalogue;
use perf_host::proc;
use perf_report::format::hex;
use sha2::{Digest as _, Sha256};

use super::message::{Hello, PROTOCOL};

/// This process as a member of a run.
pub(crate) fn hello(scenario: &str, catalogue: &Catalogue, token: &str) -> io::Result<Hello> {
    Ok(Hello {
        protocol: PROTOCOL,
        build: build()?,
        scenario: scenario.to_owned(),
        catalogue: hex(&Sha256::digest(format!("{catalogue:?}"))),
        token: token.to_owned(),
        place: place(),
    })
}

/// A random token.
pub(crate) fn new_token() -> String {
    hex(&rand::random::<[u8; 32]>())
}

/// The differences between an agent and the coordinator, except the token.
pub(super) fn differences(agent: &Hello, here: &Hello) -> Vec<String> {
    let both = [
        ("protocol version", agent.protocol.to_string(), here.protocol.to_string()),
        ("scenario", agent.scenario.clone(), here.scenario.clone()),
        ("catalogue", agent.catalogue.clone(), here.catalogue.clone()),
        ("build", agent.build.clone(), here.build.clone()),
    ];
    let differ = both.into_iter().filter(|(_, theirs, ours)| theirs != ours);
    differ.map(|(name, theirs, ours)| format!("its {name} is {}, not {}", shorten(&theirs), shorten(&ours))).collect()
}

/// Whether two tokens are equal. The time that it takes tells nothing about them.
pub(super) fn is_same_token(theirs: &str, ours: &str) -> bool {
    Sha256::digest(theirs) == Sha256::digest(ours)
}

/// The beginning of a hash, which is enough for people. The text comes from a peer.
fn shorten(text: &str) -> String {
    monitoring::sanitize::one_line(text).chars().take(16).collect()
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
    let machine = proc::hostname().map(|name| format!(" on {name}")).unwrap_or_default();
    format!("process {}{machine}", std::process::id())
}

#[cfg(test)]
mod tests;
