//! The flag `--gate`.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use perf_report::gate::Gate;

/// Value of the flag `--gate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GateFlag(pub(crate) Gate);

impl ValueEnum for GateFlag {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self(Gate::Absolute), Self(Gate::Relative), Self(Gate::Both)]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self.0 {
            Gate::Absolute => ("absolute", "Missed objectives of the head, over all its rounds"),
            Gate::Relative => ("relative", "Slow-downs relative to the base"),
            Gate::Both => ("both", "Either of the two"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}
