//! The agent's side of a run.

use std::cell::Cell;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use perf_host::signals::Signals;
use perf_report::exit_code::ExitCode;
use perf_settings::{AGENT_CA, AGENT_JOIN, AGENT_TOKEN};
use tokio::net::{self, TcpStream};
use tokio::sync::watch;
use tokio::time::{self, Instant};

use super::clock_offset::SentClock;
use super::encryption::{self, AgentStream, EncryptionError};
use super::link::{self, LinkReceiver, LinkSender};
use super::message::{
    self, AbortCause, Assignment, ClockReply, FromAgent, Hello, LONG_PATIENCE, MAX_MESSAGE, MessageError, ToAgent,
};
use crate::engine::{self, EngineError, Job, Leases, Load, LoadObserver};
use crate::env_variables::AgentJoin;
use crate::measure::Snapshot;
use crate::plan::nanos;

/// Time for the coordinator to listen, once its name is known, and then to respond.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(200);
/// Pause between two lookups of a name that is not known yet.
const LOOKUP_PAUSE: Duration = Duration::from_secs(2);
/// Time for the coordinator to close the connection after the result.
const FAREWELL: Duration = Duration::from_secs(30);

/// The first two bytes of an alert of TLS, which looks like the length of a long message.
const TLS_ALERT: usize = 0x15_03;

/// Why an agent ends without a result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AgentEnd {
    #[error(
        "cannot join {0}: {1}; check that a coordinator waits there, that no firewall is between, and that {AGENT_JOIN} \
         is HOST:PORT"
    )]
    Unreachable(String, io::Error),
    #[error(
        "cannot join {address}: {peer} is a public address, and the token would be sent to it without encryption: set \
         {AGENT_CA} to a file with the coordinator's certificate, or with its authority's"
    )]
    Public { address: String, peer: IpAddr },
    #[error("cannot join {0}: {1}")]
    Unencrypted(String, EncryptionError),
    #[error("the coordinator refused this agent: {0}")]
    Refused(String),
    #[error("the coordinator closed the connection: its run has ended, or {AGENT_TOKEN} is not the text that it has")]
    UnknownToken,
    #[error("this agent left the run: {0}. If the run has ended, the coordinator's output says why")]
    Lost(#[from] MessageError),
    #[error("{0}")]
    Engine(#[from] EngineError),
}

impl AgentEnd {
    pub(crate) const fn code(&self) -> ExitCode {
        match self {
            Self::Unreachable(..)
            | Self::Public { .. }
            | Self::Unencrypted(..)
            | Self::Refused(_)
            | Self::UnknownToken => ExitCode::BadConfiguration,
            Self::Lost(_) => ExitCode::Interrupted,
            Self::Engine(_) => ExitCode::Internal,
        }
    }
}

pub(crate) struct Agent {
    sender: LinkSender,
    receiver: LinkReceiver<ToAgent>,
    clock: SentClock,
}

impl Agent {
    /// Joins the run at this address. Waits until all agents have joined. `show` shows why it waits
    /// for the coordinator's name.
    pub(crate) async fn join(join: &AgentJoin, hello: Hello, show: fn(&str)) -> Result<(Self, Assignment), AgentEnd> {
        let met = link::runtime().map_err(MessageError::Io)?.spawn(meet(join.clone(), hello, show)).await;
        let (stream, first) = met.map_err(|error| MessageError::Io(io::Error::other(error)))??;
        let (sender, receiver) = link::open::<FromAgent, _>(stream)?;
        let mut agent = Self { sender, receiver, clock: SentClock::start() };
        let first = match first {
            ToAgent::Alive => agent.receiver.next().await?,
            first => first,
        };
        match first {
            ToAgent::Assignment(assignment) => Ok((agent, *assignment)),
            other => Err(unexpected(other)),
        }
    }

    /// Tells the coordinator the hash of this agent's plan. Returns setup's value as JSON.
    pub(crate) async fn prepared(&mut self, plan: String) -> Result<String, AgentEnd> {
        self.sender.send(&FromAgent::Prepared(plan)).await?;
        match self.receiver.next().await? {
            ToAgent::SetupValue(value) => Ok(value),
            other => Err(unexpected(other)),
        }
    }

    /// Tells the coordinator why this agent cannot make its share, and waits for the end of the
    /// run.
    pub(crate) async fn fail(mut self, why: String) {
        if self.sender.send(&FromAgent::Failed(why)).await.is_ok() {
            self.wait_for_the_end().await;
        }
    }

    /// Responds to the coordinator's questions about the clock until it gives the time at which the
    /// load begins.
    pub(crate) async fn ready(&mut self) -> Result<Instant, AgentEnd> {
        self.sender.send(&FromAgent::Ready).await?;
        loop {
            match self.receiver.next().await? {
                ToAgent::ClockProbe => self.reply_to_probe().await?,
                ToAgent::Start(at) => return Ok(self.clock.moment(at)),
                other => return Err(unexpected(other)),
            }
        }
    }

    /// Makes its share of the load, and sends counts, requests for leases and the result.
    ///
    /// # Errors
    /// If the coordinator is lost. The caller then ends the process, because worker threads still
    /// make load.
    pub(crate) async fn run(mut self, job: Job<'_>) -> Result<(), AgentEnd> {
        let ((stop, mut signals), is_missed) = (Signals::from_sender(), Cell::new(false));
        let leases = job.leases.clone().unwrap_or_else(|| Arc::new(Leases::new(job.plan)));
        let mut observer = CountSender { sender: &self.sender, is_missed: &is_missed };
        let load = tokio::select! {
            load = engine::run(job, &mut signals, &mut observer) => load?,
            lost = obey(&mut self.receiver, &stop, &is_missed, &leases) => return Err(AgentEnd::Lost(lost)),
            unsent = ask_ahead(&self.sender, &leases) => return Err(AgentEnd::Lost(unsent)),
        };
        self.finish(load, leases.received()).await
    }

    async fn finish(&mut self, load: Load, leased: Vec<u64>) -> Result<(), AgentEnd> {
        self.sender.send(&FromAgent::Finished { load: Box::new(load), leased }).await?;
        self.wait_for_the_end().await;
        Ok(())
    }

    /// Waits until the coordinator closes the connection. It measures the clock once more before.
    async fn wait_for_the_end(&mut self) {
        let closed = async {
            while let Ok(message) = self.receiver.receive().await {
                if matches!(message, ToAgent::ClockProbe) && self.reply_to_probe().await.is_err() {
                    return;
                }
            }
        };
        // If the coordinator does not close the connection, it is lost.
        drop(time::timeout(FAREWELL, closed).await);
    }

    async fn reply_to_probe(&self) -> Result<(), MessageError> {
        let received = self.clock.now();
        let reply = ClockReply { received, sent: self.clock.now() };
        self.sender.send(&FromAgent::ClockReply(reply)).await
    }
}

fn unexpected(message: ToAgent) -> AgentEnd {
    match message {
        ToAgent::Refused(why) => AgentEnd::Refused(why.join("; ")),
        _ => AgentEnd::Refused("it sent an unexpected message".to_owned()),
    }
}

/// Connects to the coordinator, and sends the token. Returns its first message, which shows that
/// the token is right. The message may come late, because peers without the token can hold all
/// places for some seconds.
async fn meet(join: AgentJoin, hello: Hello, show: fn(&str)) -> Result<(AgentStream, ToAgent), AgentEnd> {
    let address = join.address.clone();
    let mut stream = connect_as(join, show).await?;
    let hello = message::encode(&FromAgent::Hello(hello))?;
    // If the connection is lost, the response says so.
    drop(link::write_now(&mut stream, &hello).await);
    match message::read_within(PATIENCE, &mut stream, MAX_MESSAGE).await {
        Ok(first) => Ok((stream, first)),
        Err(MessageError::Closed) => Err(AgentEnd::UnknownToken),
        Err(MessageError::Silent) => Err(AgentEnd::Unreachable(address, silent())),
        Err(MessageError::TooLong { length, .. }) if length >> 16 == TLS_ALERT => Err(AgentEnd::Refused(format!(
            "it uses TLS: set {AGENT_CA} to a file with its certificate, or with its authority's"
        ))),
        Err(error) => Err(error.into()),
    }
}

fn silent() -> io::Error {
    io::Error::other(format!("it did not respond within {} s", PATIENCE.as_secs()))
}

/// Connects to the coordinator, over TLS if its authority is given.
async fn connect_as(join: AgentJoin, show: fn(&str)) -> Result<AgentStream, AgentEnd> {
    let AgentJoin { address, authority, .. } = join;
    let stream = connect(&address, authority.is_some(), show).await?;
    // If the system refuses, small messages are only later.
    drop(stream.set_nodelay(true));
    match authority {
        Some(file) => match time::timeout(PATIENCE, encryption::connect(&file, &address, stream)).await {
            Ok(encrypted) => encrypted.map_err(|error| AgentEnd::Unencrypted(address, error)),
            Err(_) => Err(AgentEnd::Unreachable(address, silent())),
        },
        None => Ok(Box::new(stream)),
    }
}

/// Connects to the coordinator. The name of a Service is unknown until the coordinator's pod runs,
/// which may take long. Without encryption, only private addresses are connected to.
async fn connect(address: &str, is_encrypted: bool, show: fn(&str)) -> Result<TcpStream, AgentEnd> {
    let mut until = crate::clock::now() + LONG_PATIENCE;
    let (mut pause, mut is_shown) = (LOOKUP_PAUSE, false);
    loop {
        let result = match net::lookup_host(address).await {
            Ok(addresses) => {
                if pause != PAUSE {
                    (pause, until) = (PAUSE, crate::clock::now() + PATIENCE);
                }
                let (allowed, others): (Vec<_>, Vec<_>) =
                    addresses.partition(|it| is_encrypted || perf_settings::is_private(it.ip().to_canonical()));
                match others.first() {
                    Some(public) if allowed.is_empty() => {
                        return Err(AgentEnd::Public { address: address.to_owned(), peer: public.ip() });
                    }
                    _ => TcpStream::connect(allowed.as_slice()).await,
                }
            }
            Err(error) => Err(error),
        };
        match result {
            Err(error) if error.kind() != io::ErrorKind::InvalidInput && crate::clock::now() < until => {
                if pause == LOOKUP_PAUSE && !is_shown {
                    is_shown = true;
                    show(&format!(
                        "waiting for the name in {address}, up to {} min: {error}",
                        LONG_PATIENCE.as_secs() / 60
                    ));
                }
                time::sleep(pause).await;
            }
            result => return result.map_err(|error| AgentEnd::Unreachable(address.to_owned(), error)),
        }
    }
}

/// Passes on leases, and what ends the load. Returns when the coordinator is lost.
async fn obey(
    receiver: &mut LinkReceiver<ToAgent>,
    stop: &watch::Sender<u32>,
    is_missed: &Cell<bool>,
    leases: &Leases,
) -> message::MessageError {
    loop {
        match receiver.receive().await {
            Ok(ToAgent::Abort(AbortCause::Interrupted)) => stop.send_modify(|count| *count += 1),
            Ok(ToAgent::Abort(AbortCause::Missed)) => is_missed.set(true),
            Ok(ToAgent::Lease(arrived)) => leases.add(&arrived),
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}

/// Asks for leases before virtual users need them. Returns if a request cannot be sent.
async fn ask_ahead(sender: &LinkSender, leases: &Leases) -> MessageError {
    loop {
        let requests = leases.requests().await;
        if let Err(error) = sender.send(&FromAgent::LeaseRequests(requests)).await {
            return error;
        }
    }
}

struct CountSender<'agent> {
    sender: &'agent LinkSender,
    /// Whether the coordinator found that an objective was missed.
    is_missed: &'agent Cell<bool>,
}

impl LoadObserver for CountSender<'_> {
    fn began(&mut self, late: Duration) {
        // The first message of a load finds an empty queue.
        drop(self.sender.offer(&FromAgent::Started(nanos(late))));
    }

    fn tick(&mut self, _: Duration, snapshot: Snapshot) -> Option<String> {
        match self.sender.offer(&FromAgent::Counts(Box::new(snapshot))) {
            Ok(()) => self.is_missed.get().then(|| "an objective was missed".to_owned()),
            Err(error) => {
                drop(self.sender.offer(&FromAgent::Failed(format!("its counts cannot be sent: {error}"))));
                Some(error.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests;
