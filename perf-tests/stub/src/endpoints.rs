//! The endpoints and their usual latencies.

/// The latency distribution of an endpoint: log-normal.
pub(crate) struct EndpointTiming {
    pub(crate) name: &'static str,
    pub(crate) median_ms: f64,
    /// Standard deviation of the logarithm. With 0.5, the 95th percentile is 2.3 times the median.
    pub(crate) sigma: f64,
}

const fn timing(name: &'static str, median_ms: f64, sigma: f64) -> EndpointTiming {
    EndpointTiming { name, median_ms, sigma }
}

/// The endpoints, with latencies of a usual service. All are well within the objectives.
pub(crate) const ENDPOINTS: [EndpointTiming; 7] = [
    timing("join_room", 45.0, 0.5),
    timing("get_state", 20.0, 0.5),
    timing("leaderboard", 50.0, 0.5),
    timing("update_player", 35.0, 0.5),
    timing("get_news", 30.0, 0.5),
    timing("get_recommendations", 60.0, 0.5),
    timing("get_game_data", 70.0, 0.5),
];
