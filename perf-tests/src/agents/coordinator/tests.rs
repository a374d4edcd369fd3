//! Runs whose agents are played by the test, over real connections.

use std::net::Ipv4Addr;

use perf_settings::Settings;
use test_support::shop::SHOP;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::*;
use crate::agents::link::{self, LinkSender};
use crate::agents::message::{ClockReply, PROTOCOL};
use crate::plan::{LoadProfile, constant_vus, nanos};

const MS: fn(u64) -> Duration = Duration::from_millis;

/// An agent that does what a test says.
struct PlayedAgent {
    sender: LinkSender,
    receiver: LinkReceiver<ToAgent>,
    clock: SentClock,
}

impl PlayedAgent {
    async fn join(address: SocketAddr) -> Self {
        let stream = link::runtime().unwrap().spawn(TcpStream::connect(address)).await.unwrap().unwrap();
        let (sender, receiver) = link::open(Box::new(stream), &FromAgent::Alive).unwrap();
        let agent = Self { sender, receiver, clock: SentClock::start() };
        agent.send(FromAgent::Hello(hello())).await;
        agent
    }

    /// Takes part until the load begins.
    async fn begin(address: SocketAddr, plan: &Plan) -> Self {
        let mut agent = Self::join(address).await;
        loop {
            match agent.next().await {
                ToAgent::Assignment(_) => agent.send(FromAgent::Prepared(plan.hash())).await,
                ToAgent::SetupValue(_) => agent.send(FromAgent::Ready).await,
                ToAgent::ClockProbe => agent.reply_to_probe(Duration::ZERO).await,
                ToAgent::Start(_) => return agent,
                other => panic!("{other:?}"),
            }
        }
    }

    async fn send(&self, message: FromAgent) {
        self.sender.send(&message).await.unwrap();
    }

    async fn next(&mut self) -> ToAgent {
        loop {
            match self.receiver.receive().await.unwrap() {
                ToAgent::Alive => {}
                message => return message,
            }
        }
    }

    /// Responds as a clock that is `ahead` of this machine's.
    async fn reply_to_probe(&self, ahead: Duration) {
        let now = self.clock.now() + nanos(ahead);
        self.send(FromAgent::ClockReply(ClockReply { received: now, sent: now })).await;
    }

    /// Ends its load, with a clock that is `ahead` by then. Waits for the end of the connection.
    async fn finish(mut self, load: Load, leased: Vec<u64>, ahead: Duration) {
        self.send(FromAgent::Finished { load: Box::new(load), leased }).await;
        self.stay(ahead).await;
    }

    /// Stays until the coordinator closes the connection.
    async fn stay(&mut self, ahead: Duration) {
        while let Ok(message) = self.receiver.receive().await {
            if matches!(message, ToAgent::ClockProbe) {
                self.reply_to_probe(ahead).await;
            }
        }
    }
}

/// Ends the load never.
struct Patient;

impl LoadObserver for Patient {
    fn tick(&mut self, _: Duration, _: Snapshot) -> Option<String> {
        None
    }
}

fn hello() -> Hello {
    let text = |text: &str| text.to_owned();
    let (build, scenario, catalogue) = (text("build"), text("basic"), text("catalogue"));
    Hello { protocol: PROTOCOL, build, scenario, catalogue, token: text("token"), place: text("process 7 on node-3") }
}

fn layout() -> Layout {
    Layout::new(&SHOP, vec![false])
}

fn plan(load: &LoadProfile) -> Plan {
    Plan { parts: vec![load.plan("part", 1, 1).unwrap()], seed: 1 }
}

/// The load of an agent that did not begin this number of its iterations.
fn load(untaken: u64) -> Load {
    let mut counts = Snapshot::new(&layout());
    counts.parts[0].dropped[0] = untaken;
    Load::not_started(counts)
}

/// A run of two agents.
struct Run {
    coordinator: Coordinator,
    plan: Plan,
    /// Signals to the coordinator.
    signal: watch::Sender<u32>,
    signals: Signals,
}

impl Run {
    fn new(load: &LoadProfile) -> Self {
        let (signal, signals) = Signals::remote();
        let coordinator = Coordinator::open((Ipv4Addr::LOCALHOST, 0).into(), None, hello(), layout()).unwrap();
        Self { coordinator, plan: plan(load), signal, signals }
    }

    fn address(&self) -> SocketAddr {
        self.coordinator.listener.address
    }

    /// Prepares two agents.
    async fn prepare(&mut self) -> Result<(), AgentError> {
        let Self { coordinator, plan, signals, .. } = self;
        coordinator.gather(2, &|_| (), signals).await?;
        let assignment = |share| Assignment {
            settings: Settings::new("http://127.0.0.1:9".parse().unwrap()),
            loads: Vec::new(),
            seed: 1,
            share,
            threads: None,
        };
        coordinator.assign(assignment, &plan.hash(), signals).await?;
        coordinator.hand_out("null".to_owned(), signals).await
    }

    async fn make(&mut self) -> Load {
        self.prepare().await.unwrap();
        let Self { coordinator, plan, signals, .. } = self;
        let epoch = coordinator.begin(plan).await;
        coordinator.run(plan, epoch, signals, &mut Patient).await
    }
}

#[tokio::test]
async fn clocks_are_measured_again_at_the_end() {
    let mut run = Run::new(&constant_vus(4, MS(1_000)));
    let (address, plan) = (run.address(), plan(&constant_vus(4, MS(1_000))));
    let agents = async {
        let (one, other) = tokio::join!(PlayedAgent::begin(address, &plan), PlayedAgent::begin(address, &plan));
        tokio::join!(one.finish(load(0), vec![0], Duration::ZERO), other.finish(load(0), vec![0], MS(400)));
    };
    let (load, ()) = tokio::join!(run.make(), agents);
    let mut drifts: Vec<_> =
        load.agents.iter().map(|agent| (agent.clock_drift_ms.unwrap(), agent.clock_drift_error_ms.unwrap())).collect();
    drifts.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let is_near = |at: usize, ms: f64| (drifts[at].0 - ms).abs() < 100.0 && drifts[at].1 < 100.0;
    assert!(is_near(0, 0.0) && is_near(1, 400.0), "{drifts:?}");
}
