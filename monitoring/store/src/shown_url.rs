//! URLs in messages and reports.

use url::Url;

/// A URL that is safe to show: without user, password, query and trailing slash.
pub fn shown_url(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for URLs without a host; those have no user either.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.to_string().trim_end_matches('/').to_owned()
}
