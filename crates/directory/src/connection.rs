//! One connection to a server. Each question has a time limit, and what a server must not do ends
//! the connection.

use std::{
    collections::HashSet,
    panic::AssertUnwindSafe,
    sync::{Arc, OnceLock},
    time::Duration,
};

use doorward_protocol::secret::Secret;
use futures::FutureExt as _;
use ldap3::{
    DerefAliases, Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Mod, Scope,
    SearchOptions, StdStream,
    asn1::{PL, StructureTag, TagClass, parse_tag},
    controls::{Assertion, PagedResults, RawControl},
    exop::PasswordModify,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
    task::AbortHandle,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::{
    entry::Entry,
    guard::{self, BadMessage},
    settings::{Limits, Security, Server},
    state::{BindAnswer, told},
    template::is_filter,
};

/// How many entries of a search come at a time (RFC 2696).
const PAGE: usize = 500;
const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";
/// The control by which a server says more about a password
/// (draft-behera-ldap-password-policy section 6).
const PASSWORD_POLICY: &str = "1.3.6.1.4.1.42.2.27.8.5.1";
/// The request of RFC 4511 section 4.14.1, as message 1.
const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
const EXTENDED_RESPONSE: u64 = 24;

const SUCCESS: u32 = 0;
const SIZE_LIMIT_EXCEEDED: u32 = 4;
const REFERRAL: u32 = 10;
pub(crate) const NO_SUCH_OBJECT: u32 = 32;
/// Of clients' libraries: the filter is none.
const FILTER_ERROR: u32 = 87;

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// The connection can't be made or used.
    #[error("{0}")]
    Broken(String),
    /// The server is connected, and does not answer within the limit.
    #[error("{0}")]
    Late(String),
    /// The server has answered, and what it sends is too large, or can't be read. It says nothing
    /// about the server, and another one would send the same.
    #[error("{0}")]
    Unreadable(String),
    /// The server has answered that it does not do it.
    #[error("{}", told(*code, text))]
    Refused { code: u32, text: String },
}

impl Failure {
    /// Whether another server may have an answer.
    pub(crate) fn is_unanswered(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::Late(_))
    }

    /// That of a server that can't be used at all.
    pub(crate) fn of_the_server(self) -> Self {
        if let Self::Unreadable(text) = self { Self::Broken(text) } else { self }
    }
}

/// The certification authorities can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(String);

/// What is searched for.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    pub(crate) base: String,
    pub(crate) scope: Scope,
    pub(crate) filter: String,
    pub(crate) attributes: Vec<String>,
    /// How many entries are read. What is beyond is left out.
    pub(crate) most: usize,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) entries: Vec<Entry>,
    /// Whether there are more.
    pub(crate) is_cut: bool,
}

/// The answer to a bind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound {
    code: u32,
    text: String,
    policy: Option<u8>,
}

impl Bound {
    pub(crate) fn answer(&self) -> BindAnswer<'_> {
        BindAnswer { code: self.code, text: &self.text, policy: self.policy }
    }
}

/// A connection.
pub(crate) struct Connection {
    ldap: Ldap,
    limits: Limits,
    /// Why the server's side ended, once it has.
    ended: Arc<OnceLock<Failure>>,
    tasks: [AbortHandle; 2],
    /// Whether it can be used for another question.
    pub(crate) is_usable: bool,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// How servers show who they are: by these authorities (DER); or, if there are none, by the
/// machine's and those that are trusted beside them.
pub(crate) fn tls(authorities: &[Vec<u8>], trusted: &[Vec<u8>]) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    let mut own = authorities;
    if authorities.is_empty() {
        let found = rustls_native_certs::load_native_certs().certs;
        roots.add_parsable_certificates(found);
        own = trusted;
    }
    for authority in own {
        let added = roots.add(CertificateDer::from(authority.clone()));
        added.map_err(|error| TlsError(format!("a certification authority: {error}")))?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

impl Connection {
    /// Connects to a server.
    pub(crate) async fn open(
        server: &Server,
        tls: &Arc<ClientConfig>,
        limits: Limits,
    ) -> Result<Self, Failure> {
        let opening = Self::open_without_limit(server, tls, limits);
        let late = |_| {
            let seconds = limits.connect.as_secs_f32();
            Failure::Broken(format!("{server}: no connection within {seconds} seconds"))
        };
        timeout(limits.connect, opening).await.map_err(late)?
    }

    async fn open_without_limit(
        server: &Server,
        tls: &Arc<ClientConfig>,
        limits: Limits,
    ) -> Result<Self, Failure> {
        let broken = |step: &str, error: &dyn std::fmt::Display| {
            Failure::Broken(format!("{server}: {step}: {error}"))
        };
        let mut stream = TcpStream::connect((server.host.as_str(), server.port))
            .await
            .map_err(|error| broken("it can't be connected to", &error))?;
        let _ = stream.set_nodelay(true);
        match server.security {
            Security::Plain => return Self::on(stream, limits).await,
            Security::StartTls => {
                start_tls(&mut stream).await.map_err(|error| broken("StartTLS", &error))?;
            }
            Security::Tls => {}
        }
        let name = ServerName::try_from(server.host.clone());
        let name = name.map_err(|error| broken("its name", &error))?;
        let connector = TlsConnector::from(Arc::clone(tls));
        let stream = connector.connect(name, stream).await;
        Self::on(stream.map_err(|error| broken("TLS", &error))?, limits).await
    }

    /// Makes a connection of a stream. `ldap3` gets the other side of the guard.
    async fn on(
        stream: impl AsyncRead + AsyncWrite + Send + 'static,
        limits: Limits,
    ) -> Result<Self, Failure> {
        let broken = |error: &dyn std::fmt::Display| Failure::Broken(error.to_string());
        let (near, far) = UnixStream::pair().map_err(|error| broken(&error))?;
        let near = near.into_std().map_err(|error| broken(&error))?;
        let settings = LdapConnSettings::new().set_std_stream(StdStream::Unix(near));
        let made = LdapConnAsync::with_settings(settings, "ldapi:///").await;
        let (driver, ldap) = made.map_err(|error| broken(&error))?;
        let ended = Arc::new(OnceLock::new());
        let told = Arc::clone(&ended);
        let guard = tokio::spawn(guard::relay(stream, far, move |ended| {
            let failure = match ended {
                Ok(()) => Failure::Broken("the server has closed the connection".to_owned()),
                Err(error) if BadMessage::is_too_large(error) => {
                    Failure::Unreadable(error.to_string())
                }
                Err(error) => Failure::Broken(error.to_string()),
            };
            let _ = told.set(failure);
        }));
        // It may panic over an answer: then it is over, as with any other end.
        let driver = tokio::spawn(async move {
            let _ = driver.drive().await;
        });
        let tasks = [guard.abort_handle(), driver.abort_handle()];
        Ok(Self { ldap, limits, ended, tasks, is_usable: true })
    }

    /// Waits for an answer, for no longer than the limit.
    async fn answer<T>(
        &mut self,
        question: impl Future<Output = ldap3::result::Result<T>>,
    ) -> Result<T, Failure> {
        let asked = timeout(self.limits.answer, AssertUnwindSafe(question).catch_unwind()).await;
        let problem = match asked {
            Ok(Ok(Ok(answer))) => return Ok(answer),
            // Nothing was asked, and it says nothing about the server.
            Ok(Ok(Err(LdapError::FilterParsing))) => {
                let text = "the search filter can't be written with this value".to_owned();
                return Err(Failure::Refused { code: FILTER_ERROR, text });
            }
            Ok(Ok(Err(LdapError::DecodingUTF8))) => {
                Failure::Unreadable("the entry can't be read".to_owned())
            }
            Ok(Ok(Err(error))) => Failure::Broken(error.to_string()),
            Ok(Err(_)) => Failure::Unreadable("the server's answer is malformed".to_owned()),
            Err(_) => {
                let seconds = self.limits.answer.as_secs_f32();
                Failure::Late(format!("no answer within {seconds} seconds"))
            }
        };
        self.is_usable = false;
        Err(self.ended.get().cloned().unwrap_or(problem))
    }

    /// Tries a password. One that is empty, or that is nobody's, never goes out (RFC 4513 section
    /// 5.1.2): a server would take it for a question without a sign-in, and say yes.
    pub(crate) async fn bind(&mut self, dn: &str, password: &Secret) -> Result<Bound, Failure> {
        if dn.is_empty() || password.expose().is_empty() {
            let text = "an empty name or password is not sent".to_owned();
            return Ok(Bound { code: 49, text, policy: None });
        }
        let mut ldap = self.ldap.clone();
        let policy = RawControl { ctype: PASSWORD_POLICY.to_owned(), crit: false, val: None };
        ldap.with_controls(policy);
        let result = self.answer(ldap.simple_bind(dn, password.expose())).await?;
        let policy = control(&result, PASSWORD_POLICY).and_then(policy_error);
        Ok(Bound { code: result.rc, text: result.text, policy })
    }

    /// Searches. Referrals are not followed.
    pub(crate) async fn search(&mut self, search: &Search) -> Result<Found, Failure> {
        let mut found = Found::default();
        let mut cookie = Vec::new();
        loop {
            let page = page(self.ldap.clone(), search, cookie, found.entries.len());
            let (entries, result) = self.answer(page).await?;
            found.entries.extend(entries);
            let Some(result) = result else {
                // The rest is still on its way.
                self.is_usable = false;
                found.is_cut = true;
                return Ok(found);
            };
            match result.rc {
                SUCCESS => {}
                SIZE_LIMIT_EXCEEDED => {
                    found.is_cut = true;
                    return Ok(found);
                }
                REFERRAL => {
                    let text = "it refers to another server, and referrals are not followed: name \
                                that server under servers";
                    return Err(Failure::Refused { code: REFERRAL, text: text.to_owned() });
                }
                NO_SUCH_OBJECT => {
                    let text = format!("there is no entry {}", search.base);
                    return Err(Failure::Refused { code: NO_SUCH_OBJECT, text });
                }
                code => return Err(Failure::Refused { code, text: result.text }),
            }
            cookie = control(&result, PAGED_RESULTS).and_then(next_page).unwrap_or_default();
            if cookie.is_empty() {
                return Ok(found);
            }
            if found.entries.len() >= search.most {
                found.is_cut = true;
                return Ok(found);
            }
        }
    }

    /// Changes the password of whoever is bound, by RFC 3062.
    pub(crate) async fn modify_password(
        &mut self,
        present: &Secret,
        new: &Secret,
    ) -> Result<(), Failure> {
        let mut ldap = self.ldap.clone();
        let request = PasswordModify {
            user_id: None,
            old_pass: Some(present.expose()),
            new_pass: Some(new.expose()),
        };
        let result = self.answer(ldap.extended(request)).await?;
        succeeded(&result.1)
    }

    /// Sets the password of an entry by the rights of whoever is bound, by RFC 3062.
    pub(crate) async fn set_password(&mut self, dn: &str, new: &Secret) -> Result<(), Failure> {
        let mut ldap = self.ldap.clone();
        let request =
            PasswordModify { user_id: Some(dn), old_pass: None, new_pass: Some(new.expose()) };
        let result = self.answer(ldap.extended(request)).await?;
        succeeded(&result.1)
    }

    /// Changes attributes.
    pub(crate) async fn modify(
        &mut self,
        dn: &str,
        changes: Vec<Mod<Vec<u8>>>,
    ) -> Result<(), Failure> {
        self.modify_if(dn, changes, None).await
    }

    /// Changes attributes, if the entry is still as the filter says (RFC 4528). A server that does
    /// not know the control changes them in any case.
    pub(crate) async fn modify_if(
        &mut self,
        dn: &str,
        changes: Vec<Mod<Vec<u8>>>,
        assertion: Option<&str>,
    ) -> Result<(), Failure> {
        let mut ldap = self.asserting(assertion);
        let result = self.answer(ldap.modify(dn, changes)).await?;
        succeeded(&result)
    }

    /// Gives an entry another name below the same one, if it is still as the filter says.
    pub(crate) async fn rename_if(
        &mut self,
        dn: &str,
        lowest: &str,
        assertion: Option<&str>,
    ) -> Result<(), Failure> {
        let mut ldap = self.asserting(assertion);
        let result = self.answer(ldap.modifydn(dn, lowest, true, None)).await?;
        succeeded(&result)
    }

    /// Adds an entry.
    pub(crate) async fn add(
        &mut self,
        dn: &str,
        attributes: Vec<(Vec<u8>, HashSet<Vec<u8>>)>,
    ) -> Result<(), Failure> {
        let mut ldap = self.ldap.clone();
        let result = self.answer(ldap.add(dn, attributes)).await?;
        succeeded(&result)
    }

    /// Removes an entry.
    pub(crate) async fn remove(&mut self, dn: &str) -> Result<(), Failure> {
        let mut ldap = self.ldap.clone();
        let result = self.answer(ldap.delete(dn)).await?;
        succeeded(&result)
    }

    fn asserting(&self, assertion: Option<&str>) -> Ldap {
        let mut ldap = self.ldap.clone();
        // The control can't be made of what is not a filter.
        if let Some(filter) = assertion.filter(|filter| is_filter(filter)) {
            ldap.with_controls(RawControl::from(Assertion { filter }));
        }
        ldap
    }
}

fn succeeded(result: &LdapResult) -> Result<(), Failure> {
    match result.rc {
        SUCCESS => Ok(()),
        code => Err(Failure::Refused { code, text: result.text.clone() }),
    }
}

/// A page of what is searched for; without a result if it was left before its end.
async fn page(
    mut ldap: Ldap,
    search: &Search,
    cookie: Vec<u8>,
    so_far: usize,
) -> ldap3::result::Result<(Vec<Entry>, Option<LdapResult>)> {
    // One more than wanted shows that there are more.
    let size = (search.most + 1).saturating_sub(so_far).clamp(1, PAGE);
    let size = i32::try_from(size).unwrap_or(i32::MAX);
    ldap.with_controls(PagedResults { size, cookie });
    ldap.with_search_options(SearchOptions::new().deref(DerefAliases::Never));
    let attributes = search.attributes.clone();
    let mut stream =
        ldap.streaming_search(&search.base, search.scope, &search.filter, attributes).await?;
    let mut entries = Vec::new();
    while let Some(item) = stream.next().await? {
        if item.is_ref() || item.is_intermediate() {
            continue;
        }
        if so_far + entries.len() >= search.most {
            return Ok((entries, None));
        }
        let entry = Entry::read(item.0);
        entries.push(entry.map_err(|_| LdapError::DecodingUTF8)?);
    }
    Ok((entries, Some(stream.finish().await)))
}

/// Asks for TLS. Nothing that comes after the answer is read without it.
async fn start_tls(stream: &mut TcpStream) -> Result<(), String> {
    stream.write_all(START_TLS).await.map_err(|error| error.to_string())?;
    let answer = guard::read_message(stream).await.map_err(|error| error.to_string())?;
    let answer = answer.ok_or("the server has closed the connection")?;
    let malformed = || "the server's answer is malformed".to_owned();
    let (_, message) = parse_tag(&answer).map_err(|_| malformed())?;
    let operation = parts(message).and_then(|parts| parts.into_iter().nth(1));
    let operation =
        operation.filter(|own| own.class == TagClass::Application && own.id == EXTENDED_RESPONSE);
    let mut result = operation.and_then(parts).ok_or_else(malformed)?.into_iter();
    let code = result.next().and_then(bytes).ok_or_else(malformed)?;
    let text = result.nth(1).and_then(bytes).unwrap_or_default();
    match code.as_slice() {
        [0] => Ok(()),
        code => {
            let code = code.iter().fold(0, |code, byte| code << 8 | u32::from(*byte));
            Err(told(code, &String::from_utf8_lossy(&text)))
        }
    }
}

/// The value of a control that came with a result.
fn control<'a>(result: &'a LdapResult, name: &str) -> Option<&'a [u8]> {
    result.ctrls.iter().find(|own| own.1.ctype == name)?.1.val.as_deref()
}

/// The cookie of the next page (RFC 2696 section 2).
fn next_page(value: &[u8]) -> Option<Vec<u8>> {
    let (_, sequence) = parse_tag(value).ok()?;
    parts(sequence)?.into_iter().nth(1).and_then(bytes)
}

/// The error of a password policy: `[1] ENUMERATED`.
fn policy_error(value: &[u8]) -> Option<u8> {
    let (_, sequence) = parse_tag(value).ok()?;
    let mut parts = parts(sequence)?.into_iter();
    let error = parts.find(|own| own.class == TagClass::Context && own.id == 1)?;
    bytes(error)?.last().copied()
}

fn parts(tag: StructureTag) -> Option<Vec<StructureTag>> {
    if let PL::C(parts) = tag.payload { Some(parts) } else { None }
}

fn bytes(tag: StructureTag) -> Option<Vec<u8>> {
    if let PL::P(bytes) = tag.payload { Some(bytes) } else { None }
}

/// The value of `unicodePwd`: the password in quotation marks, as UTF-16.
pub(crate) fn unicode_password(password: &Secret) -> Vec<u8> {
    let quoted = format!("\"{}\"", password.expose());
    quoted.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// What changes `unicodePwd` of whoever knows the present password.
pub(crate) fn unicode_password_change(present: &Secret, new: &Secret) -> Vec<Mod<Vec<u8>>> {
    let one = |password: &Secret| HashSet::from([unicode_password(password)]);
    let name = || b"unicodePwd".to_vec();
    vec![Mod::Delete(name(), one(present)), Mod::Add(name(), one(new))]
}

/// How long a server that failed is not asked.
pub(crate) const REST: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_for_tls_is_a_message() {
        let (rest, message) = parse_tag(START_TLS).unwrap_or_else(|error| panic!("{error}"));
        assert!(rest.is_empty());
        assert_eq!(parts(message).map(|parts| parts.len()), Some(2));
    }

    #[test]
    fn the_error_of_a_password_policy_is_read() {
        assert_eq!(policy_error(&[0x30, 3, 0x81, 1, 2]), Some(2));
        let with_warning = [0x30, 8, 0xa0, 3, 0x80, 1, 9, 0x81, 1, 0];
        assert_eq!(policy_error(&with_warning), Some(0));
        assert_eq!(policy_error(&[0x30, 5, 0xa0, 3, 0x80, 1, 9]), None);
        assert_eq!(policy_error(&[0x30, 0]), None);
        assert_eq!(policy_error(&[]), None);
    }

    #[test]
    fn a_unicode_password_is_quoted_utf16() {
        let bytes = unicode_password(&Secret::new("A\u{e9}"));
        assert_eq!(bytes, [0x22, 0, 0x41, 0, 0xe9, 0, 0x22, 0]);
    }
}
