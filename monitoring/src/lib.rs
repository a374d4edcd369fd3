//! What is promised and what it is called.
//!
//! The [`catalogue`] is the one place where a threshold or a metric name is written. Everything else here is derived
//! from it: bucket bounds, series names, PromQL, recording rules, the assertion of a scenario and the words of a
//! report. Nothing in this crate does IO, reads a clock or knows HTTP, Docker or Grafana.

pub mod alert;
pub mod answer;
pub mod artefact;
pub mod backend;
pub mod budget;
pub mod catalogue;
pub mod comparison;
pub mod counts;
pub mod exposition;
pub mod gate;
pub mod html;
pub mod interpretation;
pub mod judgement;
pub mod junit;
pub mod label;
pub mod markdown;
pub mod metric;
pub mod openapi;
pub mod operation;
pub mod pages;
pub mod phase;
pub mod plain;
pub mod prometheus;
pub mod promql;
pub mod rule;
pub mod run;
pub mod slo;
pub mod table;
pub mod verdict;
