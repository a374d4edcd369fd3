//! Encrypted messages between coordinator and agents.

use std::path::Path;
use std::process::Child;

use perf_report::exit_code::ExitCode;
use test_support::fake_server::free_port;

use super::super::Service;
use super::super::tls::{authority, text};
use super::{Run, scenario};

const TOKEN: &str = "a token that only the test knows";

/// Starts an agent that trusts the certificates in this file, or that does not encrypt.
fn agent(address: &str, trusted: Option<&Path>) -> Child {
    let mut command = scenario("shared");
    command.env(perf_settings::AGENT_JOIN, address).env(perf_settings::AGENT_TOKEN, TOKEN);
    command.envs(trusted.map(|file| (perf_settings::AGENT_CA, file)));
    command.spawn().unwrap()
}

fn printed(agent: Child) -> String {
    String::from_utf8(agent.wait_with_output().unwrap().stderr).unwrap()
}

#[test]
fn agents_join_over_tls_and_others_are_refused() {
    let (service, own, other) = (Service::start(), authority("agents"), authority("agents-other"));
    let identity = own.sign("localhost");
    let file = identity.certificate.with_extension("both");
    let parts = [&identity.certificate, &identity.key].map(|part| std::fs::read_to_string(part).unwrap());
    std::fs::write(&file, parts.concat()).unwrap();
    let port = free_port();
    let (listen, join) = (format!("127.0.0.1:{port}"), format!("localhost:{port}"));
    let variables = [
        (perf_settings::AGENTS, "2"),
        (perf_settings::LISTEN, listen.as_str()),
        (perf_settings::LISTEN_CERTIFICATE, text(&file)),
        (perf_settings::AGENT_TOKEN, TOKEN),
    ];
    let run = Run::start_with(&service, "encrypted", "shared", &variables);
    let stranger = printed(agent(&join, Some(&other.file)));
    assert!(stranger.contains("TLS failed") && stranger.contains("PERF_AGENT_CA must be"), "{stranger}");
    assert_eq!(stranger.matches("PERF_AGENT_CA").count(), 1, "{stranger}");
    let missing = printed(agent(&join, Some(Path::new("/none.pem"))));
    assert!(missing.contains("/none.pem") && missing.matches("PERF_AGENT_CA").count() == 1, "{missing}");
    let open = printed(agent(&join, None));
    assert!(open.contains("refused this agent: it uses TLS: set PERF_AGENT_CA"), "{open}");
    let agents = [agent(&join, Some(&own.file)), agent(&join, Some(&own.file))];
    let report = run.finish().unwrap();
    assert_eq!((report.exit_code, report.iterations.completed), (ExitCode::Met, 61), "{:?}", report.findings);
    for agent in agents {
        assert_eq!(printed(agent), "");
    }
}

#[test]
fn an_address_outside_private_networks_needs_a_certificate() {
    let service = Service::start();
    for (name, address, cause) in [
        ("everywhere", "0.0.0.0:0", "stands for all addresses of this machine"),
        ("public", "203.0.113.5:7070", "is a public address"),
    ] {
        let variables =
            [(perf_settings::AGENTS, "2"), (perf_settings::LISTEN, address), (perf_settings::AGENT_TOKEN, TOKEN)];
        let printed = Run::start_with(&service, name, "shared", &variables).finish().unwrap_err();
        let named = printed.contains(&format!("{address} {cause}"));
        assert!(printed.contains("--listen-certificate FILE") && named, "{printed}");
    }
    assert_eq!(service.requests(), 0);
}

#[test]
fn a_certificate_without_its_key_ends_the_run() {
    let (service, own) = (Service::start(), authority("agents-key"));
    let [identity, other] = [own.sign("localhost"), own.sign("127.0.0.1")];
    let both = identity.certificate.with_extension("other");
    let parts = [&identity.certificate, &other.key].map(|part| std::fs::read_to_string(part).unwrap());
    std::fs::write(&both, parts.concat()).unwrap();
    for (name, file, cause) in [
        ("no-key", &identity.certificate, "it contains no unencrypted private key"),
        ("other-key", &both, "it is not that of the first certificate"),
    ] {
        let variables = [
            (perf_settings::AGENTS, "2"),
            (perf_settings::LISTEN, "127.0.0.1:0"),
            (perf_settings::LISTEN_CERTIFICATE, text(file)),
            (perf_settings::AGENT_TOKEN, TOKEN),
        ];
        let printed = Run::start_with(&service, name, "shared", &variables).finish().unwrap_err();
        let remedy = "; give a file with the certificate and its key with --listen-certificate FILE (or PERF_LISTEN";
        assert!(printed.contains(&format!("{cause}{remedy}")), "{printed}");
    }
}
