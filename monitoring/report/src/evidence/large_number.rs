//! Values that a scenario chooses, which may be larger than any count. Whole numbers in a shard's
//! file are limited, so that sums do not overflow. The sums of these values do not overflow, and in
//! JSON the large ones are text.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The smallest number that is text: it has 17 digits.
const SMALLEST: u64 = 10_000_000_000_000_000;

/// A number that is text if it is large.
#[derive(Clone, Copy)]
pub(super) struct LargeNumber(pub(super) u64);

impl Serialize for LargeNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 < SMALLEST { serializer.serialize_u64(self.0) } else { serializer.collect_str(&self.0) }
    }
}

impl<'de> Deserialize<'de> for LargeNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(u64),
            Text(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Number(number) => Ok(Self(number)),
            Form::Text(text) => text.parse().map(Self).map_err(D::Error::custom),
        }
    }
}

/// A sum of values.
pub(super) mod sum {
    use super::{Deserialize as _, Deserializer, LargeNumber, Serialize as _, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(sum: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        LargeNumber(*sum).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        LargeNumber::deserialize(deserializer).map(|number| number.0)
    }
}

/// A value after its time.
pub(super) mod timed {
    use super::{Deserialize as _, Deserializer, LargeNumber, Serialize as _, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        last: &Option<(u64, u64)>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        last.map(|(at, value)| (at, LargeNumber(value))).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<(u64, u64)>, D::Error> {
        let last = Option::<(u64, LargeNumber)>::deserialize(deserializer)?;
        Ok(last.map(|(at, value)| (at, value.0)))
    }
}

/// A sum of durations. Values of a trend are counted as durations.
pub(super) mod duration {
    use super::{Deserialize, Deserializer, Duration, LargeNumber, Serialize, Serializer};

    /// The form of a `Duration` in JSON.
    #[derive(Serialize, Deserialize)]
    struct Parts {
        secs: LargeNumber,
        nanos: u32,
    }

    pub(in super::super) fn serialize<S: Serializer>(sum: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        Parts { secs: LargeNumber(sum.as_secs()), nanos: sum.subsec_nanos() }.serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let Parts { secs, nanos } = Parts::deserialize(deserializer)?;
        Ok(Duration::from_secs(secs.0).saturating_add(Duration::from_nanos(nanos.into())))
    }
}

#[cfg(test)]
mod tests;
