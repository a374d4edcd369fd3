//! Forms with files, `multipart/form-data` (RFC 7578), encoded as browsers do.

use std::borrow::Cow;
use std::path::Path;

use super::Request;
use super::unsendable::UnsendableError;
use crate::http::is_header_value;

/// A field of a form with files, for [`Request::multipart`].
///
/// ```
/// use perf_tests::engine::FormField;
///
/// let fields = [FormField::text("name", "Ada"), FormField::file("photo", "photo.png")];
/// ```
#[derive(Debug, Clone)]
#[must_use = "a field does nothing until it is in a request"]
pub struct FormField<'a> {
    name: &'a str,
    value: Value<'a>,
    filename: Option<Cow<'a, str>>,
    content_type: Option<&'a str>,
}

#[derive(Debug, Clone, Copy)]
enum Value<'a> {
    Bytes(&'a [u8]),
    File(&'a Path),
}

/// The content type of a file that has no other.
const ANY_BYTES: &str = "application/octet-stream";

impl<'a> FormField<'a> {
    /// A field with a text.
    ///
    /// ```
    /// # use perf_tests::engine::FormField;
    /// let field = FormField::text("name", "Ada");
    /// ```
    pub const fn text(name: &'a str, value: &'a str) -> Self {
        Self { name, value: Value::Bytes(value.as_bytes()), filename: None, content_type: None }
    }

    /// A file with these bytes, of the type `application/octet-stream`.
    ///
    /// ```
    /// # use perf_tests::engine::FormField;
    /// let field = FormField::bytes("notes", "notes.txt", b"red team");
    /// ```
    pub const fn bytes(name: &'a str, filename: &'a str, bytes: &'a [u8]) -> Self {
        let (value, filename) = (Value::Bytes(bytes), Some(Cow::Borrowed(filename)));
        Self { name, value, filename, content_type: Some(ANY_BYTES) }
    }

    /// A file that is read while it is sent, as by [`Request::body_file`]. It has its own file name
    /// and the type `application/octet-stream`. A relative path is in `perf-tests/data/`.
    ///
    /// ```
    /// # use perf_tests::engine::FormField;
    /// let field = FormField::file("photo", "photo.png");
    /// ```
    pub fn file<P: AsRef<Path> + ?Sized>(name: &'a str, path: &'a P) -> Self {
        let path = path.as_ref();
        let filename = path.file_name().map(|name| name.to_string_lossy());
        Self { name, value: Value::File(path), filename, content_type: Some(ANY_BYTES) }
    }

    /// Replaces the file name that the server receives.
    ///
    /// ```
    /// # use perf_tests::engine::FormField;
    /// let field = FormField::file("photo", "/tmp/0001.png").filename("photo.png");
    /// ```
    pub fn filename(mut self, filename: &'a str) -> Self {
        self.filename = Some(Cow::Borrowed(filename));
        self
    }

    /// Replaces the content type. By default, a text has none.
    ///
    /// ```
    /// # use perf_tests::engine::FormField;
    /// let field = FormField::file("photo", "photo.png").content_type("image/png");
    /// ```
    pub const fn content_type(mut self, content_type: &'a str) -> Self {
        self.content_type = Some(content_type);
        self
    }

    /// The lines before the value.
    fn head(&self, boundary: &str) -> String {
        let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted_name(self.name));
        if let Some(filename) = &self.filename {
            head.extend(["; filename=\"", &quoted(filename), "\""]);
        }
        if let Some(content_type) = self.content_type {
            head.extend(["\r\nContent-Type: ", content_type]);
        }
        head.push_str("\r\n\r\n");
        head
    }
}

/// Escapes a text in quotes (HTML standard, "multipart/form-data").
fn quoted(text: &str) -> String {
    text.replace('\n', "%0A").replace('\r', "%0D").replace('"', "%22")
}

/// As [`quoted`], after each line end is made CR LF.
fn quoted_name(name: &str) -> String {
    quoted(&name.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n"))
}

impl Request<'_> {
    /// Sets a body of form fields and files, `multipart/form-data`. Names are quoted as browsers
    /// do. The boundary follows from the seed and the iteration.
    ///
    /// ```
    /// # use test_support::shop::ADD_ITEM;
    /// use perf_tests::engine::FormField;
    ///
    /// # async fn iteration(vu: &mut perf_tests::Vu) -> anyhow::Result<()> {
    /// let fields = [
    ///     FormField::text("name", "Ada"),
    ///     FormField::file("photo", "photo.png").content_type("image/png"),
    ///     FormField::bytes("notes", "notes.txt", b"red team").content_type("text/plain"),
    /// ];
    /// vu.request(ADD_ITEM).path("cart", "ABCD").multipart(fields).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn multipart<'a>(mut self, fields: impl IntoIterator<Item = FormField<'a>>) -> Self {
        self.clear_body();
        let boundary = self.vu.boundary();
        for field in fields {
            if let Some(wrong) = field.content_type.filter(|value| !is_header_value("content-type", value)) {
                let (field, value) = (field.name.to_owned(), wrong.to_owned());
                self.refuse(UnsendableError::ContentType { field, value });
            }
            self.vu.body.extend_from_slice(field.head(&boundary).as_bytes());
            match field.value {
                Value::Bytes(bytes) => self.vu.body.extend_from_slice(bytes),
                Value::File(path) => self.push_file(path),
            }
            self.vu.body.extend_from_slice(b"\r\n");
        }
        self.vu.body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        self.vu.spec.content_type = Some(Cow::Owned(format!("multipart/form-data; boundary={boundary}")));
        self
    }
}

#[cfg(test)]
mod tests;
