//! The catalogue: the endpoints of the service under test and what they promise.
//!
//! To cover another service, edit this file and the scenarios in `perf-tests/tests/load/`. Nothing else names an
//! endpoint, a path or a threshold.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::backend::{Amount, BackendSlo, Cache};
use crate::label;
use crate::slo::{Objective, Sli, Slo};

/// A student joins a room.
pub const JOIN_ROOM: Endpoint =
    Endpoint::new("join_room", "Join room", Method::Post, "/api/multiplayer/rooms/{code}/join");
/// What every player's browser polls while a game is on.
pub const GET_STATE: Endpoint =
    Endpoint::new("get_state", "Room state", Method::Get, "/api/multiplayer/rooms/{code}/state");
/// Players of a room by worth.
pub const LEADERBOARD: Endpoint =
    Endpoint::new("leaderboard", "Leaderboard", Method::Get, "/api/multiplayer/rooms/{code}/leaderboard");
/// A player's cash and holdings after a trade.
pub const UPDATE_PLAYER: Endpoint =
    Endpoint::new("update_player", "Update player", Method::Put, "/api/multiplayer/rooms/{code}/players/{player}");
/// The news of a day of the game.
pub const GET_NEWS: Endpoint = Endpoint::new("get_news", "News", Method::Get, "/api/news");
/// What the adviser recommends on a day of the game.
pub const GET_RECOMMENDATIONS: Endpoint =
    Endpoint::new("get_recommendations", "Recommendations", Method::Get, "/api/recommendations");
/// Prices of a day of the game.
pub const GET_GAME_DATA: Endpoint = Endpoint::new("get_game_data", "Game data", Method::Get, "/api/game-data");

/// The multiplayer API of the stock-trading game.
pub const STOCK_AI: Catalogue = Catalogue {
    service: "stock-ai-multiplayer",
    title: "Stock AI Platform - Multiplayer Performance",
    endpoints: &[JOIN_ROOM, GET_STATE, LEADERBOARD, UPDATE_PLAYER, GET_NEWS, GET_RECOMMENDATIONS, GET_GAME_DATA],
    critical: &[JOIN_ROOM, GET_STATE],
    slos: &[
        Slo::p95(JOIN_ROOM, Duration::from_millis(300)),
        Slo::p95(GET_STATE, Duration::from_millis(200)),
        Slo::p95(LEADERBOARD, Duration::from_millis(400)),
        Slo::p95(UPDATE_PLAYER, Duration::from_millis(300)),
        Slo::p95(GET_NEWS, Duration::from_millis(300)),
        Slo::p95(GET_RECOMMENDATIONS, Duration::from_millis(400)),
        Slo::p95(GET_GAME_DATA, Duration::from_millis(500)),
        Slo::success_above(JOIN_ROOM, Objective::percent(95)),
        Slo::errors_below(Objective::percent(1)),
    ],
    // These warn only: not every backend tells them. Without `.warn()` they gate as the others do.
    backend: &[
        BackendSlo::at_most(
            "memory",
            "Memory",
            "process_resident_memory_bytes{job=\"backend\"}",
            Amount::Mebibytes(512),
        )
        .warn(),
        BackendSlo::at_most(
            "pool_used",
            "Connection pool",
            "sum(db_client_connection_count{job=\"backend\", db_client_connection_state=\"used\"}) \
             / sum(db_client_connection_max{job=\"backend\"})",
            Amount::Share(Objective::percent(90)),
        )
        .warn(),
    ],
    caches: &[Cache {
        name: "days",
        hits: "cache_hits_total{job=\"backend\"}",
        misses: "cache_misses_total{job=\"backend\"}",
    }],
};

/// The catalogue that rules and dashboards are generated from.
pub const SERVED: Catalogue = STOCK_AI;

/// A service: its endpoints and its objectives.
#[derive(Debug, Clone, Copy)]
pub struct Catalogue {
    /// Lower-case words joined by dashes: file names and the dashboard's uid are made from it.
    pub service: &'static str,
    /// The dashboard's title.
    pub title: &'static str,
    /// All endpoints, in the order in which tables and panels show them.
    pub endpoints: &'static [Endpoint],
    /// The endpoints whose latency stands at the top of the dashboard.
    pub critical: &'static [Endpoint],
    /// All objectives on requests, in the order in which tables show them.
    pub slos: &'static [Slo],
    /// Objectives on the backend's own metrics.
    pub backend: &'static [BackendSlo],
    /// Caches of the backend's, whose worth is read after a run.
    pub caches: &'static [Cache],
}

/// An HTTP endpoint of the service under test. Its metrics, rules and panels are named after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// The label value `name`, and the stem of metric names: `join_room` gives `join_room_latency`.
    pub name: &'static str,
    /// What people call it, on panels.
    pub title: &'static str,
    /// The request's method.
    pub method: Method,
    /// The path's template; `{code}` stands for a value filled in by the scenario.
    pub path: &'static str,
    handler: Option<&'static str>,
}

impl Endpoint {
    /// An endpoint by name, title, method and path template.
    pub const fn new(name: &'static str, title: &'static str, method: Method, path: &'static str) -> Self {
        Self { name, title, method, path, handler: None }
    }

    /// The backend's own name for it in the label `handler`, where that is not the path's template.
    #[must_use]
    pub const fn handled_by(mut self, handler: &'static str) -> Self {
        self.handler = Some(handler);
        self
    }

    /// The backend's own name for it, in the label `handler` of its metrics.
    pub fn handler(&self) -> &'static str {
        self.handler.unwrap_or(self.path)
    }
}

/// The HTTP methods an endpoint may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is the method of that name")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// The method as it stands in a request line and in the label `method`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Why a catalogue cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CatalogueError {
    /// A name that is no stem of a Prometheus metric name.
    #[error("name {0:?} is not made of lower-case letters, digits and underscores, starting with a letter")]
    Name(&'static str),
    /// Two endpoints or two objectives with one name.
    #[error("{0:?} is there twice")]
    Duplicate(String),
    /// An objective or a critical endpoint that is not in the list of endpoints.
    #[error("{0:?} is named by an objective or as critical but is not among the endpoints")]
    Unknown(&'static str),
    /// An objective that every result, or none, would meet.
    #[error(
        "objective {0:?} leaves nothing to judge: its share must lie between 0 and 100 %, its threshold above 0, in some phase"
    )]
    Vacuous(String),
    /// A check's name becomes a label's value.
    #[error("check name {0:?} is empty, too long or has control characters")]
    Check(&'static str),
    /// The service's name is used in file names and URLs.
    #[error("service name {0:?} is not made of lower-case letters, digits and dashes")]
    Service(&'static str),
}

impl Catalogue {
    /// The endpoint of that name.
    pub fn endpoint(&self, name: &str) -> Option<&'static Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.name == name)
    }

    /// The latency objective of an endpoint.
    pub fn latency_slo(&self, endpoint: &Endpoint) -> Option<&'static Slo> {
        self.slos.iter().find(|slo| matches!(&slo.sli, Sli::Latency { endpoint: of, .. } if of == endpoint))
    }

    /// The response time objective of an endpoint.
    pub fn response_slo(&self, endpoint: &Endpoint) -> Option<&'static Slo> {
        self.slos.iter().find(|slo| matches!(&slo.sli, Sli::ResponseTime { endpoint: of, .. } if of == endpoint))
    }

    /// The objective of that name in reports, if it is one on requests.
    pub fn slo(&self, id: &str) -> Option<&'static Slo> {
        self.slos.iter().find(|slo| slo.id() == id)
    }

    /// Checks what the types cannot: names, duplicates, references and thresholds.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), CatalogueError> {
        let dashed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.service.is_empty() || !self.service.chars().all(dashed) {
            return Err(CatalogueError::Service(self.service));
        }
        let mut names = BTreeSet::new();
        for endpoint in self.endpoints {
            if !label::is_metric_stem(endpoint.name) {
                return Err(CatalogueError::Name(endpoint.name));
            }
            if !names.insert(endpoint.name) {
                return Err(CatalogueError::Duplicate(endpoint.name.to_owned()));
            }
        }
        for endpoint in self.critical {
            if !self.endpoints.contains(endpoint) {
                return Err(CatalogueError::Unknown(endpoint.name));
            }
        }
        let mut ids = BTreeSet::new();
        for slo in self.slos {
            if let Some(endpoint) = slo.endpoint()
                && !self.endpoints.contains(endpoint)
            {
                return Err(CatalogueError::Unknown(endpoint.name));
            }
            if let Sli::Check { name } = slo.sli
                && label::check_value("check", name).is_err()
            {
                return Err(CatalogueError::Check(name));
            }
            if slo.is_vacuous() {
                return Err(CatalogueError::Vacuous(slo.id()));
            }
            if !ids.insert(slo.id()) {
                return Err(CatalogueError::Duplicate(slo.id()));
            }
        }
        self.validate_backend(ids)
    }

    fn validate_backend(&self, mut ids: BTreeSet<String>) -> Result<(), CatalogueError> {
        for slo in self.backend {
            if !label::is_metric_stem(slo.name) {
                return Err(CatalogueError::Name(slo.name));
            }
            if slo.is_vacuous() {
                return Err(CatalogueError::Vacuous(slo.id()));
            }
            if !ids.insert(slo.id()) {
                return Err(CatalogueError::Duplicate(slo.id()));
            }
        }
        Ok(())
    }
}
