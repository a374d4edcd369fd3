//! Measures how long connections take to be made, so that it can be kept out of a request's duration, as k6 does.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tower::{Layer, Service};

use crate::engine::clock;

/// Time that went into connections of one client since it was last asked. A VU makes one request at a time, so what is
/// there after a request belongs to that request.
#[derive(Debug, Clone, Default)]
pub(super) struct ConnectTime(Arc<AtomicU64>);

impl ConnectTime {
    pub(super) fn take(&self) -> Duration {
        Duration::from_nanos(self.0.swap(0, Ordering::Relaxed))
    }
}

impl<S> Layer<S> for ConnectTime {
    type Service = TimedConnector<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TimedConnector { inner, time: self.clone() }
    }
}

#[derive(Debug, Clone)]
pub(super) struct TimedConnector<S> {
    inner: S,
    time: ConnectTime,
}

impl<S, R> Service<R> for TimedConnector<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let time = self.time.clone();
        let started = clock::now();
        let connecting = self.inner.call(request);
        Box::pin(async move {
            let result = connecting.await;
            let nanos = u64::try_from(clock::now().duration_since(started).as_nanos()).unwrap_or(u64::MAX);
            time.0.fetch_add(nanos, Ordering::Relaxed);
            result
        })
    }
}
