//! Constructors of objectives, and what changes them.

use std::time::Duration;

use super::{OnMiss, Sli, Slo};
use crate::endpoint::Endpoint;
use crate::measure::{Limit, Measure, Reading};
use crate::phase::Phases;
use crate::ratio::Ratio;
use crate::segment::{JudgedSegment, Segment, Tag};
use crate::span::Span;

impl Slo {
    /// At least 50 % of the endpoint's requests succeed within the threshold.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use monitoring::endpoint::{Endpoint, Method};
    /// # use monitoring::slo::Slo;
    /// # const OFFERS: Endpoint = Endpoint::new("offers", "Offers", Method::Get, "/offers");
    /// assert_eq!(Slo::p50(OFFERS, Duration::from_millis(50)).describe(), "p50 <= 50 ms");
    /// ```
    pub const fn p50(endpoint: Endpoint, threshold: Duration) -> Self {
        Self::latency(endpoint, Ratio::percent(50), threshold)
    }

    /// At least 90 % of the endpoint's requests succeed within the threshold.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use monitoring::endpoint::{Endpoint, Method};
    /// # use monitoring::slo::Slo;
    /// # const OFFERS: Endpoint = Endpoint::new("offers", "Offers", Method::Get, "/offers");
    /// assert_eq!(Slo::p90(OFFERS, Duration::from_millis(200)).describe(), "p90 <= 200 ms");
    /// ```
    pub const fn p90(endpoint: Endpoint, threshold: Duration) -> Self {
        Self::latency(endpoint, Ratio::percent(90), threshold)
    }

    /// At least 95 % of the endpoint's requests succeed within the threshold.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use monitoring::endpoint::{Endpoint, Method};
    /// # use monitoring::slo::Slo;
    /// # const OFFERS: Endpoint = Endpoint::new("offers", "Offers", Method::Get, "/offers");
    /// assert_eq!(Slo::p95(OFFERS, Duration::from_millis(300)).describe(), "p95 <= 300 ms");
    /// ```
    pub const fn p95(endpoint: Endpoint, threshold: Duration) -> Self {
        Self::latency(endpoint, Ratio::percent(95), threshold)
    }

    /// At least 99 % of the endpoint's requests succeed within the threshold.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use monitoring::endpoint::{Endpoint, Method};
    /// # use monitoring::slo::Slo;
    /// # const OFFERS: Endpoint = Endpoint::new("offers", "Offers", Method::Get, "/offers");
    /// assert_eq!(Slo::p99(OFFERS, Duration::from_secs(1)).describe(), "p99 <= 1000 ms");
    /// ```
    pub const fn p99(endpoint: Endpoint, threshold: Duration) -> Self {
        Self::latency(endpoint, Ratio::percent(99), threshold)
    }

    /// At least `objective` of the endpoint's requests succeed within the threshold, for any
    /// percentile: `Ratio::ppm(999_000)` is p99.9.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use monitoring::endpoint::{Endpoint, Method};
    /// # use monitoring::ratio::Ratio;
    /// # use monitoring::slo::Slo;
    /// # const OFFERS: Endpoint = Endpoint::new("offers", "Offers", Method::Get, "/offers");
    /// let p999 = Slo::latency(OFFERS, Ratio::ppm(999_000), Duration::from_secs(2));
    /// assert_eq!(p999.describe(), "p99.9 <= 2000 ms");
    /// ```
    pub const fn latency(endpoint: Endpoint, objective: Ratio, threshold: Duration) -> Self {
        Self::span(endpoint, Span::Latency, objective, threshold)
    }

    /// At least `objective` of the endpoint's requests succeed within the threshold after they were
    /// due.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use monitoring::endpoint::{Endpoint, Method};
    /// # use monitoring::ratio::Ratio;
    /// # use monitoring::slo::Slo;
    /// # const OFFERS: Endpoint = Endpoint::new("offers", "Offers", Method::Get, "/offers");
    /// let slo = Slo::response_time(OFFERS, Ratio::percent(95), Duration::from_millis(300));
    /// assert_eq!(slo.describe(), "response p95 <= 300 ms");
    /// ```
    pub const fn response_time(endpoint: Endpoint, objective: Ratio, threshold: Duration) -> Self {
        Self::span(endpoint, Span::ResponseTime, objective, threshold)
    }

    /// At least `objective` of the endpoint's requests that open a connection succeed, and have
    /// their connection (DNS, TCP and TLS) within the threshold. Requests on a reused connection
    /// are not counted, because they would hide slow ones.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use monitoring::endpoint::{Endpoint, Method};
    /// # use monitoring::ratio::Ratio;
    /// # use monitoring::slo::Slo;
    /// # const OFFERS: Endpoint = Endpoint::new("offers", "Offers", Method::Get, "/offers");
    /// let slo = Slo::connecting(OFFERS, Ratio::percent(99), Duration::from_millis(100));
    /// assert_eq!(slo.describe(), "connecting p99 <= 100 ms");
    /// ```
    pub const fn connecting(endpoint: Endpoint, objective: Ratio, threshold: Duration) -> Self {
        Self::span(endpoint, Span::Connecting, objective, threshold)
    }

    /// At least `objective` of the endpoint's requests succeed within the threshold, including the
    /// time to connect.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use monitoring::endpoint::{Endpoint, Method};
    /// # use monitoring::ratio::Ratio;
    /// # use monitoring::slo::Slo;
    /// # const OFFERS: Endpoint = Endpoint::new("offers", "Offers", Method::Get, "/offers");
    /// let slo = Slo::with_connecting(OFFERS, Ratio::percent(95), Duration::from_millis(400));
    /// assert_eq!(slo.describe(), "with connecting p95 <= 400 ms");
    /// ```
    pub const fn with_connecting(endpoint: Endpoint, objective: Ratio, threshold: Duration) -> Self {
        Self::span(endpoint, Span::WithConnecting, objective, threshold)
    }

    /// At least `objective` of the endpoint's requests succeed and have the first byte of their
    /// response within the threshold, without the time to connect.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use monitoring::endpoint::{Endpoint, Method};
    /// # use monitoring::ratio::Ratio;
    /// # use monitoring::slo::Slo;
    /// # const OFFERS: Endpoint = Endpoint::new("offers", "Offers", Method::Get, "/offers");
    /// let slo = Slo::first_byte(OFFERS, Ratio::percent(95), Duration::from_millis(200));
    /// assert_eq!(slo.describe(), "first byte p95 <= 200 ms");
    /// ```
    pub const fn first_byte(endpoint: Endpoint, objective: Ratio, threshold: Duration) -> Self {
        Self::span(endpoint, Span::FirstByte, objective, threshold)
    }

    /// More than `objective` of the endpoint's requests succeed.
    ///
    /// ```
    /// # use monitoring::endpoint::{Endpoint, Method};
    /// # use monitoring::ratio::Ratio;
    /// # use monitoring::slo::Slo;
    /// # const OFFERS: Endpoint = Endpoint::new("offers", "Offers", Method::Get, "/offers");
    /// assert_eq!(Slo::success_above(OFFERS, Ratio::percent(95)).describe(), "success > 95 %");
    /// ```
    pub const fn success_above(endpoint: Endpoint, objective: Ratio) -> Self {
        Self::new(Sli::Success { endpoint }, objective)
    }

    /// More than `objective` of the check's tries pass.
    ///
    /// ```
    /// # use monitoring::ratio::Ratio;
    /// # use monitoring::slo::Slo;
    /// let slo = Slo::check_above("has an offer", Ratio::percent(99));
    /// assert_eq!(slo.describe(), "check > 99 %");
    /// ```
    pub const fn check_above(name: &'static str, objective: Ratio) -> Self {
        Self::new(Sli::Check { name }, objective)
    }

    /// Less than `share` of all requests fail.
    ///
    /// ```
    /// # use monitoring::ratio::Ratio;
    /// # use monitoring::slo::Slo;
    /// assert_eq!(Slo::errors_below(Ratio::percent(1)).describe(), "errors < 1 %");
    /// ```
    pub const fn errors_below(share: Ratio) -> Self {
        Self::new(Sli::NoError, share.rest())
    }

    /// At least `per_second` successful requests of the endpoint in each second of the judged
    /// phases, on average.
    ///
    /// ```
    /// # use monitoring::endpoint::{Endpoint, Method};
    /// # use monitoring::slo::Slo;
    /// # const OFFERS: Endpoint = Endpoint::new("offers", "Offers", Method::Get, "/offers");
    /// assert_eq!(Slo::throughput(OFFERS, 50).describe(), "at least 50 requests/s");
    /// ```
    pub const fn throughput(endpoint: Endpoint, per_second: u32) -> Self {
        Self::new(Sli::Throughput { endpoint: Some(endpoint), per_second }, Ratio::percent(100))
    }

    /// At least `per_second` successful requests of all endpoints in each second of the judged
    /// phases, on average.
    ///
    /// ```
    /// # use monitoring::slo::Slo;
    /// assert_eq!(Slo::total_throughput(200).subject(), "all endpoints");
    /// ```
    pub const fn total_throughput(per_second: u32) -> Self {
        Self::new(Sli::Throughput { endpoint: None, per_second }, Ratio::percent(100))
    }

    /// At least `objective` of the values of a trend are at most `at_most`.
    ///
    /// ```
    /// # use monitoring::measure::Measure;
    /// # use monitoring::ratio::Ratio;
    /// # use monitoring::slo::Slo;
    /// const QUEUE: Measure = Measure::trend("queue", "Queue length");
    /// assert_eq!(Slo::trend(QUEUE, Ratio::percent(95), 7).describe(), "p95 <= 7");
    /// ```
    pub const fn trend(measure: Measure, objective: Ratio, at_most: u64) -> Self {
        Self::new(Sli::Measure { measure, at_most: Some(at_most) }, objective)
    }

    /// More than `objective` of the values of a rate are not zero.
    ///
    /// ```
    /// # use monitoring::measure::Measure;
    /// # use monitoring::ratio::Ratio;
    /// # use monitoring::slo::Slo;
    /// const CACHE_HIT: Measure = Measure::rate("cache_hit", "Cache hits");
    /// assert_eq!(Slo::rate_above(CACHE_HIT, Ratio::percent(80)).describe(), "rate > 80 %");
    /// ```
    pub const fn rate_above(measure: Measure, objective: Ratio) -> Self {
        Self::new(Sli::Measure { measure, at_most: None }, objective)
    }

    /// The sum of a counter's values is within the limit, such as at most 0 lost orders.
    ///
    /// ```
    /// # use monitoring::measure::{Limit, Measure};
    /// # use monitoring::slo::Slo;
    /// const LOST_ORDERS: Measure = Measure::counter("lost_orders", "Lost orders");
    /// const NONE_IS_LOST: Slo = Slo::counter(LOST_ORDERS, Limit::AtMost(0));
    /// assert_eq!(NONE_IS_LOST.describe(), "count <= 0");
    /// ```
    pub const fn counter(measure: Measure, limit: Limit) -> Self {
        Self::value(measure, Reading::Count, limit)
    }

    /// The sum of a counter's values in each second of the judged phases, on average, is within the
    /// limit.
    ///
    /// ```
    /// # use monitoring::measure::{Limit, Measure};
    /// # use monitoring::slo::Slo;
    /// const ORDERS: Measure = Measure::counter("orders", "Orders");
    /// assert_eq!(Slo::counter_per_second(ORDERS, Limit::AtLeast(5)).describe(), "rate >= 5/s");
    /// ```
    pub const fn counter_per_second(measure: Measure, limit: Limit) -> Self {
        Self::value(measure, Reading::PerSecond, limit)
    }

    /// The last value of a gauge is within the limit. Of several parts, each must be.
    ///
    /// ```
    /// # use monitoring::measure::{Limit, Measure};
    /// # use monitoring::slo::Slo;
    /// const ROOMS: Measure = Measure::gauge("rooms", "Open rooms");
    /// assert_eq!(Slo::gauge(ROOMS, Limit::AtMost(100)).describe(), "value <= 100");
    /// ```
    pub const fn gauge(measure: Measure, limit: Limit) -> Self {
        Self::value(measure, Reading::Last, limit)
    }

    const fn value(measure: Measure, reading: Reading, limit: Limit) -> Self {
        Self::new(Sli::Value { measure, reading, limit }, Ratio::percent(100))
    }

    const fn span(endpoint: Endpoint, span: Span, objective: Ratio, threshold: Duration) -> Self {
        Self::new(Sli::Span { endpoint, span, threshold }, objective)
    }

    const fn new(sli: Sli, objective: Ratio) -> Self {
        Self { sli, objective, on_miss: OnMiss::Fail, phases: Phases::AFTER_WARM_UP, part: None, segment: None }
    }

    /// Judges only requests of these phases. The default is all phases after warm-up.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use monitoring::endpoint::{Endpoint, Method};
    /// # use monitoring::phase::{Phase, Phases};
    /// # use monitoring::slo::Slo;
    /// # const OFFERS: Endpoint = Endpoint::new("offers", "Offers", Method::Get, "/offers");
    /// let slo = Slo::p95(OFFERS, Duration::from_millis(300));
    /// let steady = slo.judging(Phases::only(&[Phase::Steady]));
    /// assert_eq!(steady.describe(), "p95 <= 300 ms in steady");
    /// ```
    #[must_use]
    pub const fn judging(mut self, phases: Phases) -> Self {
        self.phases = phases;
        self
    }

    /// Judges only requests of one part of the scenario.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use monitoring::endpoint::{Endpoint, Method};
    /// # use monitoring::slo::Slo;
    /// # const OFFERS: Endpoint = Endpoint::new("offers", "Offers", Method::Get, "/offers");
    /// let slo = Slo::p95(OFFERS, Duration::from_millis(300)).in_part("readers");
    /// assert_eq!(slo.describe(), "p95 <= 300 ms in part readers");
    /// ```
    #[must_use]
    pub const fn in_part(mut self, part: &'static str) -> Self {
        self.part = Some(part);
        self
    }

    /// Judges only requests, checks and values in a segment of the scenario, such as day 7. If the
    /// segment never occurs, the objective is inconclusive. Throughput has no segments.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use monitoring::endpoint::{Endpoint, Method};
    /// # use monitoring::slo::Slo;
    /// # const OFFERS: Endpoint = Endpoint::new("offers", "Offers", Method::Get, "/offers");
    /// const LAST_DAY: Slo = Slo::p95(OFFERS, Duration::from_millis(300)).in_segment("day", 30);
    /// assert_eq!(LAST_DAY.describe(), "p95 <= 300 ms in day 30");
    /// ```
    ///
    /// # Panics
    /// If it already has a segment or a tag. In a constant, this is an error of the compiler.
    #[must_use]
    pub const fn in_segment(self, name: &'static str, number: u32) -> Self {
        self.in_judged(JudgedSegment::Numbered(Segment(name, number)))
    }

    /// Judges only requests, checks and values with a tag's value, such as those of large rooms. If
    /// none has it, the objective is inconclusive. Throughput has no tags.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use monitoring::endpoint::{Endpoint, Method};
    /// # use monitoring::slo::Slo;
    /// # const OFFERS: Endpoint = Endpoint::new("offers", "Offers", Method::Get, "/offers");
    /// const LARGE: Slo = Slo::p95(OFFERS, Duration::from_millis(500)).in_tag("room", "large");
    /// assert_eq!(LARGE.describe(), "p95 <= 500 ms in room=large");
    /// ```
    ///
    /// # Panics
    /// As [`Slo::in_segment`].
    #[must_use]
    pub const fn in_tag(self, name: &'static str, value: &'static str) -> Self {
        self.in_judged(JudgedSegment::Tagged(Tag(name, value)))
    }

    const fn in_judged(mut self, segment: JudgedSegment) -> Self {
        assert!(self.segment.is_none(), "an objective has at most one segment or tag");
        self.segment = Some(segment);
        self
    }

    /// Only warns about a miss; the run does not fail.
    ///
    /// ```
    /// # use monitoring::ratio::Ratio;
    /// # use monitoring::slo::{OnMiss, Slo};
    /// assert_eq!(Slo::errors_below(Ratio::percent(1)).warn().on_miss, OnMiss::Warn);
    /// ```
    #[must_use]
    pub const fn warn(mut self) -> Self {
        self.on_miss = OnMiss::Warn;
        self
    }
}
