//! Tests of `kubernetes`.

use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: KubernetesArgs,
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn check(target: &str, prometheus: Option<&str>) -> Result<(), Refusal> {
    let mut settings = Settings::new(url(target));
    settings.on_kubernetes = true;
    settings.prometheus = prometheus.map(url);
    Line::try_parse_from(["perf", "--image", "a"]).unwrap().args.check(&settings, true)
}

#[test]
fn urls_that_only_this_machine_reaches_are_refused() {
    assert_eq!(check("http://a", Some("http://store:9090")), Ok(()));
    let hosts = ["localhost.", "0.0.0.0", "[::]", "[::1]", "[::ffff:127.0.0.1]", "127.0.0.2", "a.localhost"];
    for url in hosts.map(|host| format!("http://{host}:8000")) {
        let message = check(&url, None).unwrap_err().to_string();
        assert!(message.contains("pods do not reach "), "{message}");
        let message = check("http://a", Some(&url)).unwrap_err().to_string();
        assert!(message.contains("pods do not reach "), "{message}");
    }
}
