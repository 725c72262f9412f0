//! `[mail]`.

use std::path::PathBuf;

use doorward_protocol::secret::Secret;
use serde::Deserialize;

use crate::config::values::Seconds;

/// `[mail]`: the server that sends the provider's letters.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct MailSection {
    pub host: Option<String>,
    pub port: Option<u16>,
    pub tls: MailTls,
    pub username: Option<String>,
    pub password: Option<Secret>,
    pub password_file: Option<PathBuf>,
    pub from: Option<String>,
    pub timeout: Seconds,
    pub templates: Option<PathBuf>,
}

impl Default for MailSection {
    fn default() -> Self {
        Self {
            host: None,
            port: None,
            tls: MailTls::default(),
            username: None,
            password: None,
            password_file: None,
            from: None,
            timeout: Seconds::new(30),
            templates: None,
        }
    }
}

/// `tls` of `[mail]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// From the first byte (RFC 8314 section 3.3).
    #[default]
    Implicit,
    /// From the command `STARTTLS` on (RFC 3207).
    StartTls,
    /// Never: for a server on this machine.
    None,
}
