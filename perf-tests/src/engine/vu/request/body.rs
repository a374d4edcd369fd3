//! The body of a request.

use std::borrow::{Borrow, Cow};

use serde::Serialize;
use url::form_urlencoded::Serializer;

use super::Request;

impl Request<'_> {
    /// Sets a JSON body and its content type. A value that cannot be serialized is an error when
    /// the request is sent.
    ///
    /// ```
    /// # use monitoring::services::stock_ai::JOIN_ROOM;
    /// # use serde_json::json;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// vu.request(JOIN_ROOM).path("code", "ABCD").json(&json!({ "name": "Ada" })).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.vu.body.clear();
        if let Err(error) = serde_json::to_writer(&mut self.vu.body, body) {
            self.spec.wrong = Some(format!("its body cannot be written as JSON: {error}"));
        }
        self.spec.content_type = Some(Cow::Borrowed("application/json"));
        self
    }

    /// Sets a body with this content type.
    ///
    /// ```
    /// # use monitoring::services::stock_ai::JOIN_ROOM;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// vu.request(JOIN_ROOM).path("code", "ABCD").body("text/plain", b"Ada").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn body(mut self, content_type: &str, bytes: &[u8]) -> Self {
        self.vu.body.clear();
        self.vu.body.extend_from_slice(bytes);
        self.spec.content_type = Some(Cow::Owned(content_type.to_owned()));
        self
    }

    /// Sets a body of form fields, `application/x-www-form-urlencoded`.
    ///
    /// ```
    /// # use monitoring::services::stock_ai::JOIN_ROOM;
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// let student = [("name", "Ada"), ("team", "red")];
    /// vu.request(JOIN_ROOM).path("code", "ABCD").form(&student).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn form<N: AsRef<str>, V: AsRef<str>>(mut self, fields: impl IntoIterator<Item: Borrow<(N, V)>>) -> Self {
        let mut bytes = std::mem::take(&mut self.vu.body);
        bytes.clear();
        // The buffer is empty, so it is text. Its memory is used again.
        let mut form = Serializer::new(String::from_utf8(bytes).unwrap_or_default());
        form.extend_pairs(fields);
        self.vu.body = form.finish().into_bytes();
        self.spec.content_type = Some(Cow::Borrowed("application/x-www-form-urlencoded"));
        self
    }
}
