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
mod tests {
    use super::super::measures::MeasureCounts;
    use super::super::{Bounds, Latency, bounds};
    use super::*;

    fn recorded(values: &[u64]) -> MeasureCounts {
        let limits: Bounds = bounds(&[Duration::from_secs(1)]);
        let mut counts = MeasureCounts { values: Some(Latency::new(limits)), ..MeasureCounts::default() };
        values.iter().for_each(|value| counts.record(7, *value));
        counts
    }

    #[test]
    fn values_of_any_size_are_read_as_they_were_written() {
        for values in [&[0, 1][..], &[SMALLEST - 1], &[SMALLEST], &[u64::MAX], &[u64::MAX; 1_001], &[SMALLEST / 2; 4]] {
            let counts = recorded(values);
            let json = serde_json::to_string(&counts).unwrap();
            let numbers = json.split(|c: char| !c.is_ascii_digit() && !"\"+/=".contains(c));
            let longest = numbers.filter(|text| !text.contains('"')).map(str::len).max();
            assert!(longest <= Some(16), "{json}");
            let read: MeasureCounts = serde_json::from_str(&json).unwrap();
            assert_eq!((read.sum, read.last, read.count), (counts.sum, counts.last, counts.count));
            let sum = |counts: &MeasureCounts| counts.values.as_ref().unwrap().buckets().sum_ms().to_bits();
            assert_eq!(sum(&read), sum(&counts));
        }
    }

    #[test]
    fn usual_values_have_the_usual_form() {
        let json = serde_json::to_value(recorded(&[7])).unwrap();
        assert_eq!((&json["sum"], &json["last"]), (&7.into(), &serde_json::json!([7, 7])));
        assert_eq!(json["values"]["buckets"]["sum"], serde_json::to_value(Duration::from_millis(7)).unwrap());
        let text = |number: &str| serde_json::from_str::<LargeNumber>(number).map(|number| number.0).ok();
        assert_eq!(text("\"18446744073709551615\""), Some(u64::MAX));
        assert!(text("\"18446744073709551616\"").is_none() && text("\"-1\"").is_none() && text("1.5").is_none());
    }
}
