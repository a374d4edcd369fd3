//! The statuses that a scenario expects.

use std::borrow::Cow;

use monitoring::statuses::{Statuses, describe_statuses};

use super::Request;
use super::unsendable::UnsendableError;

impl Request<'_> {
    /// Sets the statuses of a successful response, in place of those of the endpoint (by default
    /// 200-299). Further calls add to them. A response with an expected status is returned, and
    /// any other has failed. An expected redirect is not followed.
    ///
    /// ```
    /// # use test_support::shop::GET_OFFERS;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// let gone = vu.request(GET_OFFERS).expect(404).send().await?;
    /// let made = vu.request(GET_OFFERS).expect(200..=299).expect(409).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn expect(mut self, statuses: impl Into<Statuses>) -> Self {
        let statuses = statuses.into();
        if !statuses.is_possible() {
            self.refuse(UnsendableError::Statuses(statuses));
        }
        match &mut self.vu.spec.expected {
            Cow::Borrowed(_) => self.vu.spec.expected = Cow::Owned(vec![statuses]),
            Cow::Owned(own) => own.push(statuses),
        }
        self
    }

    pub(in crate::engine::vu) fn expecting(self, statuses: &'static [Statuses]) -> Self {
        self.vu.spec.expected = Cow::Borrowed(statuses);
        self
    }

    pub(super) fn expects(&self, status: u16) -> bool {
        self.vu.spec.expected.iter().any(|statuses| statuses.contains(status))
    }

    /// "expected 404", for an unexpected status; `None` if success is 200-299.
    pub(super) fn describe_expected(&self) -> Option<String> {
        let expected = &*self.vu.spec.expected;
        (expected != [Statuses::SUCCESS]).then(|| format!("expected {}", describe_statuses(expected)))
    }
}
