//! Rooms and their players, in memory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Limits, so that an endless load cannot fill the machine's memory. No load here needs more.
const MAX_ROOMS: usize = 10_000;
const MAX_PLAYERS: usize = 100_000;

#[derive(Default)]
pub(crate) struct Rooms(BTreeMap<String, Room>);

pub(crate) struct Room {
    host: String,
    players: BTreeMap<String, Player>,
}

#[derive(Clone, Serialize)]
pub(crate) struct Player {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) cash: f64,
    pub(crate) portfolio_value: f64,
    pub(crate) day: u32,
}

#[derive(Deserialize)]
pub(crate) struct PlayerUpdate {
    cash: f64,
    portfolio_value: f64,
    day: u32,
}

#[derive(Serialize)]
pub(crate) struct RoomState {
    code: String,
    host: String,
    players: usize,
    day: u32,
}

/// Why a request about rooms is rejected.
pub(crate) enum Refusal {
    NotFound,
    Full,
}

impl Rooms {
    pub(crate) fn create(&mut self, host: String) -> Result<String, Refusal> {
        if self.0.len() >= MAX_ROOMS {
            return Err(Refusal::Full);
        }
        let code = format!("R{:05}", self.0.len() + 1);
        self.0.insert(code.clone(), Room { host, players: BTreeMap::new() });
        Ok(code)
    }

    pub(crate) fn join(&mut self, code: &str, name: String) -> Result<Player, Refusal> {
        let room = self.0.get_mut(code).ok_or(Refusal::NotFound)?;
        if room.players.len() >= MAX_PLAYERS {
            return Err(Refusal::Full);
        }
        let id = format!("p{:06}", room.players.len() + 1);
        let player = Player { id: id.clone(), name, cash: 10_000.0, portfolio_value: 0.0, day: 0 };
        room.players.insert(id, player.clone());
        Ok(player)
    }

    pub(crate) fn update(&mut self, code: &str, player: &str, update: &PlayerUpdate) -> Result<Player, Refusal> {
        let room = self.0.get_mut(code).ok_or(Refusal::NotFound)?;
        let player = room.players.get_mut(player).ok_or(Refusal::NotFound)?;
        player.cash = update.cash;
        player.portfolio_value = update.portfolio_value;
        player.day = update.day;
        Ok(player.clone())
    }

    pub(crate) fn state(&self, code: &str) -> Result<RoomState, Refusal> {
        let room = self.0.get(code).ok_or(Refusal::NotFound)?;
        Ok(RoomState {
            code: code.to_owned(),
            host: room.host.clone(),
            players: room.players.len(),
            day: room.players.values().map(|player| player.day).max().unwrap_or(0),
        })
    }

    /// The ten players with the highest worth, highest first.
    pub(crate) fn leaderboard(&self, code: &str) -> Result<Vec<Player>, Refusal> {
        let room = self.0.get(code).ok_or(Refusal::NotFound)?;
        let mut players: Vec<_> = room.players.values().collect();
        let worth = |player: &Player| player.cash + player.portfolio_value;
        players.sort_by(|a, b| worth(b).total_cmp(&worth(a)).then_with(|| a.id.cmp(&b.id)));
        Ok(players.into_iter().take(10).cloned().collect())
    }
}
