//! The host that a request goes to.

use monitoring::endpoint::Host;

use super::Request;
use super::unsendable::UnsendableError;

impl Request<'_> {
    /// Sends a request that no objective covers to this host, in place of the main target. A host
    /// without a URL (`--target NAME=URL`) is an error when the request is sent.
    ///
    /// ```
    /// # use monitoring::endpoint::{Host, Method};
    /// const AUTH: Host = Host::new("auth", "Login server");
    /// # async fn setup(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// vu.unjudged(Method::Post, "/accounts").on(AUTH).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on(self, host: Host) -> Self {
        let index = self.vu.http.config().host_index(host.name);
        self.on_index(index, Some(host))
    }

    /// Sets the index of the host; `None` if the host has no URL.
    pub(in crate::engine::vu) fn on_index(mut self, index: Option<usize>, host: Option<Host>) -> Self {
        match (index, host) {
            (Some(index), _) => self.vu.spec.host = index,
            (None, Some(Host { name, title })) => self.refuse(UnsendableError::NoHost { name, title }),
            (None, None) => {}
        }
        self
    }
}
