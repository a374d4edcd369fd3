//! Tests of `multipart`.

use super::*;

#[test]
fn names_are_quoted_as_browsers_do() {
    let head = |field: FormField<'_>| field.head("b");
    assert_eq!(
        head(FormField::text("a\"b\nc\r\nd\re\\ é%", "x")),
        "--b\r\nContent-Disposition: form-data; name=\"a%22b%0D%0Ac%0D%0Ad%0D%0Ae\\ é%\"\r\n\r\n"
    );
    assert_eq!(
        head(FormField::file("f", "photos/a b.png").content_type("image/png")),
        "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a b.png\"\r\nContent-Type: image/png\r\n\r\n"
    );
    assert_eq!(
        head(FormField::bytes("f", "a\n\r\"b", b"x")),
        "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a%0A%0D%22b\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
    );
}
