//! The endpoints, and how long each usually takes.

/// The latency of an endpoint.
pub(crate) struct EndpointTiming {
    pub(crate) name: &'static str,
    pub(crate) median_ms: f64,
    /// Of the logarithm: with 0.5, the 95th percentile is 2.3 times the median.
    pub(crate) sigma: f64,
}

const fn timing(name: &'static str, median_ms: f64, sigma: f64) -> EndpointTiming {
    EndpointTiming { name, median_ms, sigma }
}

/// The endpoints, with a service's usual times: all well within what is promised of them.
pub(crate) const ENDPOINTS: [EndpointTiming; 7] = [
    timing("join_room", 45.0, 0.5),
    timing("get_state", 20.0, 0.5),
    timing("leaderboard", 50.0, 0.5),
    timing("update_player", 35.0, 0.5),
    timing("get_news", 30.0, 0.5),
    timing("get_recommendations", 60.0, 0.5),
    timing("get_game_data", 70.0, 0.5),
];
