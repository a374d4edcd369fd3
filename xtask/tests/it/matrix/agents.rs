//! Faults of agents, and of the network between them and their coordinator.

mod disks;
mod stages;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use monitoring::prometheus::config::RECEIVER_FLAG;
use rustix::process::Signal;
use test_support::processes;

use super::world::{Counts, Observation, Row, RunningCommand, wait_for_load};
use super::{panics, within};
use crate::real::{
    Backend, Prometheus, as_root, free_port, prometheus, root, root_command, send_signal, wait_for, xtask,
};

const TOKEN: &str = "the token of the matrix";
/// A namespace with a network of its own, and the addresses of the two ends of a cable to it.
const NAMESPACE: &str = "perf-matrix";
const CABLE: [&str; 2] = ["perf-matrix-0", "perf-matrix-1"];
const HERE: &str = "10.213.77.1";
const THERE: &str = "10.213.77.2";

const fn row(fault: &'static str, code: i32, message: &'static str, act: fn() -> Observation) -> Row {
    Row { class: "agents", fault, code, message, counted: Counts::All, within: within(8, 20), act }
}

pub(crate) fn rows() -> Vec<Row> {
    let of_agents = vec![
        row("one is killed", 90, "the connection was closed", || signaled("agent-killed", Signal::KILL)),
        row("one is stopped", 90, "it was silent for 5 s", || signaled("agent-stopped", Signal::STOP)),
        row("one is stopped for 2 s", 90, "a thread of agent ", stopped_for_2_s),
        row("one has a wrong token", 0, "its token is wrong: set its PERF_AGENT_TOKEN", || {
            with_stranger("token", |run, address| run.join_as("basic::basic", "the token of another run", address))
        }),
        row("one has another scenario", 0, "its scenario is ", || {
            with_stranger("scenario", |run, address| run.join_as("smoke::smoke", TOKEN, address))
        }),
        row("a web client connects in place of one", 0, "is longer than the limit of", || {
            with_stranger("client", |_, address| {
                TcpStream::connect(address).unwrap().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
            })
        }),
        row("the network to one is cut", 90, "it was silent for 5 s", cut),
        row("messages to one take 20 ms each way", 0, "exit 0", || delayed(20)),
        row("messages to one take 100 ms each way", 90, "ms late, clock error included", || delayed(100)),
        row("they join by the name of the host", 0, "exit 0", || joined_by("name", "127.0.0.1", "localhost")),
        row("they join by IPv6", 0, "exit 0", || joined_by("ipv6", "[::1]", "[::1]")),
    ];
    [of_agents, stages::rows(), disks::rows()].into_iter().flatten().collect()
}

fn line<'a>(target: &'a str, store: &'a str, agents: &'a str) -> Vec<&'a str> {
    vec!["-u", "6", "-d", "8s", "--no-proof", "--target", target, "--prometheus-url", store, "--agents", agents]
}

/// The agents of a run, once it makes load.
fn list_agents(running: &RunningCommand, store: &Prometheus, testid: &str) -> (u32, Vec<u32>) {
    wait_for_load(&store.url, testid);
    // Before the load, the same program runs for a moment to list its scenarios.
    let coordinator = running.generator();
    (coordinator, processes::children(coordinator))
}

fn signaled(testid: &str, signal: Signal) -> Observation {
    let (store, backend) = (prometheus(&format!("matrix-{testid}-store"), &[RECEIVER_FLAG]), Backend::start(&[]));
    let running = RunningCommand::start(testid, &line(&backend.url, &store.url, "3"));
    let (_, agents) = list_agents(&running, &store, testid);
    send_signal(agents[1], signal).unwrap();
    running.end(Some(&store.url))
}

/// A run whose agents join by hand.
struct Joined {
    running: RunningCommand,
    /// The program of the scenarios.
    program: String,
    agents: Vec<Child>,
}

impl Joined {
    fn start(testid: &str, listen: &str, line: &[&str]) -> Self {
        let mut command = xtask(&["perf", "-q", "--testid", testid, "--listen", listen]);
        command.env("PERF_AGENT_TOKEN", TOKEN);
        let running = RunningCommand::start_command(testid, line, command);
        let program = processes::executable(running.generator()).unwrap().display().to_string();
        Self { running, program, agents: Vec::new() }
    }

    /// Starts an agent by a command that is followed by a program and its arguments.
    fn join(&mut self, command: Command, coordinator: &str) {
        self.agents.push(self.start_agent(command, "basic::basic", TOKEN, coordinator));
    }

    /// Waits until an agent of a scenario with a token has ended.
    fn join_as(&self, scenario: &str, token: &str, coordinator: &str) {
        let mut agent = self.start_agent(Command::new("nice"), scenario, token, coordinator);
        assert!(!agent.wait().unwrap().success(), "an agent of {scenario} took part");
    }

    fn start_agent(&self, mut command: Command, scenario: &str, token: &str, coordinator: &str) -> Child {
        command.arg("env").arg(format!("PERF_AGENT_JOIN={coordinator}")).arg(format!("PERF_AGENT_TOKEN={token}"));
        command.args([&self.program, "--ignored", "--exact", "--nocapture", scenario]).current_dir(root());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// Waits for the end of the run and of its agents.
    fn end(self, store: &Prometheus) -> Observation {
        let observed = self.running.end(Some(&store.url));
        for mut agent in self.agents {
            wait_for("the end of an agent", Duration::from_secs(10), || agent.try_wait().unwrap());
        }
        observed
    }
}

fn stopped_for_2_s() -> Observation {
    let testid = "agent-paused";
    let (store, backend) = (prometheus(&format!("matrix-{testid}-store"), &[RECEIVER_FLAG]), Backend::start(&[]));
    let running = RunningCommand::start(testid, &line(&backend.url, &store.url, "3"));
    let (_, agents) = list_agents(&running, &store, testid);
    send_signal(agents[1], Signal::STOP).unwrap();
    thread::sleep(Duration::from_secs(2));
    send_signal(agents[1], Signal::CONT).unwrap();
    running.end(Some(&store.url))
}

/// A run to whose address something comes before its agents.
fn with_stranger(testid: &str, come: fn(&Joined, &str)) -> Observation {
    let testid = format!("agent-wrong-{testid}");
    let (store, backend) = (prometheus(&format!("matrix-{testid}-store"), &[RECEIVER_FLAG]), Backend::start(&[]));
    let address = format!("127.0.0.1:{}", free_port());
    let mut run = Joined::start(&testid, &address, &line(&backend.url, &store.url, "2"));
    wait_for("the coordinator", Duration::from_secs(20), || TcpStream::connect(&address).ok());
    come(&run, &address);
    (0..2).for_each(|_| run.join(Command::new("nice"), &address));
    run.end(&store)
}

/// Both agents are behind the same kind of cable; one is unplugged.
fn cut() -> Observation {
    let testid = "agent-cut";
    let _network = Network::start();
    let (store, backend) = (prometheus("matrix-cut-store", &[RECEIVER_FLAG]), Backend::start(&[]));
    let target = format!("http://{}", relay(HERE, parse_port(&backend.url), Duration::ZERO));
    let coordinator = format!("{HERE}:{}", free_port());
    let mut run = Joined::start(testid, &coordinator, &line(&target, &store.url, "2"));
    run.join(root_command(&["ip", "netns", "exec", NAMESPACE]), &coordinator);
    run.join(Command::new("nice"), &coordinator);
    wait_for_load(&store.url, testid);
    as_root(&["ip", "-n", NAMESPACE, "link", "set", CABLE[1], "down"]);
    run.end(&store)
}

/// A coordinator that listens at an address, and agents that know it by `name`.
fn joined_by(testid: &str, address: &str, name: &str) -> Observation {
    let testid = format!("agents-by-{testid}");
    let (store, backend) = (prometheus(&format!("matrix-{testid}-store"), &[RECEIVER_FLAG]), Backend::start(&[]));
    let port = free_port();
    let mut run = Joined::start(&testid, &format!("{address}:{port}"), &line(&backend.url, &store.url, "2"));
    (0..2).for_each(|_| run.join(Command::new("nice"), &format!("{name}:{port}")));
    run.end(&store)
}

fn delayed(ms: u64) -> Observation {
    let testid = format!("agent-delayed-{ms}");
    let (store, backend) = (prometheus(&format!("matrix-{testid}-store"), &[RECEIVER_FLAG]), Backend::start(&[]));
    let port = free_port();
    let coordinator = format!("127.0.0.1:{port}");
    let mut run = Joined::start(&testid, &coordinator, &line(&backend.url, &store.url, "2"));
    run.join(Command::new("nice"), &relay("127.0.0.1", port, Duration::from_millis(ms)));
    run.join(Command::new("nice"), &coordinator);
    run.end(&store)
}

/// The namespace with a cable to it, until it is dropped.
struct Network;

impl Network {
    fn start() -> Self {
        let network = Self;
        as_root(&["ip", "netns", "add", NAMESPACE]);
        as_root(&["ip", "link", "add", CABLE[0], "type", "veth", "peer", "name", CABLE[1], "netns", NAMESPACE]);
        as_root(&["ip", "address", "add", &format!("{HERE}/30"), "dev", CABLE[0]]);
        as_root(&["ip", "link", "set", CABLE[0], "up"]);
        as_root(&["ip", "-n", NAMESPACE, "address", "add", &format!("{THERE}/30"), "dev", CABLE[1]]);
        as_root(&["ip", "-n", NAMESPACE, "link", "set", CABLE[1], "up"]);
        network
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // The cable goes with the namespace.
        drop(root_command(&["ip", "netns", "delete", NAMESPACE]).status());
    }
}

fn parse_port(url: &str) -> u16 {
    url::Url::parse(url).unwrap().port().unwrap()
}

/// Listens at an address, and forwards connections to a port of this machine. Bytes take `delay` in
/// each direction: not every kernel has netem, which delays packets. Returns the address with its
/// port.
fn relay(address: &str, port: u16, delay: Duration) -> String {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for near in listener.incoming().flatten() {
            // An agent may come before its coordinator listens.
            let far = wait_for("a listener behind the relay", Duration::from_secs(30), || {
                TcpStream::connect(("127.0.0.1", port)).ok()
            });
            forward(near.try_clone().unwrap(), far.try_clone().unwrap(), delay);
            forward(far, near, delay);
        }
    });
    address
}

#[expect(clippy::disallowed_methods, reason = "a test's own clock")]
fn forward(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut bytes = vec![0; 64 << 10];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            if sender.send((Instant::now() + delay, bytes[..read].to_vec())).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (due, bytes) in receiver {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        // The other side may have closed it already.
        drop(to.shutdown(Shutdown::Write));
    });
}
