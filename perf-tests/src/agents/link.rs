//! A connection between coordinator and agent. Both sides send something at least every second, so
//! that each notices soon that the other is gone. Connections have a thread of their own, since a
//! scenario's setup may block the thread that it runs on.

use std::future::pending;
use std::mem::discriminant;
use std::sync::OnceLock;
use std::time::Duration;
use std::{io, thread};

use serde::Serialize;
use tokio::io::{AsyncWrite, AsyncWriteExt as _, WriteHalf};
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time;

use super::encryption::AgentStream;
use super::message::{self, LinkMessage, MAX_MESSAGE, MessageError, SILENCE};

/// Time after which a side that has nothing to say says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Messages that wait to be sent, or to be read.
const MOST_WAITING: usize = 8;
/// Urgent messages that wait to be sent: those that end the load, one for each cause.
const MOST_URGENT: usize = 2;
/// Bytes of a message that are written at a time.
const CHUNK: usize = 64 << 10;

/// The sending side of a connection, which is closed when it is dropped.
#[derive(Debug)]
pub(super) struct LinkSender {
    waiting: mpsc::Sender<Vec<u8>>,
    urgent: mpsc::Sender<Vec<u8>>,
    tasks: [JoinHandle<()>; 2],
}

#[derive(Debug)]
pub(super) struct LinkReceiver<In>(mpsc::Receiver<Result<In, MessageError>>);

/// The runtime of all connections of this process.
pub(super) fn runtime() -> io::Result<Handle> {
    static RUNTIME: OnceLock<Handle> = OnceLock::new();
    if let Some(handle) = RUNTIME.get() {
        return Ok(handle.clone());
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    // It ends with the process.
    thread::Builder::new().name("agents".to_owned()).spawn(move || runtime.block_on(pending::<()>()))?;
    Ok(RUNTIME.get_or_init(|| handle).clone())
}

/// Sends and receives on a connection that was made on [`runtime`]. A side that has nothing to say
/// sends [`LinkMessage::ALIVE`].
pub(super) fn open<Out, In>(stream: AgentStream) -> Result<(LinkSender, LinkReceiver<In>), MessageError>
where
    Out: LinkMessage,
    In: LinkMessage + Send + 'static,
{
    let alive = message::encode(&Out::ALIVE)?;
    let runtime = runtime()?;
    let (mut reader, writer) = tokio::io::split(stream);
    let (waiting, to_send) = mpsc::channel(MOST_WAITING);
    let (urgent, to_send_first) = mpsc::channel(MOST_URGENT);
    let (arrived, incoming) = mpsc::channel(MOST_WAITING);
    let read = runtime.spawn(async move {
        loop {
            let message = message::read(&mut reader, MAX_MESSAGE).await;
            let is_over = message.is_err();
            // If the receiver is gone, the link is closed.
            if arrived.send(message).await.is_err() || is_over {
                return;
            }
        }
    });
    let queues = Queues { urgent: to_send_first, waiting: to_send };
    let tasks = [read, runtime.spawn(write(writer, queues, alive))];
    Ok((LinkSender { waiting, urgent, tasks }, LinkReceiver(incoming)))
}

impl LinkSender {
    /// Whether messages can be sent. A connection that the peer closed is noticed after two
    /// heartbeats.
    pub(super) fn is_connected(&self) -> bool {
        !self.waiting.is_closed()
    }

    /// Sends a message. If the connection is lost, the receiving side says so.
    pub(super) async fn send<Out: Serialize>(&self, message: &Out) -> Result<(), MessageError> {
        // An error means that the connection is lost.
        drop(self.waiting.send(message::encode(message)?).await);
        Ok(())
    }

    /// Sends a message, or leaves it out if many others wait to be sent.
    pub(super) fn offer<Out: Serialize>(&self, message: &Out) -> Result<(), MessageError> {
        if self.waiting.capacity() > 0 {
            drop(self.waiting.try_send(message::encode(message)?));
        }
        Ok(())
    }

    /// Sends a message before all others that wait, however many there are.
    pub(super) fn send_first<Out: Serialize>(&self, message: &Out) -> Result<(), MessageError> {
        // An error means that the connection is lost, or that both urgent messages wait already.
        drop(self.urgent.try_send(message::encode(message)?));
        Ok(())
    }
}

struct Queues {
    urgent: mpsc::Receiver<Vec<u8>>,
    waiting: mpsc::Receiver<Vec<u8>>,
}

impl Queues {
    /// The next message to send. `None` if the sender is gone.
    async fn next(&mut self) -> Option<Vec<u8>> {
        tokio::select! {
            biased;
            Some(message) = self.urgent.recv() => Some(message),
            message = self.waiting.recv() => message,
        }
    }
}

impl Drop for LinkSender {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl<In: LinkMessage> LinkReceiver<In> {
    /// The next message. An error means that the connection is lost: there is no further message.
    pub(super) async fn receive(&mut self) -> Result<In, MessageError> {
        self.0.recv().await.unwrap_or(Err(MessageError::Closed))
    }

    /// The next message that is not [`LinkMessage::ALIVE`].
    pub(super) async fn next(&mut self) -> Result<In, MessageError> {
        loop {
            let message = self.receive().await?;
            if discriminant(&message) != discriminant(&In::ALIVE) {
                return Ok(message);
            }
        }
    }
}

/// Sends messages until the connection breaks. A peer that reads nothing breaks it as well.
async fn write(mut writer: WriteHalf<AgentStream>, mut queues: Queues, alive: Vec<u8>) {
    loop {
        let bytes = match time::timeout(HEARTBEAT, queues.next()).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return,
            Err(_) => alive.clone(),
        };
        for chunk in bytes.chunks(CHUNK) {
            if !matches!(time::timeout(SILENCE, write_now(&mut writer, chunk)).await, Ok(Ok(()))) {
                return;
            }
        }
    }
}

/// Writes bytes, also those that TLS would keep back.
pub(super) async fn write_now(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    writer.write_all(bytes).await?;
    writer.flush().await
}

#[cfg(test)]
mod tests;
