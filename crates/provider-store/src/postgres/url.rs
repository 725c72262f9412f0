//! Where a database is, and as whom to sign in there: a connection URI that was read once.

use std::{fmt, path::PathBuf, time::Duration};

use doorward_protocol::secret::Secret;
use tokio_postgres::{
    Config,
    config::{Host, SslMode, TargetSessionAttrs},
};

/// How much longer than a statement's time limit a transaction may wait for our next one.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(10);

/// Why a text is no connection URI. Shows nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Another scheme, or none.
    #[error("give postgres://user:password@host:5432/database")]
    Scheme,
    /// It can't be read.
    #[error(
        "it can't be read ({0}): give postgres://user:password@host:5432/database, special \
            characters percent-encoded"
    )]
    Unreadable(String),
    /// The setting has another place.
    #[error("{option} is not read from the URL: {instead}")]
    Elsewhere {
        /// The option of the URI.
        option: String,
        /// What to do.
        instead: &'static str,
    },
    /// A host is missing.
    #[error("name the host: postgres://user:password@host:5432/database")]
    NoHost,
    /// An attacker in between could refuse encryption, and would get the password.
    #[error(
        "{0} may go on without TLS, and the host is another machine: take sslmode=require, or say \
            sslmode=disable"
    )]
    MaybeUnencrypted(&'static str),
    /// A database is missing.
    #[error("name the database: postgres://user:password@host:5432/database")]
    NoDatabase,
}

/// A connection URI as PostgreSQL's own clients take it. Several hosts may stand in it; the one
/// that takes writes is used. Shown without user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(Config);

impl PostgresUrl {
    /// Reads a URI. Where it says nothing of `sslmode`, other machines are reached by TLS only, and
    /// this one without. The certificate is checked in any case, so that `verify-ca` and
    /// `verify-full` are words for `require`. What leaves it to the network (`prefer`, `allow`) is
    /// for this machine only.
    pub fn parse(text: &Secret) -> Result<Self, UrlError> {
        let text = text.expose().trim();
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(UrlError::Scheme);
        }
        let (text, mode) = without_ssl_mode(text)?;
        let mut config: Config = text.parse().map_err(|error: tokio_postgres::Error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            UrlError::Unreadable(cause.unwrap_or_else(|| error.to_string()))
        })?;
        if config.get_hosts().is_empty() {
            return Err(UrlError::NoHost);
        }
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err(UrlError::NoDatabase);
        }
        // Where both are given, the connection goes to the address, and the name is for the
        // certificate.
        let here = config.get_hosts().iter().all(is_this_machine)
            && config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback);
        config.ssl_mode(match mode.unwrap_or(if here { Mode::Never } else { Mode::Certainly }) {
            Mode::Maybe(setting) if !here => return Err(UrlError::MaybeUnencrypted(setting)),
            Mode::Maybe(_) => SslMode::Prefer,
            Mode::Certainly => SslMode::Require,
            Mode::Never => SslMode::Disable,
        });
        Ok(Self(config))
    }

    /// Whether the connection may be encrypted.
    pub(super) fn uses_tls(&self) -> bool {
        self.0.get_ssl_mode() != SslMode::Disable
    }

    /// The settings of our connections, one for each host.
    pub(super) fn hosts(&self, statement_timeout: Duration) -> Vec<Config> {
        one_each(&self.config(statement_timeout))
    }

    /// The settings of sessions that only read, one for each host. A standby will do.
    pub(super) fn hosts_to_read(&self, statement_timeout: Duration) -> Vec<Config> {
        let mut all = self.config(statement_timeout);
        all.target_session_attrs(TargetSessionAttrs::Any);
        one_each(&all)
    }

    /// The settings of our connections. A setting of the URI replaces ours.
    fn config(&self, statement_timeout: Duration) -> Config {
        let mut config = self.0.clone();
        // The commands are written for this isolation, whatever the database's default is: who
        // waited for a row sees what others made of it. A process that stops in the middle of a
        // transaction must not keep its rows locked for ever.
        let (statement, idle) =
            (statement_timeout.as_millis(), (statement_timeout + IDLE_IN_TRANSACTION).as_millis());
        let ours = format!(
            "-c default_transaction_isolation=read\\ committed -c statement_timeout={statement} \
             -c idle_in_transaction_session_timeout={idle}"
        );
        let options =
            config.get_options().map_or_else(|| ours.clone(), |theirs| format!("{ours} {theirs}"));
        config.options(options);
        if config.get_application_name().is_none() {
            config.application_name("doorward");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(3));
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(Duration::from_secs(10));
        }
        if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
            config.keepalives_idle(Duration::from_secs(30));
        }
        // After a fail-over the old primary only reads.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        config
    }
}

/// One configuration for each host.
fn one_each(all: &Config) -> Vec<Config> {
    let (ports, addresses) = (all.get_ports(), all.get_hostaddrs());
    let hosts = all.get_hosts().iter().enumerate().map(|(index, host)| {
        let mut one = without_hosts(all);
        match host {
            Host::Tcp(name) => one.host(name),
            #[cfg(unix)]
            Host::Unix(folder) => one.host_path(folder),
        };
        if let Some(address) = addresses.get(index) {
            one.hostaddr(*address);
        }
        if let Some(port) = ports.get(index).or(ports.first()) {
            one.port(*port);
        }
        one
    });
    hosts.collect()
}

/// All settings but the hosts.
fn without_hosts(all: &Config) -> Config {
    let mut one = Config::new();
    one.ssl_mode(all.get_ssl_mode())
        .ssl_negotiation(all.get_ssl_negotiation())
        .keepalives(all.get_keepalives())
        .keepalives_idle(all.get_keepalives_idle())
        .target_session_attrs(all.get_target_session_attrs())
        .channel_binding(all.get_channel_binding());
    if let Some(user) = all.get_user() {
        one.user(user);
    }
    if let Some(password) = all.get_password() {
        one.password(password);
    }
    if let Some(database) = all.get_dbname() {
        one.dbname(database);
    }
    if let Some(options) = all.get_options() {
        one.options(options);
    }
    if let Some(name) = all.get_application_name() {
        one.application_name(name);
    }
    if let Some(limit) = all.get_connect_timeout() {
        one.connect_timeout(*limit);
    }
    if let Some(limit) = all.get_tcp_user_timeout() {
        one.tcp_user_timeout(*limit);
    }
    if let Some(interval) = all.get_keepalives_interval() {
        one.keepalives_interval(interval);
    }
    if let Some(retries) = all.get_keepalives_retries() {
        one.keepalives_retries(retries);
    }
    one
}

/// What `sslmode` says of TLS.
enum Mode {
    Never,
    Certainly,
    /// If the server has it; the setting as it was written.
    Maybe(&'static str),
}

/// The URI without `sslmode`, and what that says. Of several the last counts, as for PostgreSQL's
/// own clients.
fn without_ssl_mode(text: &str) -> Result<(String, Option<Mode>), UrlError> {
    // As the connection's own reader does: user and password end at the first @, and may have any
    // other character in them.
    let address = text.find('@').map_or(0, |at| at + 1);
    let Some(query) = text[address..].find('?').map(|mark| address + mark + 1) else {
        return Ok((text.to_owned(), None));
    };
    let mut mode = None;
    let mut others = Vec::new();
    for parameter in text[query..].split('&') {
        match form_urlencoded::parse(parameter.as_bytes()).next() {
            Some((key, value)) if key == "sslmode" => mode = Some(ssl_mode(&value)?),
            Some((key, _)) => match instead_of(&key) {
                Some(instead) => {
                    return Err(UrlError::Elsewhere { option: key.into_owned(), instead });
                }
                None => others.push(parameter),
            },
            None => others.push(parameter),
        }
    }
    Ok((format!("{}{}", &text[..query], others.join("&")), mode))
}

/// What replaces an option of PostgreSQL's own clients that is not read from the URI.
fn instead_of(option: &str) -> Option<&'static str> {
    match option {
        "sslrootcert" => Some("give the file as store.ca_file"),
        "sslcert" | "sslkey" => {
            Some("give the files as store.client_certificate and store.client_key")
        }
        "passfile" => Some("give a file with the password alone as store.password_file"),
        "gssencmode" | "sslcompression" | "sslcrl" => Some("leave it out: it is not supported"),
        _ => None,
    }
}

fn ssl_mode(value: &str) -> Result<Mode, UrlError> {
    match value {
        "disable" => Ok(Mode::Never),
        "allow" => Ok(Mode::Maybe("sslmode=allow")),
        "prefer" => Ok(Mode::Maybe("sslmode=prefer")),
        "require" | "verify-ca" | "verify-full" => Ok(Mode::Certainly),
        _ => Err(UrlError::Unreadable(
            "sslmode is none of disable, require, verify-ca and verify-full".to_owned(),
        )),
    }
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("postgres://")?;
        let ports = self.0.get_ports();
        for (index, host) in self.0.get_hosts().iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => write!(formatter, "{comma}{name}:{port}")?,
                #[cfg(unix)]
                Host::Unix(folder) => {
                    write!(formatter, "{comma}{}:{port}", PathBuf::from(folder).display())?;
                }
            }
        }
        write!(formatter, "/{}", self.0.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PostgresUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(text: &str) -> Result<PostgresUrl, UrlError> {
        PostgresUrl::parse(&Secret::new(text))
    }

    #[test]
    fn shown_without_user_and_password() {
        let url = parse("postgres://erin:hunter2@db.example.com/doorward").unwrap();
        assert_eq!(url.to_string(), "postgres://db.example.com:5432/doorward");
        let debug = format!("{url:?}");
        assert!(!debug.contains("hunter2") && !debug.contains("erin"), "{debug}");
        let several = parse("postgresql://erin@a:1,b:2/doorward").unwrap();
        assert_eq!(several.to_string(), "postgres://a:1,b:2/doorward");
    }

    #[test]
    fn what_is_no_uri_is_refused_without_being_shown() {
        assert_eq!(parse("mysql://erin:hunter2@db/doorward"), Err(UrlError::Scheme));
        assert_eq!(parse("host=db password=hunter2"), Err(UrlError::Scheme));
        assert_eq!(parse("postgres:///doorward"), Err(UrlError::NoHost));
        assert_eq!(parse("postgres://db"), Err(UrlError::NoDatabase));
        for text in [
            "postgres://erin:hunter2@db:port/doorward",
            "postgres://erin:hunter2@db/doorward?sslmode=maybe",
        ] {
            let error = parse(text).unwrap_err();
            assert!(
                matches!(error, UrlError::Unreadable(_)) && !error.to_string().contains("hunter2"),
                "{error}"
            );
        }
    }

    #[test]
    fn other_machines_are_reached_by_tls_unless_it_says_otherwise() {
        let uses_tls = |text| parse(text).unwrap().uses_tls();
        assert!(uses_tls("postgres://db.example.com/doorward"));
        assert!(uses_tls("postgres://127.0.0.1/doorward?sslmode=verify-full"));
        assert!(!uses_tls("postgres://localhost/doorward"));
        assert!(!uses_tls("postgres://[::1]/doorward"));
        assert!(!uses_tls("postgres://%2Frun%2Fpostgresql/doorward"));
        assert!(!uses_tls("postgres://db.example.com/doorward?sslmode=disable"));
    }

    #[test]
    fn another_machine_is_never_reached_by_what_the_network_allows() {
        for (text, setting) in [
            ("postgres://db.example.com/doorward?sslmode=prefer", "sslmode=prefer"),
            ("postgres://db.example.com/doorward?connect_timeout=9&sslmode=allow", "sslmode=allow"),
            ("postgres://db.example.com/doorward?ssl%6dode=prefer", "sslmode=prefer"),
            ("postgres://localhost,db.example.com/doorward?sslmode=prefer", "sslmode=prefer"),
            ("postgres://localhost/doorward?hostaddr=192.0.2.1&sslmode=prefer", "sslmode=prefer"),
            ("postgres://db.example.com/doorward?sslmode=require&sslmode=prefer", "sslmode=prefer"),
        ] {
            assert_eq!(parse(text), Err(UrlError::MaybeUnencrypted(setting)), "{text}");
        }
        for mode in ["prefer", "allow"] {
            let url = parse(&format!("postgres://localhost/doorward?sslmode={mode}")).unwrap();
            assert_eq!(url.0.get_ssl_mode(), SslMode::Prefer);
        }
    }

    #[test]
    fn only_the_query_decides_about_tls() {
        let mode = |text| parse(text).unwrap().0.get_ssl_mode();
        for remote in [
            "postgres://erin:sslmode=disable@db.example.com/doorward",
            "postgres://erin:a?sslmode=disable&b@db.example.com/doorward",
            "postgres://db.example.com/doorward?application_name=sslmode=disable",
            "postgres://localhost/doorward?hostaddr=192.0.2.1",
            "postgres://db.example.com/doorward?hostaddr=127.0.0.1",
            "postgres://db.example.com/doorward?sslmode=disable&sslmode=verify-ca",
        ] {
            assert_eq!(mode(remote), SslMode::Require, "{remote}");
        }
        let url =
            parse("postgres://erin:sslmode=verify-full@localhost/doorward?hostaddr=127.0.0.1")
                .unwrap();
        assert_eq!(url.0.get_ssl_mode(), SslMode::Disable);
        assert_eq!(url.0.get_password(), Some(&b"sslmode=verify-full"[..]));
    }

    #[test]
    fn the_operators_own_settings_stay() {
        let url = parse("postgres://db/doorward?options=-c%20search_path%3Dours&connect_timeout=9")
            .unwrap();
        let config = url.config(Duration::from_secs(5));
        let options = config.get_options().unwrap();
        assert!(
            options.contains("statement_timeout=5000") && options.ends_with("-c search_path=ours"),
            "{options}"
        );
        assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(9)));
    }
}
