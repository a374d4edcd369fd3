//! All files and texts that are made from a report or a comparison.

mod below_headline;
pub mod files;
pub mod html;
pub mod junit;
pub mod markdown;
mod rows;
pub mod terminal;
