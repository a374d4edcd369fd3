//! Flaws with which an objective would hold always, never, or for nothing.

/// Why an objective cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what its variant means")]
pub enum ObjectiveFlaw {
    #[error("its share must be above 0 % and below 100 %")]
    Share,
    #[error("its limit must be above 0")]
    Limit,
    #[error("it needs a phase")]
    Phases,
    #[error("it needs an expression")]
    Expression,
    #[error("it needs a title")]
    Title,
}
