//! The coordinator: starts and gathers agents, hands out their shares, and follows their load.

use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::{join_all, select_all, try_join_all};
use futures::stream::FuturesUnordered;
use perf_host::proc;
use perf_host::signals::Signals;
use tokio::process::Child;
use tokio::time::{self, Instant, MissedTickBehavior};
use tokio_rustls::TlsAcceptor;

use super::agent_error::AgentError;
use super::agent_load::AgentLoad;
use super::clock_offset::SentClock;
use super::lease_book::LeaseBook;
use super::link::LinkReceiver;
use super::listener::{AgentListener, JoinedAgent};
use super::message::{
    AbortCause, Assignment, FromAgent, Hello, LONG_PATIENCE, MessageError, PATIENCE, SILENCE, ToAgent,
};
use super::pause_watch::{PauseWatch, Standstill};
use super::remote_agent::RemoteAgent;
use super::{fold, identity, program};
use crate::clock;
use crate::engine::{EarlyEnd, Load, LoadObserver, LoadShare, Silence, SilenceWatch, TICK};
use crate::measure::{Layout, Pause, Snapshot};
use crate::plan::Plan;

/// Time from the message that starts the load to its start.
const LEAD: Duration = Duration::from_millis(500);
/// Counts are read this long after agents take them, so that those of all agents have arrived.
const LAG: Duration = Duration::from_millis(250);
/// Time after the planned end of the last iteration, in which agents send their result.
const OVERTIME: Duration = Duration::from_secs(15);
/// Time for agents' processes to end by themselves.
const END: Duration = Duration::from_secs(5);

pub(crate) struct Coordinator {
    /// The agents' processes, if they are on this machine. They are killed before their connections
    /// are closed, so that none of them prints that its coordinator is gone.
    processes: Vec<Child>,
    listener: AgentListener,
    agents: Vec<RemoteAgent>,
    clock: SentClock,
    pauses: PauseWatch,
    layout: Layout,
    book: LeaseBook,
    /// Causes for which agents were asked to end the load.
    aborts_sent: Vec<AbortCause>,
    /// [`OVERTIME`], unless a test cannot wait for it.
    overtime: Duration,
}

impl Coordinator {
    /// Opens a coordinator at this address. Agents whose identity is that of `here` can join it,
    /// over TLS if `encryption` is given.
    pub(crate) fn open(
        address: SocketAddr,
        encryption: Option<TlsAcceptor>,
        here: Hello,
        layout: Layout,
    ) -> Result<Self, AgentError> {
        let refused = |error| AgentError::Listen { address, error };
        let listener = AgentListener::open(address, encryption, here).map_err(refused)?;
        let pauses = PauseWatch::start().map_err(refused)?;
        Ok(Self {
            processes: Vec::new(),
            listener,
            agents: Vec::new(),
            clock: SentClock::start(),
            pauses,
            layout,
            book: LeaseBook::default(),
            aborts_sent: Vec::new(),
            overtime: OVERTIME,
        })
    }

    /// The address that agents on other machines join.
    pub(crate) fn address_to_join(&self) -> String {
        let address = self.listener.address;
        match proc::hostname().filter(|_| address.ip().is_unspecified()) {
            Some(host) => format!("{host}:{}", address.port()),
            None => address.to_string(),
        }
    }

    /// Starts agents on this machine, of this file. `build` is this process's build.
    pub(crate) fn start_processes(&mut self, agents: u32, token: &str, build: &str) -> Result<(), AgentError> {
        let processes = (0..agents).map(|_| program::start(self.listener.address, token, build));
        self.processes = processes.collect::<Result<_, _>>().map_err(AgentError::NotStarted)?;
        Ok(())
    }

    /// Waits until all agents have joined. If a joined agent ends before that, another one can take
    /// its place. `show` shows peers that connect.
    pub(crate) async fn gather(
        &mut self,
        agents: u32,
        show: &dyn Fn(&str),
        signals: &mut Signals,
    ) -> Result<(), AgentError> {
        let mut joined: Vec<JoinedAgent> = Vec::new();
        let limit = if self.processes.is_empty() { LONG_PATIENCE } else { PATIENCE };
        let patience = time::sleep(limit);
        tokio::pin!(patience);
        while joined.len() < agents as usize {
            let why = tokio::select! {
                agent = self.listener.next(show) => {
                    joined.extract_if(.., |agent| !agent.is_connected()).for_each(|agent| {
                        show(&format!("an agent has left: {}", agent.place));
                    });
                    show(&format!("agent {} of {agents} has joined: {}", joined.len() + 1, agent.place));
                    joined.push(agent);
                    continue;
                }
                ended = first_end(&mut self.processes) => ended,
                () = &mut patience => format!("the others did not connect within {} s", limit.as_secs()),
                () = signals.interrupted() => return Err(AgentError::Interrupted),
            };
            let joined = joined.iter().filter(|agent| agent.is_connected()).count();
            let refused = self.refused();
            return Err(self.find_cause(AgentError::NotAllJoined { joined, agents, why, refused }));
        }
        self.listener.refuse_others();
        self.pauses.restart();
        let empty = Snapshot::new(&self.layout);
        let numbered = (1..).zip(LoadShare::all(agents)).zip(joined);
        self.agents =
            numbered.map(|((number, share), joined)| RemoteAgent::new(number, share, joined, &empty)).collect();
        Ok(())
    }

    /// A text for each reason for which peers were refused.
    pub(crate) fn refused(&self) -> Vec<String> {
        self.listener.refused()
    }

    /// Hands out shares, and waits until each agent has planned the same load and reached the
    /// target.
    pub(crate) async fn assign(
        &mut self,
        assignment: impl Fn(LoadShare) -> Assignment,
        plan: &str,
        signals: &mut Signals,
    ) -> Result<(), AgentError> {
        let requests = self.agents.iter_mut().map(|agent| {
            let message = ToAgent::Assignment(Box::new(assignment(agent.share)));
            async move {
                match agent.request(&message).await? {
                    FromAgent::Prepared(hash) if hash == plan => Ok(()),
                    FromAgent::Prepared(hash) => Err(AgentError::OtherPlan {
                        agent: agent.name(),
                        theirs: identity::shorten(&hash),
                        ours: identity::shorten(plan),
                    }),
                    _ => Err(agent.unexpected_message()),
                }
            }
        });
        let assigned = unless_interrupted(try_join_all(requests), signals).await;
        assigned.map_err(|error| self.find_cause(error))
    }

    /// Hands out setup's value as JSON, and measures the clocks.
    pub(crate) async fn hand_out(&mut self, value: String, signals: &mut Signals) -> Result<(), AgentError> {
        let ready = self.make_ready(value, signals).await;
        ready.map_err(|error| self.find_cause(error))
    }

    async fn make_ready(&mut self, value: String, signals: &mut Signals) -> Result<(), AgentError> {
        let message = &ToAgent::SetupValue(value);
        let clock = self.clock;
        let requests = self.agents.iter_mut().map(|agent| async move {
            match agent.request(message).await? {
                FromAgent::Ready => Ok(()),
                _ => Err(agent.unexpected_message()),
            }
        });
        unless_interrupted(try_join_all(requests), signals).await?;
        // One after another, so that no exchange waits for another one.
        for agent in &mut self.agents {
            unless_interrupted(agent.measure_clock(clock), signals).await?;
        }
        Ok(())
    }

    /// The cause of an error: agents that this process started end if it stands still.
    fn find_cause(&self, error: AgentError) -> AgentError {
        let Standstill { from, length } = self.pauses.longest();
        // Agents leave a coordinator that is silent for so long.
        let is_recent = clock::now().saturating_duration_since(from + length) < SILENCE;
        match error {
            AgentError::NotAllJoined { .. } if self.processes.is_empty() => error,
            AgentError::NotAllJoined { .. } | AgentError::NoResponse { .. } | AgentError::Lost { .. }
                if length > SILENCE && is_recent =>
            {
                AgentError::StoodStill { length }
            }
            error => error,
        }
    }

    /// Starts the load of all agents. Returns when it begins.
    pub(crate) async fn begin(&mut self, plan: &Plan) -> Instant {
        let load_start = clock::now() + LEAD;
        self.pauses.restart();
        let shares: Vec<_> = self.agents.iter().map(|agent| agent.share).collect();
        self.book = LeaseBook::new(plan, &shares);
        for (agent, leases) in self.agents.iter_mut().zip(self.book.first()) {
            agent.send(&ToAgent::Start(agent.offset.to_agent(self.clock.at(load_start))));
            agent.send(&ToAgent::Lease(leases));
        }
        time::sleep_until(load_start).await;
        load_start
    }

    /// Follows the load that began at `load_start` until each agent has finished or is lost.
    pub(crate) async fn run(
        &mut self,
        plan: &Plan,
        load_start: Instant,
        signals: &mut Signals,
        observer: &mut dyn LoadObserver,
    ) -> Load {
        let (early, silence) = self.follow(plan, load_start, signals, observer).await;
        let Standstill { from, length } = self.pauses.longest();
        let from = from.saturating_duration_since(load_start);
        self.listener.end_load();
        let empty = Snapshot::new(&self.layout);
        let loads = self.loads(&empty);
        // Agents give up a coordinator that is silent.
        let after_pause = from..=from + length + SILENCE;
        let mut lost = loads.iter().filter_map(|load| load.lost.as_ref());
        let is_given_up = length > SILENCE / 2 && lost.any(|(at, _)| after_pause.contains(at));
        let mut load = fold::load(loads, plan, &empty);
        if early.aborted.is_none() {
            self.book.count_untaken(plan, &mut load.snapshot);
        }
        load.longest_silence = silence;
        if is_given_up {
            let pause = Pause { from, length, agent: None, total: Duration::ZERO };
            load.longest_pause = load.longest_pause.longer(pause);
        }
        load.interrupted = early.interrupted;
        load.aborted = early.aborted;
        load
    }

    fn loads(&mut self, empty: &Snapshot) -> Vec<AgentLoad> {
        let is_whole = self.aborts_sent.is_empty();
        let into_load = |(at, agent): (usize, RemoteAgent)| {
            let mut agent_load = agent.into_load(empty.clone(), self.book.leased(at));
            if is_whole && agent_load.lost.is_none() {
                agent_load.result.untaken = self.book.untaken(&agent_load.load.snapshot);
            }
            agent_load
        };
        self.agents.drain(..).enumerate().map(into_load).collect()
    }

    /// Waits for the agents' processes, so that none is left if this one ends.
    pub(crate) async fn end_processes(&mut self) {
        // Those that do not end by themselves are killed when they are dropped.
        drop(time::timeout(END, join_all(self.processes.iter_mut().map(Child::wait))).await);
    }

    async fn follow(
        &mut self,
        plan: &Plan,
        load_start: Instant,
        signals: &mut Signals,
        observer: &mut dyn LoadObserver,
    ) -> (EarlyEnd, Silence) {
        let empty = Snapshot::new(&self.layout);
        let mut ticks = time::interval_at(load_start + LAG, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let overtime = time::sleep_until(load_start + plan.last_cut() + self.overtime);
        tokio::pin!(overtime);
        let receivers = self.agents.iter_mut().enumerate();
        let mut arriving: FuturesUnordered<_> =
            receivers.filter_map(|(at, agent)| Some(receive(at, agent.receiver.take()?))).collect();
        let mut disconnecting = FuturesUnordered::new();
        let (mut early, mut silence) = (EarlyEnd::default(), SilenceWatch::default());
        while self.agents.iter().any(RemoteAgent::is_active) || !disconnecting.is_empty() {
            tokio::select! {
                Some((at, message, receiver)) = arriving.next() => {
                    self.take(at, clock::now().saturating_duration_since(load_start), message);
                    let agent = &mut self.agents[at];
                    if agent.is_active() {
                        arriving.push(receive(at, receiver));
                        continue;
                    }
                    disconnecting.extend(agent.disconnect(at, receiver, self.clock));
                    if agent.cannot_continue() {
                        self.abort_all(AbortCause::Interrupted);
                    }
                }
                Some((at, offset)) = disconnecting.next() => self.agents[at].end_offset = offset,
                _ = ticks.tick() => {
                    let elapsed = clock::now().saturating_duration_since(load_start + LAG);
                    let counts = fold::counts(&self.agents, &empty);
                    silence.notice(elapsed, &counts);
                    if let (Some(reason), None) = (observer.tick(elapsed, counts), &early.aborted) {
                        early.aborted = Some(reason);
                        self.abort_all(AbortCause::Missed);
                    }
                }
                () = signals.interrupted(), if !early.interrupted => {
                    early.interrupted = true;
                    self.abort_all(AbortCause::Interrupted);
                }
                () = &mut overtime, if self.agents.iter().any(RemoteAgent::is_active) => {
                    let why = format!("it did not finish within {} s after its planned end", self.overtime.as_secs());
                    let elapsed = clock::now().saturating_duration_since(load_start);
                    self.agents.iter_mut().for_each(|agent| agent.lose(elapsed, &why));
                }
            }
        }
        (early, silence.longest())
    }

    /// Takes a message of an agent, and gives it the leases that it asks for.
    fn take(&mut self, at: usize, elapsed: Duration, message: Result<FromAgent, MessageError>) {
        let agent = &mut self.agents[at];
        match message {
            Ok(FromAgent::LeaseRequests(requests)) => match self.book.grant(at, &requests) {
                // An agent has at most one request under way, so that the message is not left out.
                Some(leases) => agent.send(&ToAgent::Lease(leases)),
                None => agent.lose(elapsed, "it sent an unexpected message"),
            },
            Ok(FromAgent::Finished { leased, .. }) if !self.book.settle(at, &leased) => {
                agent.lose(elapsed, "it sent an unexpected message");
            }
            message => agent.take(elapsed, message, &self.layout, &self.aborts_sent),
        }
        if !agent.is_active() {
            self.book.retire(at);
        }
    }

    /// Asks all agents to end the load, once for each cause.
    fn abort_all(&mut self, cause: AbortCause) {
        if !self.aborts_sent.contains(&cause) {
            self.aborts_sent.push(cause);
            self.agents.iter().for_each(|agent| agent.send_first(&ToAgent::Abort(cause)));
        }
    }
}

type Arrived = (usize, Result<FromAgent, MessageError>, LinkReceiver<FromAgent>);

async fn receive(at: usize, mut receiver: LinkReceiver<FromAgent>) -> Arrived {
    let message = receiver.next().await;
    (at, message, receiver)
}

/// Waits until one of the processes has ended. Returns how.
async fn first_end(processes: &mut [Child]) -> String {
    if processes.is_empty() {
        return std::future::pending().await;
    }
    let (ended, at, _) = select_all(processes.iter_mut().map(|child| Box::pin(child.wait()))).await;
    let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
    format!("the process of agent {} ended ({how})", at + 1)
}

async fn unless_interrupted<T>(
    work: impl Future<Output = Result<T, AgentError>>,
    signals: &mut Signals,
) -> Result<(), AgentError> {
    tokio::select! {
        result = work => result.map(drop),
        () = signals.interrupted() => Err(AgentError::Interrupted),
    }
}

#[cfg(test)]
mod tests;
