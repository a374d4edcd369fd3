//! Reads settings: flag before variable before default.

use std::ffi::OsString;
use std::path::PathBuf;

use prometheus_store::shown_url;

use crate::all_settings::all_settings;
use crate::contradictions::check_exclusions;
use crate::per_host;
use crate::setting::{Setting, SettingValue};
use crate::settings::Settings;
use crate::value::parse_url;
use crate::variables::{state_folder_in, target_folder};
use crate::{
    CLIENT_CERTIFICATE, CLIENT_KEY, DEFAULT_TARGET, DNS_TTL, FOLDER, HttpSettings, PROXY, RW_HEADERS, SNI,
    SettingNames, SettingsError, TARGET,
};

impl Settings {
    /// Reads settings from variables, such as the environment's. An empty value counts as not set.
    ///
    /// # Errors
    /// The first value that is not valid.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        Self::read(&[], lookup, SettingNames { only_variables: true, ..SettingNames::default() })
    }

    /// Reads settings from flags, given as name (without dashes) and text, and from variables for
    /// settings without a flag.
    ///
    /// # Errors
    /// The first value that is not valid, under the name that was typed.
    pub fn from_flags(
        flags: &[(&str, String)],
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        Self::read(flags, lookup, SettingNames::default())
    }

    fn read(
        flags: &[(&str, String)],
        lookup: &dyn Fn(&str) -> Option<String>,
        names: SettingNames,
    ) -> Result<Self, SettingsError> {
        let flag_of = |setting: &Setting| flags.iter().find(|(flag, _)| setting.flag == Some(flag));
        let has_load = all_settings().any(|setting| setting.is_load && flag_of(setting).is_some());
        let given = all_settings().filter_map(|setting| match flag_of(setting) {
            Some((flag, text)) => Some((setting, format!("--{flag}"), text.clone())),
            None if setting.is_load && has_load => None,
            None => setting.variables.iter().find_map(|name| {
                let text = lookup(name).filter(|text| !text.is_empty())?;
                Some((setting, (*name).to_owned(), text))
            }),
        });
        let given: Vec<_> = given.collect();
        let error = |name: &str, why| SettingsError::Value { name: name.to_owned(), why };
        let mut settings = Self::new(parse_url(DEFAULT_TARGET).map_err(|why| error(TARGET, why))?);
        settings.folder = state_folder(lookup);
        settings.names = names;
        for (setting, name, text) in &given {
            (setting.set)(&mut settings, text).map_err(|why| error(name, why))?;
            settings.names.typed.insert(setting.variables[0].to_owned(), name.clone());
        }
        let Self { store_access, remote_write, prometheus, .. } = &mut settings;
        store_access.bind(remote_write, prometheus);
        settings.check()?;
        settings.agent_token(lookup)?;
        check_exclusions(&given)?;
        for (setting, name, text) in &given {
            let hosts = matches!(setting.value, SettingValue::PerHost(_)).then(|| per_host::host_names(text));
            if let Some(host) = hosts.into_iter().flatten().find(|host| !settings.hosts.contains_key(*host)) {
                let target = settings.with_value(TARGET, &format!("{host}=URL"));
                return Err(SettingsError::Contradiction(format!(
                    "{name} has a value for host {host:?}, which has no URL: add {target}, or remove the value"
                )));
            }
        }
        let ignored = settings.without_effect();
        settings.ignored.extend(ignored);
        Ok(settings)
    }

    /// One message for each setting that has no effect on the targets.
    fn without_effect(&self) -> Vec<String> {
        let of_sockets =
            [(DNS_TTL, ": a Unix socket has no name to look up"), (PROXY, ": a Unix socket is reached directly")];
        let of_sockets = of_sockets.into_iter().filter(|_| self.has_only_sockets());
        let of_sockets = of_sockets.map(|(variable, why)| (variable, why.to_owned()));
        let HttpSettings { sni, client_certificate, client_key, .. } = &self.http;
        let of_tls = [
            (SNI, sni.hosts().collect::<Vec<_>>()),
            (CLIENT_CERTIFICATE, client_certificate.hosts().collect()),
            (CLIENT_KEY, client_key.hosts().collect()),
        ];
        let of_tls = of_tls.into_iter().flat_map(|(variable, hosts)| {
            let targets = hosts.into_iter().map(|host| self.hosts.get(host).unwrap_or(&self.target));
            let without_tls = targets.filter(|target| target.scheme() != "https");
            without_tls.map(move |target| (variable, format!(" on {}, which has no TLS", shown_url(target))))
        });
        let ignored = of_sockets.chain(of_tls).filter_map(|(variable, why)| Some((self.typed(variable)?, why)));
        ignored.map(|(name, why)| format!("{name} has no effect{why}")).collect()
    }
}

/// The folder of reports, locks and the stack's state: [`FOLDER`], or else `perf` in cargo's target
/// folder. A relative path counts from the workspace's root.
pub fn state_folder(lookup: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    let given = lookup(FOLDER).filter(|folder| !folder.is_empty());
    given.map_or_else(|| state_folder_in(&target_folder(lookup)), PathBuf::from)
}

/// The text that a lookup of [`RW_HEADERS`] returns: one "name:value" per line.
pub fn header_lines(variables: impl Iterator<Item = (OsString, OsString)>) -> String {
    let line = |(name, value): (OsString, OsString)| {
        Some(format!("{}:{}\n", name.to_str()?.strip_prefix(RW_HEADERS)?, value.to_str()?))
    };
    variables.filter_map(line).collect()
}
