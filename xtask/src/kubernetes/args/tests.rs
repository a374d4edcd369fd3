//! Tests of `args`.

use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: KubernetesArgs,
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
