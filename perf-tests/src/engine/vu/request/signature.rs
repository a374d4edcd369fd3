//! Signatures of requests, such as AWS SigV4.

use std::fmt::Display;

use super::Request;
use super::unsendable::UnsendableError;
use crate::http::RequestHead;

/// A request as it will be sent, for [`Request::sign`].
///
/// ```
/// use perf_tests::engine::UnsignedRequest;
///
/// fn text_to_sign(request: UnsignedRequest<'_>) -> anyhow::Result<Vec<u8>> {
///     let body = request.body.ok_or_else(|| anyhow::anyhow!("a file cannot be signed"))?;
///     Ok([request.method.as_bytes(), b" ", request.url.as_bytes(), b"\n", body].concat())
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct UnsignedRequest<'a> {
    /// The method, such as `POST`.
    pub method: &'a str,
    /// Scheme, header `host`, base path, path and query, encoded as on the wire.
    pub url: &'a str,
    /// The type of the body; `None` without a body.
    pub content_type: Option<&'a str>,
    /// The body; empty if there is none. `None` if it has files, which are read while they are
    /// sent: a signature cannot cover them.
    pub body: Option<&'a [u8]>,
}

impl Request<'_> {
    /// Adds the headers that `signature` makes of the request. Call it last: later changes of path,
    /// query, host or body are not signed. A redirect is followed with the same headers.
    ///
    /// ```
    /// # use test_support::shop::GET_OFFERS;
    /// # use perf_tests::engine::UnsignedRequest;
    /// # fn checksum(_: &str) -> String { String::new() }
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// let signature = |request: UnsignedRequest<'_>| {
    ///     anyhow::Ok(vec![("x-signature".to_owned(), checksum(request.url))])
    /// };
    /// vu.request(GET_OFFERS).query("day", 1).sign(signature).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// An error of `signature` is an error when the request is sent.
    pub fn sign<E: Display>(
        mut self,
        signature: impl FnOnce(UnsignedRequest<'_>) -> Result<Vec<(String, String)>, E>,
    ) -> Self {
        let head = RequestHead {
            query: &self.vu.spec.query,
            ..RequestHead::new(self.vu.spec.method.as_str(), &self.vu.spec.path)
        };
        let url = head.url(self.vu.http.target(self.vu.spec.host));
        let content_type = self.vu.spec.content_type.as_deref();
        let body = self.vu.spec.files.is_empty().then_some(self.vu.body.as_slice());
        match signature(UnsignedRequest { method: head.method, url: &url, content_type, body }) {
            Ok(headers) => self.vu.spec.headers.extend(headers),
            Err(error) => self.refuse(UnsendableError::Signature(error.to_string())),
        }
        self
    }
}
