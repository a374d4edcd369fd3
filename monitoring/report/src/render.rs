//! Everything that is made from a report or a comparison, for people and for programs.

pub mod files;
pub mod html;
pub mod junit;
pub mod markdown;
pub mod terminal;
