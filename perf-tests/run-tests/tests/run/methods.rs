//! Methods and bodies of requests, as a server receives them.

use super::*;
use test_support::exact_server::ExactServer;
use test_support::raw_service::{Action, RawService};

const PURGE: Endpoint = Endpoint::new("purge", "Purge", Method::Custom("PURGE"), "/cache");
const METHODS: Catalogue = Catalogue {
    endpoints: &[PURGE],
    critical: &[PURGE],
    slos: &[Slo::success_above(PURGE, Ratio::percent(99))],
    ..CATALOGUE
};

fn hello(_: &str) -> (Vec<(&'static str, String)>, Vec<u8>) {
    (vec![("x-method", "seen".to_owned())], b"hello".to_vec())
}

fn purges(iterations: u64) -> Scenario {
    Scenario::new("purges", &METHODS).exercises(&[PURGE]).load(shared_iterations(1, iterations))
}

#[test]
fn every_method_and_a_form_reach_the_server() {
    let server = ExactServer::http1(hello);
    let finished =
        purges(20).run_with(settings_at(&server.url, None, "methods-1", &[]), async |vu: &mut Vu, (): &()| {
            anyhow::ensure!(vu.request(PURGE).send().await?.body() == b"hello");
            let head = vu.unjudged(Method::Head, "/head").send().await?;
            anyhow::ensure!((head.body(), head.header("content-length")) == (&b""[..], Some(&b"5"[..])), "{head:?}");
            vu.unjudged(Method::Options, "/options").send().await?;
            vu.unjudged(Method::Post, "/form").form(&[("name", "Ada & Bob"), ("é", "1+1")]).send().await?;
            Ok(())
        });
    let report = finished.report().unwrap();
    assert_eq!((code(&finished), report.unjudged.failed), (ExitCode::Met, 0), "{:?}", report.failures);
    for (path, method) in [("/cache", "purge"), ("/head", "head"), ("/options", "options"), ("/form", "post")] {
        let received = server.received(path);
        assert_eq!(received.len(), 20);
        assert!(received.iter().all(|(head, _)| head.starts_with(&format!("{method} {path} "))), "{received:?}");
    }
    let (head, body) = &server.received("/form")[19];
    assert!(head.contains("\r\ncontent-type: application/x-www-form-urlencoded\r\n"), "{head}");
    assert_eq!(body, b"name=Ada+%26+Bob&%C3%A9=1%2B1");
}

#[test]
fn a_custom_method_is_not_sent_twice() {
    let server = RawService::start(|request| match request.number {
        1 => Action::Respond,
        _ => Action::Close,
    });
    let finished = purges(20).run_with(settings_at(&server.url, None, "purge-1", &[]), async |vu: &mut Vu, (): &()| {
        vu.request(PURGE).send().await?;
        Ok(())
    });
    let report = finished.report().unwrap();
    assert_eq!(report.endpoints[0].errors[&FailureKind::Unanswered], 10);
    assert_eq!(report.endpoints[0].reconnects, 0);
}

#[test]
fn an_invalid_method_ends_the_run() {
    for method in ["", "GET /", "CONNECT"] {
        let server = ExactServer::http1(hello);
        let finished = purges(2).run_with(
            settings_at(&server.url, None, "no-method-1", &[]),
            async move |vu: &mut Vu, (): &()| {
                vu.unjudged(Method::Custom(method), "/").send().await?;
                Ok(())
            },
        );
        assert_eq!(code(&finished), ExitCode::BadConfiguration, "{method:?}");
    }
}
