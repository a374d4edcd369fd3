//! The body of a request.

use std::borrow::{Borrow, Cow};
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use url::form_urlencoded::Serializer;

use super::Request;
use super::unsendable::UnsendableError;
use crate::data::DataFile;
use crate::http::{FileInBody, RequestBody};

impl Request<'_> {
    /// Sets a JSON body and its content type. A value that cannot be serialized is an error when
    /// the request is sent.
    ///
    /// ```
    /// # use test_support::shop::ADD_ITEM;
    /// # use serde_json::json;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// vu.request(ADD_ITEM).path("cart", "ABCD").json(&json!({ "name": "Ada" })).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.clear_body();
        if let Err(error) = serde_json::to_writer(&mut self.vu.body, body) {
            self.refuse(error);
        }
        self.vu.spec.content_type = Some(Cow::Borrowed("application/json"));
        self
    }

    /// Sets a body with this content type.
    ///
    /// ```
    /// # use test_support::shop::ADD_ITEM;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// vu.request(ADD_ITEM).path("cart", "ABCD").body("text/plain", b"Ada").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn body(mut self, content_type: &str, bytes: &[u8]) -> Self {
        self.clear_body();
        self.vu.body.extend_from_slice(bytes);
        self.vu.spec.content_type = Some(Cow::Owned(content_type.to_owned()));
        self
    }

    /// Sets a body of form fields, `application/x-www-form-urlencoded`.
    ///
    /// ```
    /// # use test_support::shop::ADD_ITEM;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// let student = [("name", "Ada"), ("team", "red")];
    /// vu.request(ADD_ITEM).path("cart", "ABCD").form(&student).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn form<N: AsRef<str>, V: AsRef<str>>(mut self, fields: impl IntoIterator<Item: Borrow<(N, V)>>) -> Self {
        self.clear_body();
        let bytes = std::mem::take(&mut self.vu.body);
        // The buffer is empty, so it is text. Its memory is used again.
        let mut form = Serializer::new(String::from_utf8(bytes).unwrap_or_default());
        form.extend_pairs(fields);
        self.vu.body = form.finish().into_bytes();
        self.vu.spec.content_type = Some(Cow::Borrowed("application/x-www-form-urlencoded"));
        self
    }

    /// Sets a body that is a file, with this content type. A relative path is in
    /// `perf-tests/data/`. The file is read while it is sent, 32 KiB at a time, and its length is
    /// the `content-length`. A file that cannot be opened is an error when the request is sent. A
    /// file that becomes shorter meanwhile is this machine's failure, not the service's.
    ///
    /// ```
    /// # use test_support::shop::ADD_ITEM;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// let photo = vu.request(ADD_ITEM).path("cart", "ABCD").body_file("image/png", "photo.png");
    /// photo.send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn body_file(mut self, content_type: &str, path: impl AsRef<Path>) -> Self {
        self.clear_body();
        self.push_file(path.as_ref());
        self.vu.spec.content_type = Some(Cow::Owned(content_type.to_owned()));
        self
    }

    /// Asks the server before the body is sent, by `expect: 100-continue`. The body is sent after
    /// the status 100, or if there is no response within 1 s (RFC 9110, 10.1.1). If the server
    /// responds with another status, the body is not sent. That includes 417: the request is not
    /// repeated without the expectation. Over HTTP/1.1, the connection is then closed; over HTTP/2,
    /// only the stream is reset.
    ///
    /// The wait is part of the latency. Many servers never send 100 over HTTP/2, such as nginx and
    /// hyper, so each request to them waits for 1 s. A request without a body is an error when it
    /// is sent.
    ///
    /// ```
    /// # use test_support::shop::ADD_ITEM;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// let photo = vu.request(ADD_ITEM).path("cart", "ABCD").body_file("image/png", "photo.png");
    /// photo.expect_continue().send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub const fn expect_continue(self) -> Self {
        self.vu.spec.expects_continue = true;
        self
    }

    pub(super) fn clear_body(&mut self) {
        self.vu.body.clear();
        self.vu.spec.files.clear();
    }

    pub(super) fn push_file(&mut self, path: &Path) {
        match DataFile::open(path) {
            Ok(file) => self.vu.spec.files.push(FileInBody { at: self.vu.body.len(), file: Arc::new(file) }),
            Err(error) => self.refuse(error),
        }
    }

    /// Checks that the server can be asked before the body is sent, if the scenario wants that.
    pub(super) fn check_expectation(&self) -> Result<(), UnsendableError> {
        let body = RequestBody { bytes: &self.vu.body, files: &self.vu.spec.files };
        if self.vu.spec.expects_continue && body.len() == 0 {
            return Err(UnsendableError::ExpectWithoutBody);
        }
        Ok(())
    }
}
