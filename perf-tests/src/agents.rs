//! Several processes that make one load together: an agent is a worker whose channel is a socket.
//!
//! The coordinator plans, runs setup and teardown, folds the counts of all agents, pushes and
//! judges. Each agent makes its share of the plan. Agents that are lost,
//! or that differ, make the run inconclusive; none is started again, since that would be another
//! load.

mod agent;
mod agent_error;
mod agent_load;
mod clock_offset;
mod coordinator;
mod encryption;
mod fold;
mod identity;
mod lease_book;
mod link;
mod listener;
mod long_number;
mod lost;
mod message;
mod pause_watch;
mod program;
mod refused_peers;
mod remote_agent;
mod shard_file;
mod shard_set;

pub(crate) use agent::{Agent, AgentEnd};
pub(crate) use agent_error::AgentError;
pub(crate) use coordinator::Coordinator;
pub(crate) use encryption::acceptor;
pub(crate) use identity::{hello, hello_of_build, new_token};
pub(crate) use message::{Assignment, MAX_SETUP_VALUE};
pub(crate) use shard_file::{RunFacts, ShardError, ShardFile, file_name, shared_values};
pub(crate) use shard_set::{MergedLoad, ShardSet};

/// Whether bytes begin with a message of an agent or of a coordinator, of any length that they
/// allow. Fuzzers call it.
///
/// # Errors
/// If the system refuses a runtime.
pub fn is_message(bytes: &[u8]) -> std::io::Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    Ok(runtime.block_on(async {
        let from_agent = message::read::<message::FromAgent>(&mut &*bytes, message::MAX_MESSAGE).await;
        let to_agent = message::read::<message::ToAgent>(&mut &*bytes, message::MAX_MESSAGE).await;
        from_agent.is_ok() || to_agent.is_ok()
    }))
}
