//! The stub backend as a process: `stub-backend --port 8000 --delay get_game_data=600ms --errors
//! join_room=30%`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::Parser;
use serde_json::json;
use stub_backend::{Faults, StubServer, fixed};
use tokio::io::AsyncReadExt as _;

/// A stub of the stock game's multiplayer backend. Listens on the loopback interface only.
#[derive(Debug, Parser)]
#[command(name = "stub-backend", version)]
struct Args {
    /// Port to listen on; 0 uses a free port and prints it
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// Random seed of latencies and contents
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Added latency: join_room=600ms, optionally with a time window: join_room=600ms@10s-25s
    /// (repeatable)
    #[arg(long, value_name = "ENDPOINT=DURATION")]
    delay: Vec<String>,
    /// Share of requests that fail with status 500: join_room=30%, optionally with a time window
    /// (repeatable)
    #[arg(long, value_name = "ENDPOINT=PERCENT")]
    errors: Vec<String>,
    /// Connections of the database pool. Requests that need one wait until it is free
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pool: u32,
    /// Send the same short response to every request, for measuring clients
    #[arg(long)]
    fixed: bool,
    /// Delay responses by a seeded distribution, and log each delay in nanoseconds to this file
    #[arg(long, value_name = "FILE", requires = "fixed")]
    log_delays: Option<PathBuf>,
    /// Stop when standard input closes, so that the process ends with the one that started it
    #[arg(long)]
    until_stdin_closes: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match serve(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: Args) -> anyhow::Result<()> {
    let faults = Faults::parse(&args.delay, &args.errors)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let listener = tokio::net::TcpListener::bind(address).await;
    let listener =
        listener.map_err(|error| anyhow!("failed to listen on {address}: {error}; choose another port with --port"))?;
    // The process that started this one waits for this line of JSON.
    println!("{}", json!({ "url": format!("http://{}", listener.local_addr()?) }));
    if args.fixed {
        let stop = async { if args.until_stdin_closes { stdin_closed().await } else { std::future::pending().await } };
        return fixed::serve(listener, args.log_delays, args.seed, stop).await;
    }
    let server = StubServer::new(args.seed, faults, args.pool as usize)?;
    tokio::select! {
        served = axum::serve(listener, server.router()) => served.context("failed to serve"),
        () = stdin_closed(), if args.until_stdin_closes => Ok(()),
    }
}

async fn stdin_closed() {
    let mut buffer = [0; 64];
    let mut stdin = tokio::io::stdin();
    // After an error, standard input is gone as well.
    while stdin.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
}
