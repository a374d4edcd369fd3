//! Tests of `args`.

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

#[test]
fn a_wrong_quantity_is_refused() {
    let parse = |flag: &str| Line::try_parse_from(["perf", flag, "--image=a"]).map_err(|error| error.to_string());
    for flag in ["--pod-cpu=0.5", "--pod-cpu=500m", "--pod-memory=2Gi", "--pod-memory=1500000"] {
        assert!(parse(flag).is_ok(), "{flag}");
    }
    for flag in ["--pod-cpu=", "--pod-cpu=200x", "--pod-memory=2GB", "--pod-memory=-1Gi", "--pod-memory=Gi"] {
        let error = parse(flag).unwrap_err();
        assert!(error.contains("is not a quantity such as 2, 500m or 2Gi"), "{error}");
    }
}

#[test]
fn thousandths_of_a_byte_are_refused() {
    let error = Line::try_parse_from(["perf", "--image=a", "--pod-memory=500m"]).unwrap_err().to_string();
    assert!(error.contains("\"500m\" is not a quantity of memory such as 500Mi or 2Gi"), "{error}");
}

#[test]
fn flags_of_pods_need_an_image() {
    for flag in ["--pod-cpu=2", "--pod-memory=1Gi", "--context=a", "--namespace=a"] {
        let error = Line::try_parse_from(["perf", flag]).unwrap_err();
        assert!(error.to_string().contains("--image"), "{error}");
        assert!(Line::try_parse_from(["perf", flag, "--image=a"]).is_ok(), "{flag}");
    }
}
