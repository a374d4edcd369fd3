//! Closed executors: a virtual user begins its next iteration when the previous one has ended.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use tokio::task::coop;
use tokio::time::{self, Sleep};

use super::{ActiveVu, IterationFuture, PartJob, WorkerState};
use crate::clock;
use crate::data::FeederError;
use crate::engine::iteration_supply::IterationSupply;
use crate::engine::vu::{OutageWait, Vu};
use crate::plan::{ActiveSpan, VuPlan};

pub(super) struct VuTask {
    worker: WorkerState,
    job: Rc<PartJob>,
    plan: VuPlan,
    supply: IterationSupply,
}

impl VuTask {
    pub(super) fn new(worker: &WorkerState, job: &Rc<PartJob>, plan: &VuPlan, supply: &IterationSupply) -> Self {
        Self { worker: worker.clone(), job: job.clone(), plan: plan.clone(), supply: supply.clone() }
    }

    pub(super) async fn run(self) {
        let mut vu = Vu::new(self.plan.id, self.job.part, self.worker.context.clone());
        let mut begun = 0;
        for span in &self.plan.spans {
            time::sleep_until(self.worker.context.load_start + span.start).await;
            let _active = ActiveVu::new(&self.worker.context.recorder, self.job.part);
            if self.iterate(&mut vu, span, &mut begun).await.is_break() {
                break;
            }
        }
        if let (IterationSupply::Each(all), Some(last)) = (&self.supply, self.plan.spans.last()) {
            let phase = self.worker.context.run.phases[self.job.part].at(last.stop);
            self.worker.context.recorder.borrow_mut().record_dropped(self.job.part, phase, all.saturating_sub(begun));
        }
    }

    /// Runs one iteration after another until the span ends. Breaks if no later iteration of this
    /// virtual user can succeed.
    async fn iterate(&self, vu: &mut Vu, span: &ActiveSpan, begun: &mut u64) -> ControlFlow<()> {
        let load_start = self.worker.context.load_start;
        let stop = load_start + span.stop;
        let mut cut = pin!(time::sleep_until(load_start + span.cut));
        let mut is_cut_set = false;
        let mut pace = Pace::default();
        let mut now = clock::now();
        while now < stop {
            let iteration_id = match self.supply.take(*begun) {
                Some(iteration_id) => iteration_id,
                // Boxed, so that virtual users that never wait need no memory for it.
                None => match Box::pin(self.supply.wait(stop)).await {
                    Some(iteration_id) => {
                        now = clock::now();
                        iteration_id
                    }
                    None => break,
                },
            };
            *begun += 1;
            vu.begin(now, iteration_id, None);
            let began = now;
            let result = run_until(cut.as_mut(), &mut is_cut_set, self.job.iteration.begin(vu)).await;
            let is_completed = matches!(result, Some(Ok(())));
            let is_without_row = result.as_ref().is_some_and(has_no_more_rows);
            let ended = self.worker.iteration_ended(vu, result);
            // The worker cancels this task only when the task waits, which a failing iteration may
            // never do.
            if is_without_row || self.worker.cannot_continue() {
                return ControlFlow::Break(());
            }
            let earliest = (now + self.job.min_iteration).min(stop);
            now = if earliest > ended {
                time::sleep_until(earliest).await;
                clock::now()
            } else {
                // A scenario that never waits must not block the worker.
                tokio::task::coop::consume_budget().await;
                ended
            };
            let held = vu.take_held();
            if !held.time.is_zero() {
                let is_counted = held.is_stopped && !held.is_not_started;
                let others = pace.iterations_in(held).saturating_sub(u64::from(is_counted));
                let refused = Box::pin(self.supply.skip(begun, others, stop)).await;
                let phase =
                    self.worker.context.run.phases[self.job.part].at(ended.min(stop).duration_since(load_start));
                vu.record_refused(phase, refused, held.host);
            } else if is_completed {
                pace.add(now.duration_since(began));
            }
        }
        ControlFlow::Continue(())
    }
}

/// Whether an iteration failed because all rows were taken, or their file has changed. Later
/// iterations have no rows, either.
fn has_no_more_rows(result: &anyhow::Result<()>) -> bool {
    let error = result.as_ref().err().and_then(|error| error.downcast_ref());
    matches!(error, Some(FeederError::Exhausted { .. } | FeederError::Changed { .. }))
}

/// The pace of a virtual user. It gives the number of iterations that the virtual user would have
/// made while the target accepted no connections.
#[derive(Debug, Default)]
struct Pace {
    iterations: u32,
    /// The time of these iterations, from the beginning of each to the beginning of the next.
    time: Duration,
    /// Waits that are shorter than an iteration, so far.
    rest: Duration,
}

impl Pace {
    fn add(&mut self, iteration: Duration) {
        self.iterations = self.iterations.saturating_add(1);
        self.time += iteration;
    }

    /// The number of iterations that would have taken the time of this wait. Without any earlier
    /// iteration, it is one for each that was not started.
    fn iterations_in(&mut self, held: OutageWait) -> u64 {
        let Some(mean) = self.time.checked_div(self.iterations).filter(|mean| !mean.is_zero()) else {
            return u64::from(held.is_not_started);
        };
        self.rest += held.time;
        let count = self.rest.as_nanos() / mean.as_nanos();
        self.rest = Duration::from_nanos(u64::try_from(self.rest.as_nanos() % mean.as_nanos()).unwrap_or(0));
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}

/// Runs an iteration until it ends or is cut off. The timer is polled until it is set (`is_set`),
/// so that it wakes this task. Later it is only read.
fn run_until(
    mut cut: Pin<&mut Sleep>,
    is_set: &mut bool,
    mut iteration: IterationFuture<'_>,
) -> impl Future<Output = Option<anyhow::Result<()>>> {
    poll_fn(move |context| {
        if let Poll::Ready(result) = iteration.as_mut().poll(context) {
            return Poll::Ready(Some(result));
        }
        if !*is_set {
            *is_set = true;
            // Unconstrained, since tokio does not set a timer for a task without budget.
            return pin!(coop::unconstrained(cut.as_mut())).poll(context).map(|()| None);
        }
        if cut.is_elapsed() { Poll::Ready(None) } else { Poll::Pending }
    })
}
