//! The endpoints and their usual latencies.

/// The latency distribution of an endpoint: log-normal.
pub(crate) struct EndpointTiming {
    pub(crate) name: &'static str,
    pub(crate) median_ms: f64,
}

/// Standard deviation of the logarithm: the 95th percentile is 2.3 times the median.
pub(crate) const SIGMA: f64 = 0.5;

const fn timing(name: &'static str, median_ms: f64) -> EndpointTiming {
    EndpointTiming { name, median_ms }
}

/// The endpoints, with latencies of a usual service. All are well within the objectives.
pub(crate) const ENDPOINTS: [EndpointTiming; 7] = [
    timing("join_room", 45.0),
    timing("get_state", 20.0),
    timing("leaderboard", 50.0),
    timing("update_player", 35.0),
    timing("get_news", 30.0),
    timing("get_recommendations", 60.0),
    timing("get_game_data", 70.0),
];
