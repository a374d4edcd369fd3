//! Two clocks for the same requests: the client's and the backend's own. Where they differ, the time went by outside the
//! backend's code, and this says where.

use monitoring::judgement::Generator;

/// What both clocks say of one endpoint, in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Clocks {
    pub(super) name: String,
    /// The mean of sending, waiting and receiving.
    pub(super) client_mean: f64,
    /// Of which receiving, and before it connecting.
    pub(super) on_the_wire: f64,
    /// The mean by the backend.
    pub(super) backend_mean: f64,
    /// The client's p95, if it is finite.
    pub(super) client_p95: Option<f64>,
    /// Between which bounds the backend's p95 lies.
    pub(super) backend_p95: Option<(f64, f64)>,
}

/// Where the time went that the backend knows nothing of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is next to none.
    Agrees,
    /// The generator had no time to look.
    Generator,
    /// On the way: connections, or long answers.
    Network,
    /// Before the backend's clock begins: accept queue, event loop, proxy.
    Queueing,
    /// The backend says that it took longer than the client waited.
    Impossible,
}

/// Clocks agree within so many milliseconds, or this share of the client's mean.
const SLACK_MS: f64 = 5.0;
const SLACK_SHARE: f64 = 0.1;
/// A thread busier than this, or waiting longer for a processor, adds to what it measures.
const BUSY: f64 = 0.8;
const WAITING: f64 = 0.05;

impl Clocks {
    fn slack(&self) -> f64 {
        SLACK_MS.max(self.client_mean * SLACK_SHARE)
    }

    fn gap(&self) -> f64 {
        self.client_mean - self.backend_mean
    }

    pub(super) fn verdict(&self, generator: &Generator) -> Verdict {
        let gap = self.gap();
        // The backend's clock stops when it hands its answer on, so it may not be behind by more than a tick.
        let p95_is_before = match (self.client_p95, self.backend_p95) {
            (Some(client), Some((from, _))) => client + SLACK_MS < from,
            _ => false,
        };
        if gap < -self.slack() || p95_is_before {
            Verdict::Impossible
        } else if gap <= self.slack() {
            Verdict::Agrees
        } else if generator.cpu.is_some_and(|cpu| cpu > BUSY)
            || generator.run_queue.is_some_and(|queue| queue > WAITING)
        {
            Verdict::Generator
        } else if self.on_the_wire * 2.0 >= gap {
            Verdict::Network
        } else {
            Verdict::Queueing
        }
    }

    /// A sentence for somebody tired.
    pub(super) fn sentence(&self, verdict: Verdict) -> String {
        let Self { name, client_mean, backend_mean, .. } = self;
        let means = format!("{name}: {client_mean:.1} ms here, {backend_mean:.1} ms by the backend");
        match verdict {
            Verdict::Agrees => format!("{means}: they agree"),
            Verdict::Generator => {
                format!("{means}: the generator was at its limit and added the rest; use fewer VUs or more cores")
            }
            Verdict::Network => format!(
                "{means}: most of the rest went by connecting and receiving, which is the network or long answers"
            ),
            Verdict::Queueing => format!(
                "{means}: the rest went by before the backend's code saw the request, in its accept queue, event loop or a proxy"
            ),
            Verdict::Impossible => format!(
                "{means}: the backend cannot take longer than its clients wait; do both speak of the same requests?"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clocks(client_mean: f64, backend_mean: f64, on_the_wire: f64) -> Clocks {
        let name = "get_state".to_owned();
        Clocks {
            name,
            client_mean,
            on_the_wire,
            backend_mean,
            client_p95: Some(60.0),
            backend_p95: Some((10.0, 100.0)),
        }
    }

    #[test]
    fn time_outside_the_backend_is_told_by_where_it_went() {
        let idle = Generator { workers: 1, cpu: Some(0.1), run_queue: Some(0.0), steal: None };
        let busy = Generator { cpu: Some(0.95), ..idle };
        for (clocks, generator, verdict) in [
            (clocks(50.0, 46.0, 0.0), &idle, Verdict::Agrees),
            (clocks(500.0, 460.0, 0.0), &idle, Verdict::Agrees),
            (clocks(50.0, 30.0, 1.0), &idle, Verdict::Queueing),
            (clocks(50.0, 30.0, 12.0), &idle, Verdict::Network),
            (clocks(50.0, 30.0, 12.0), &busy, Verdict::Generator),
            (clocks(50.0, 60.0, 0.0), &idle, Verdict::Impossible),
        ] {
            assert_eq!(clocks.verdict(generator), verdict, "{clocks:?}");
        }
        let before = Clocks { backend_p95: Some((100.0, 250.0)), ..clocks(50.0, 49.0, 0.0) };
        assert_eq!(before.verdict(&idle), Verdict::Impossible);
    }
}
