//! Runs whose agents are played by the test, over real connections.

use std::net::Ipv4Addr;

use perf_settings::Settings;
use test_support::shop::SHOP;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::*;
use crate::agents::link::{self, LinkSender};
use crate::agents::message::{ClockReply, PROTOCOL};
use crate::engine::{Lease, LeaseRequest};
use crate::plan::{LoadProfile, constant_vus, nanos, shared_iterations};

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
        let (sender, receiver) = link::open::<FromAgent, _>(Box::new(stream)).unwrap();
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
        self.receiver.next().await.unwrap()
    }

    /// The next leases of the only part.
    async fn next_lease(&mut self) -> Lease {
        match self.next().await {
            ToAgent::Lease(leases) => leases[0],
            other => panic!("{other:?}"),
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
        let (signal, signals) = Signals::from_sender();
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
        let load_start = coordinator.begin(plan).await;
        coordinator.run(plan, load_start, signals, &mut Patient).await
    }
}

#[tokio::test]
async fn an_agent_with_another_plan_is_named_before_the_load() {
    let mut run = Run::new(&constant_vus(4, MS(1_000)));
    let address = run.address();
    let other = async {
        let mut agent = PlayedAgent::join(address).await;
        assert!(matches!(agent.next().await, ToAgent::Assignment(_)));
        agent.send(FromAgent::Prepared("another".to_owned())).await;
        agent.stay(Duration::ZERO).await;
    };
    let same = plan(&constant_vus(4, MS(1_000)));
    let error = tokio::select! {
        prepared = run.prepare() => prepared.unwrap_err().to_string(),
        _ = async { tokio::join!(other, PlayedAgent::begin(address, &same)) } => panic!("the load began"),
    };
    let hashes = format!("(process 7 on node-3) plans another load: its plan is another, not {}", &same.hash()[..16]);
    assert!(error.starts_with("agent ") && error.ends_with(&hashes), "{error}");
}

#[tokio::test]
async fn an_agent_that_does_not_reach_the_target_is_named() {
    let mut run = Run::new(&constant_vus(4, MS(1_000)));
    let (address, plan) = (run.address(), plan(&constant_vus(4, MS(1_000))));
    let far = async {
        let mut agent = PlayedAgent::join(address).await;
        assert!(matches!(agent.next().await, ToAgent::Assignment(_)));
        agent.send(FromAgent::Failed("cannot connect to http://a:1".to_owned())).await;
        agent.stay(Duration::ZERO).await;
    };
    let error = tokio::select! {
        prepared = run.prepare() => prepared.unwrap_err().to_string(),
        _ = async { tokio::join!(far, PlayedAgent::begin(address, &plan)) } => panic!("the load began"),
    };
    assert!(error.ends_with(" (process 7 on node-3): cannot connect to http://a:1"), "{error}");
}

#[tokio::test]
async fn two_coordinators_cannot_have_one_address() {
    let run = Run::new(&constant_vus(4, MS(1_000)));
    let address = run.address();
    let second = Coordinator::open(address, None, hello(), layout());
    let error = second.err().unwrap().to_string();
    assert!(error.starts_with(&format!("cannot listen for agents at {address}: Address ")), "{error}");
    assert!(error.ends_with(": choose another address with --listen"), "{error}");
}

#[tokio::test]
async fn an_address_for_all_interfaces_is_named_by_the_machine() {
    let join = |address: &str| {
        let coordinator = Coordinator::open(address.parse().unwrap(), None, hello(), layout()).unwrap();
        (coordinator.address_to_join(), coordinator.listener.address.port())
    };
    let (here, port) = join("127.0.0.1:0");
    assert!(port > 0 && here == format!("127.0.0.1:{port}"), "{here}");
    let (everywhere, port) = join("0.0.0.0:0");
    assert_eq!(everywhere, format!("{}:{port}", proc::hostname().unwrap()));
}

#[tokio::test]
async fn an_agent_that_sends_something_else_is_lost_and_named() {
    let wrong = [
        || FromAgent::Ready,
        || FromAgent::LeaseRequests(vec![LeaseRequest { part: 0, wanted: 1, waiting: 0 }]),
        || FromAgent::Finished { load: Box::new(load(0)), leased: vec![5] },
    ];
    for message in wrong {
        let mut run = Run::new(&constant_vus(4, MS(1_000)));
        let (address, plan) = (run.address(), plan(&constant_vus(4, MS(1_000))));
        let agents = async {
            let (one, mut other) = tokio::join!(PlayedAgent::begin(address, &plan), PlayedAgent::begin(address, &plan));
            other.send(message()).await;
            tokio::join!(one.finish(load(0), vec![0], Duration::ZERO), other.stay(Duration::ZERO));
        };
        let (load, ()) = tokio::join!(run.make(), agents);
        let lost: Vec<_> = load.agents.iter().filter_map(|agent| agent.lost.as_deref()).collect();
        assert!(matches!(lost[..], [why] if why.ends_with("it sent an unexpected message")), "{:?}", load.agents);
    }
}

#[tokio::test]
async fn an_agent_that_joins_twice_is_refused_and_named() {
    let mut run = Run::new(&constant_vus(4, MS(1_000)));
    let (address, plan) = (run.address(), plan(&constant_vus(4, MS(1_000))));
    let agents = async {
        let (one, other) = tokio::join!(PlayedAgent::begin(address, &plan), PlayedAgent::begin(address, &plan));
        let mut again = PlayedAgent::join(address).await;
        match again.next().await {
            ToAgent::Refused(why) => assert_eq!(why, ["all agents of the run have joined"]),
            message => panic!("{message:?}"),
        }
        drop(again);
        tokio::join!(one.finish(load(0), vec![0], Duration::ZERO), other.finish(load(0), vec![0], Duration::ZERO));
    };
    let (load, ()) = tokio::join!(run.make(), agents);
    assert!(load.agents.iter().all(|agent| agent.lost.is_none()), "{:?}", load.agents);
    let refused = run.coordinator.refused();
    assert_eq!(refused, ["a peer was refused: process 7 on node-3: all agents of the run have joined"]);
}

#[tokio::test]
async fn a_late_agent_is_told_at_once() {
    async fn refusal(address: SocketAddr) -> Vec<String> {
        let mut late = PlayedAgent::join(address).await;
        match time::timeout(MS(2_000), late.next()).await.unwrap() {
            ToAgent::Refused(why) => why,
            message => panic!("{message:?}"),
        }
    }
    let mut run = Run::new(&constant_vus(4, MS(1_000)));
    let (address, plan) = (run.address(), plan(&constant_vus(4, MS(1_000))));
    let agents = async {
        let (one, other) = tokio::join!(PlayedAgent::begin(address, &plan), PlayedAgent::begin(address, &plan));
        tokio::join!(one.finish(load(0), vec![0], Duration::ZERO), other.finish(load(0), vec![0], Duration::ZERO));
    };
    tokio::pin!(agents);
    tokio::select! {
        prepared = run.prepare() => prepared.unwrap(),
        () = &mut agents => panic!("the load began"),
    }
    assert_eq!(refusal(address).await, ["all agents of the run have joined"], "while setup blocks the thread");
    let load = async {
        let load_start = run.coordinator.begin(&run.plan).await;
        run.coordinator.run(&run.plan, load_start, &mut run.signals, &mut Patient).await
    };
    tokio::join!(load, agents);
    assert_eq!(refusal(address).await, ["the load of the run has ended"]);
}

#[tokio::test]
async fn an_agent_that_ends_before_all_have_joined_leaves_its_place() {
    let mut run = Run::new(&constant_vus(4, MS(1_000)));
    let (address, plan) = (run.address(), plan(&constant_vus(4, MS(1_000))));
    let agents = async {
        let mut left = PlayedAgent::join(address).await;
        assert!(matches!(left.receiver.receive().await, Ok(ToAgent::Alive)), "it has joined");
        drop(left);
        // The coordinator notices it by the second heartbeat that it sends.
        time::sleep(MS(2_500)).await;
        let (one, other) = tokio::join!(PlayedAgent::begin(address, &plan), PlayedAgent::begin(address, &plan));
        tokio::join!(one.finish(load(0), vec![0], Duration::ZERO), other.finish(load(0), vec![0], Duration::ZERO));
    };
    let (load, ()) = tokio::join!(run.make(), agents);
    let lost: Vec<_> = load.agents.iter().map(|agent| (agent.number, agent.lost.as_deref())).collect();
    assert_eq!(lost, [(1, None), (2, None)]);
}

#[tokio::test]
async fn an_agent_that_never_finishes_is_given_up_after_the_planned_end() {
    let profile = constant_vus(4, MS(1_000)).graceful_stop(Duration::ZERO);
    let mut run = Run::new(&profile);
    run.coordinator.overtime = MS(300);
    let (address, plan) = (run.address(), plan(&profile));
    let agents = async {
        let (one, mut other) = tokio::join!(PlayedAgent::begin(address, &plan), PlayedAgent::begin(address, &plan));
        tokio::join!(one.finish(load(0), vec![0], Duration::ZERO), other.stay(Duration::ZERO));
    };
    let (load, ()) = tokio::join!(run.make(), agents);
    let lost: Vec<_> = load.agents.iter().filter_map(|agent| agent.lost.as_deref()).collect();
    assert!(matches!(lost[..], [why] if why.contains("it did not finish within")), "{:?}", load.agents);
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_coordinator_waits_for_a_last_clock_without_work() {
    let profile = constant_vus(4, MS(1_000)).graceful_stop(Duration::ZERO);
    let mut run = Run::new(&profile);
    run.coordinator.overtime = Duration::ZERO;
    let (address, plan) = (run.address(), plan(&profile));
    let agents = async {
        let (one, other) = tokio::join!(PlayedAgent::begin(address, &plan), PlayedAgent::begin(address, &plan));
        // Neither responds when its clock is measured again, which takes until after the overtime.
        time::sleep(MS(1_200)).await;
        for agent in [&one, &other] {
            agent.send(FromAgent::Finished { load: Box::new(load(0)), leased: vec![0] }).await;
        }
        (one, other)
    };
    let worked = || proc::thread_times().unwrap().0;
    let before = worked();
    tokio::join!(run.make(), agents);
    assert!(worked() - before < nanos(MS(250)), "{} ms", (worked() - before) / 1_000_000);
}

#[tokio::test]
async fn shared_iterations_that_a_slow_agent_keeps_are_counted_for_it() {
    let profile = shared_iterations(4, 10).max_duration(MS(1_000));
    let mut run = Run::new(&profile);
    let (address, plan) = (run.address(), plan(&profile));
    let agents = async {
        let (mut fast, mut slow) = tokio::join!(PlayedAgent::begin(address, &plan), PlayedAgent::begin(address, &plan));
        assert_eq!(slow.next_lease().await.count, 2);
        let mut leased = fast.next_lease().await.count;
        loop {
            fast.send(FromAgent::LeaseRequests(vec![LeaseRequest { part: 0, wanted: 9, waiting: 0 }])).await;
            match fast.next_lease().await.count {
                0 => break,
                count => leased += count,
            }
        }
        assert_eq!(leased, 8, "the other agent keeps its lease");
        tokio::join!(fast.finish(load(0), vec![leased], Duration::ZERO), slow.finish(load(1), vec![2], Duration::ZERO));
    };
    let (load, ()) = tokio::join!(run.make(), agents);
    let mut untaken: Vec<_> = load.agents.iter().map(|agent| agent.untaken).collect();
    untaken.sort_unstable();
    assert_eq!(untaken, [0, 1]);
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

#[tokio::test]
async fn a_signal_reaches_each_agent_within_a_second() {
    let mut run = Run::new(&constant_vus(4, MS(60_000)));
    let (address, plan, signal) = (run.address(), plan(&constant_vus(4, MS(60_000))), run.signal.clone());
    let agents = async {
        let (mut one, mut other) = tokio::join!(PlayedAgent::begin(address, &plan), PlayedAgent::begin(address, &plan));
        signal.send_replace(1);
        for agent in [&mut one, &mut other] {
            assert!(matches!(agent.next().await, ToAgent::Lease(_)));
            let told = time::timeout(MS(1_000), agent.next()).await.unwrap();
            assert!(matches!(told, ToAgent::Abort(AbortCause::Interrupted)), "{told:?}");
        }
        tokio::join!(one.finish(load(0), vec![0], Duration::ZERO), other.finish(load(0), vec![0], Duration::ZERO));
    };
    let (load, ()) = tokio::join!(run.make(), agents);
    assert!(load.interrupted && load.agents.iter().all(|agent| agent.lost.is_none()), "{:?}", load.agents);
}
