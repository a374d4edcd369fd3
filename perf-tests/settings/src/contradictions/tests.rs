//! Tests of `contradictions`.

use std::time::Duration;

use super::*;
use crate::{Rate, Stage};

#[test]
fn contradictions_are_rejected() {
    let stage = Stage { duration: Duration::from_secs(60), target: 1 };
    let rate = Some(Rate { count: 1, per: Duration::from_secs(1) });
    let none = LoadOverride::default;
    for wrong in [
        LoadOverride { stages: vec![stage], duration: Some(Duration::from_secs(1)), ..none() },
        LoadOverride { stages: vec![stage], iterations: Some(1), ..none() },
        LoadOverride { stages: vec![stage], rate, ..none() },
        LoadOverride { rate, iterations: Some(1), ..none() },
        LoadOverride { max_vus: Some(5), ..none() },
        LoadOverride { rate, vus: Some(6), max_vus: Some(5), ..none() },
    ] {
        assert!(wrong.check(&|_| None).is_err(), "{wrong:?}");
    }
    assert!(LoadOverride { rate, vus: Some(5), max_vus: Some(5), ..none() }.check(&|_| None).is_ok());
}
