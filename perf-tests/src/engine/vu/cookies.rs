//! The cookies of a virtual user, as a scenario and its requests use them.

use std::cell::RefCell;
use std::rc::Rc;

use monitoring::endpoint::Host;

use super::Vu;
use crate::clock;
use crate::http::{CookieJar, CookieUrl, MAIN, RawResponse, Target};

/// The cookies of a virtual user; see [`Vu::cookies`].
///
/// ```
/// # fn iteration(vu: &mut perf_tests::Vu) {
/// let mut cookies = vu.cookies();
/// cookies.set("currency", "EUR");
/// let is_logged_in = cookies.get("session").is_some();
/// # }
/// ```
pub struct Cookies<'vu> {
    vu: &'vu mut Vu,
    host: usize,
}

impl Vu {
    /// Its cookies for the main target's host; [`Cookies::for_host`] has others. It stores
    /// those of each response and sends them as a browser does (RFC 6265bis). They are cleared
    /// before each iteration, unless the scenario [keeps](crate::Scenario::keep_cookies) them.
    ///
    /// Setup has cookies of its own. Its value can hand a session to the virtual users:
    ///
    /// ```
    /// # use test_support::shop::GET_OFFERS;
    /// # async fn iteration(vu: &mut perf_tests::Vu, session: &str) -> anyhow::Result<()> {
    /// vu.cookies().set("session", session);
    /// vu.request(GET_OFFERS).query("day", 1).send().await?;
    /// let token = vu.cookies().get("csrftoken");
    /// # Ok(())
    /// # }
    /// ```
    pub const fn cookies(&mut self) -> Cookies<'_> {
        Cookies { vu: self, host: MAIN }
    }

    pub(super) fn reset_cookies(&mut self) {
        if let Some(jar) = self.jar.as_ref().filter(|_| !self.context.run.keeps_cookies) {
            jar.borrow_mut().clear();
        }
    }
}

pub(super) fn store(
    jar: &mut Option<Rc<RefCell<CookieJar>>>,
    reply: &RawResponse,
    target: &Target,
    path: &str,
    absolute: bool,
) {
    if !reply.sets_cookies() {
        return;
    }
    let path = target.whole_path(path, absolute);
    let (mut jar, now, wall) = (jar.get_or_insert_default().borrow_mut(), clock::now(), clock::wall());
    // As a browser, it ignores refused cookies.
    let lines = reply.header_all("set-cookie");
    lines.for_each(|line| jar.store(line, url(target, &path), now, wall).unwrap_or_default());
}

/// The header `cookie` of a request; empty without cookies.
pub(super) fn header<'jar>(
    jar: Option<&'jar mut CookieJar>,
    target: &Target,
    path: &str,
    absolute: bool,
) -> &'jar [u8] {
    let Some(jar) = jar else { return &[] };
    jar.header(url(target, &target.whole_path(path, absolute)), clock::now())
}

fn url<'a>(target: &'a Target, path: &'a str) -> CookieUrl<'a> {
    CookieUrl { host: &target.host, tls: target.tls, path }
}

impl Cookies<'_> {
    /// The cookies of another host. Hosts with the same name and different ports share cookies.
    ///
    /// ```
    /// # use monitoring::endpoint::Host;
    /// const AUTH: Host = Host::new("auth", "Login server");
    /// # fn iteration(vu: &mut perf_tests::Vu) {
    /// let token = vu.cookies().for_host(AUTH).get("csrftoken");
    /// # }
    /// ```
    ///
    /// # Panics
    /// If the host has no URL. The run exits with code 104.
    #[track_caller]
    pub fn for_host(self, host: Host) -> Self {
        let Host { name, title } = host;
        match self.vu.http.config().host_index(name) {
            Some(host) => Self { host, ..self },
            None => panic!("host {name:?} ({title}) has no URL: add --target {name}=URL"),
        }
    }

    fn host(&self) -> &str {
        &self.vu.http.target(self.host).host
    }

    /// The value of a cookie, even if it belongs to another path. `None` if there is none, or if
    /// its value is not UTF-8.
    ///
    /// ```
    /// # fn iteration(vu: &mut perf_tests::Vu) {
    /// let is_logged_in = vu.cookies().get("session").is_some();
    /// # }
    /// ```
    pub fn get(&self, name: &str) -> Option<String> {
        let jar = self.vu.jar.as_ref()?.borrow();
        String::from_utf8(jar.get(self.host(), name, clock::now())?.to_vec()).ok()
    }

    /// Sets a cookie for the host and all its paths, until the cookies are cleared.
    ///
    /// ```
    /// # fn iteration(vu: &mut perf_tests::Vu) {
    /// vu.cookies().set("currency", "EUR");
    /// # }
    /// ```
    ///
    /// # Panics
    /// If the name or value cannot be in a cookie: it contains a semicolon or a control character,
    /// or both together have more than 4096 bytes. Or if a rule refuses the cookie. A name such as
    /// `__Host-a` needs `https` or a target on this machine. A cookie of `http` cannot replace a
    /// `Secure` one. The run exits with code 104.
    #[track_caller]
    pub fn set(&mut self, name: &str, value: &str) {
        let is_text = |text: &str| !text.contains(|c: char| c == ';' || c.is_ascii_control());
        let is_name = is_text(name) && !name.is_empty() && !name.contains('=');
        if !is_name || !is_text(value) || name.len() + value.len() > 4096 {
            panic!("cookie {name:?} cannot be set: its name or value is not valid in a cookie");
        }
        let root = url(self.vu.http.target(self.host), "/");
        let secure = if root.is_secure() { "; Secure" } else { "" };
        let line = format!("{name}={value}; Path=/{secure}");
        let mut jar = self.vu.jar.get_or_insert_default().borrow_mut();
        if let Err(why) = jar.store(line.as_bytes(), root, clock::now(), clock::wall()) {
            panic!("cookie {name:?} cannot be set for {}: {why}", root.host);
        }
    }

    /// Removes all cookies of this name that are for the host.
    ///
    /// ```
    /// # fn iteration(vu: &mut perf_tests::Vu) {
    /// vu.cookies().remove("session");
    /// # }
    /// ```
    pub fn remove(&mut self, name: &str) {
        if let Some(jar) = &self.vu.jar {
            jar.borrow_mut().remove(self.host(), name);
        }
    }

    /// Removes all cookies, of all hosts, so that the next request is that of a new visitor.
    ///
    /// ```
    /// # fn iteration(vu: &mut perf_tests::Vu) {
    /// vu.cookies().clear();
    /// # }
    /// ```
    pub fn clear(&mut self) {
        if let Some(jar) = &self.vu.jar {
            jar.borrow_mut().clear();
        }
    }
}
