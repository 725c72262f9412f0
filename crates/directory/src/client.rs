//! Sign-in by a directory: the entry of a name, its password, its groups, and what an application
//! gets to know of it.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use doorward_protocol::secret::Secret;
use doorward_provider::{
    model::{
        directory::{AccountProblem, LoginName},
        external_identity::ExternalSubject,
        time::Timestamp,
    },
    use_case::{
        directory::{
            BeforeBind, DirectoryClient, DirectoryError, DirectoryUser, PasswordChangeError,
        },
        directory_management::DirectoryManager,
    },
};
use futures::FutureExt as _;
use ldap3::Scope;
use rustls::ClientConfig;
use serde_json::{Map, Value};
use tokio::time::timeout;

use crate::{
    connection::{
        Bound, Connection, Failure, Found, NO_SUCH_OBJECT, Search, TlsError, tls,
        unicode_password_change,
    },
    dn::Dn,
    entry::Entry,
    id,
    manage::Manager,
    pool::{Pool, Servers},
    settings::{DirectorySettings, FindEntry, Groups, PasswordChange},
    state,
    template::joined,
};

/// How many levels of groups in groups are looked at.
const DEEPEST_GROUPS: usize = 10;
/// How many members are asked about in one search for groups.
const MEMBERS_AT_ONCE: usize = 50;
/// The name and the password by which a name of nobody costs as much as that of somebody.
const NOBODY: &str = "cn=nobody-has-this-name";

/// The groups of a user.
#[derive(Debug, Default)]
struct FoundGroups {
    /// Their names, each once.
    names: BTreeSet<String>,
    /// Whether there may be more.
    is_cut: bool,
}

/// A directory.
#[derive(Debug)]
pub struct LdapDirectory {
    settings: DirectorySettings,
    pub(crate) tls: Arc<ClientConfig>,
    servers: Arc<Servers>,
    /// With the account that searches.
    questions: Pool,
    /// On which the passwords of users are tried.
    passwords: Pool,
    /// With an account of its own, where users are managed.
    manager: Option<Manager>,
}

impl LdapDirectory {
    /// Makes the client. Nothing is asked yet, so the directory need not run. `trusted` are
    /// certification authorities (DER) beside the machine's, where the settings name none.
    pub fn new(settings: DirectorySettings, trusted: &[Vec<u8>]) -> Result<Self, TlsError> {
        let tls = Arc::new(tls(&settings.authorities, trusted)?);
        let limits = settings.limits;
        let servers = Servers::new(settings.servers.clone(), Arc::clone(&tls), limits);
        let servers = Arc::new(servers);
        let questions = Pool::new(Arc::clone(&servers), settings.account.clone());
        let passwords = Pool::new(Arc::clone(&servers), None);
        // What happens to the account that writes says nothing about sign-ins.
        let of_manager = Servers::new(settings.servers.clone(), Arc::clone(&tls), limits);
        let manager = Manager::new(&settings, &Arc::new(of_manager));
        Ok(Self { settings, tls, servers, questions, passwords, manager })
    }

    /// The settings.
    pub fn settings(&self) -> &DirectorySettings {
        &self.settings
    }

    /// Asks for what every server tells about itself (RFC 4512 section 5.1), to know whether one
    /// answers.
    pub async fn probe(&self) -> bool {
        let search = Search {
            base: String::new(),
            scope: Scope::Base,
            filter: "(objectClass=*)".to_owned(),
            attributes: vec!["supportedLDAPVersion".to_owned()],
            most: 1,
        };
        !self.search(&search).await.is_err_and(|failure| failure.is_unanswered())
    }

    pub(crate) async fn search(&self, search: &Search) -> Result<Found, Failure> {
        self.questions
            .ask(|connection| {
                let search = search.clone();
                async move { connection.search(&search).await }.boxed()
            })
            .await
    }

    async fn bind(&self, dn: &str, password: &Secret) -> Result<Bound, Failure> {
        self.passwords
            .ask(|connection| {
                let (dn, password) = (dn.to_owned(), password.clone());
                async move { connection.bind(&dn, &password).await }.boxed()
            })
            .await
    }

    /// The attributes that are read of a user's entry.
    pub(crate) fn attributes(&self) -> Vec<String> {
        let own = &self.settings.attributes;
        let named = [&own.username, &own.email, &own.name, &own.given_name, &own.family_name];
        let named = named.into_iter().chain(&own.others).map(String::as_str);
        let needed = [own.id.name()].into_iter();
        let groups = matches!(self.settings.groups, Groups::MemberOf(_)).then_some("memberOf");
        let state = state::attributes(&self.settings);
        let all: BTreeSet<_> = named.chain(needed).chain(groups).chain(state).collect();
        all.into_iter().map(str::to_owned).collect()
    }

    /// The search for the entry of a name; `None` where the entry is named by it.
    pub(crate) fn search_for(&self, name: &LoginName) -> Option<Search> {
        let FindEntry::Search(filter) = &self.settings.find else { return None };
        Some(Search {
            base: self.settings.base.clone(),
            scope: Scope::Subtree,
            filter: filter.fill(&[("name", &name.name), ("typed", &name.typed)]),
            attributes: self.attributes(),
            most: 2,
        })
    }

    /// The only entry that was found.
    pub(crate) fn only(mut found: Found) -> Result<Option<Entry>, DirectoryError> {
        if found.entries.len() > 1 || found.is_cut {
            let text = "several entries have the name: write a filter that finds one";
            return Err(DirectoryError::NotAccepted(text.to_owned()));
        }
        Ok(found.entries.pop())
    }

    /// The entry of a name whose password is this one.
    async fn verified(
        &self,
        name: &LoginName,
        password: &Secret,
        before: &dyn BeforeBind,
    ) -> Result<Entry, DirectoryError> {
        let Some(search) = self.search_for(name) else {
            before.admit(None).await?;
            return self.verified_directly(name, password).await;
        };
        let found = self.search(&search).await.map_err(unanswered)?;
        let Some(entry) = Self::only(found)? else {
            before.decoy().await;
            self.decoy_bind().await;
            return Err(DirectoryError::NoEntry);
        };
        if let Err(refused) =
            before.admit(Some(&id::subject(&self.settings.attributes.id, &entry)?)).await
        {
            self.decoy_bind().await;
            return Err(refused);
        }
        let bound = self.bind(&entry.dn, password).await.map_err(unanswered)?;
        bound.answer().check()?;
        Ok(entry)
    }

    /// Waits for everything that is asked about one user, for no longer than the limit.
    async fn within_limit<T>(
        &self,
        questions: impl Future<Output = Result<T, DirectoryError>>,
    ) -> Result<T, DirectoryError> {
        let whole = self.settings.limits.whole;
        timeout(whole, questions).await.unwrap_or_else(|_| {
            let seconds = whole.as_secs_f32();
            Err(DirectoryError::Unavailable(format!("not all answers within {seconds} seconds")))
        })
    }

    /// Tries the password under the name that is made of the typed one, and reads the entry with
    /// the rights of its user, on the same connection.
    async fn verified_directly(
        &self,
        name: &LoginName,
        password: &Secret,
    ) -> Result<Entry, DirectoryError> {
        let FindEntry::Direct(template) = &self.settings.find else {
            return Err(DirectoryError::NoEntry);
        };
        let dn = template.fill(&name.name);
        let search = Search {
            base: dn.clone(),
            scope: Scope::Base,
            filter: "(objectClass=*)".to_owned(),
            attributes: self.attributes(),
            most: 1,
        };
        let asked = self
            .passwords
            .ask(|connection| {
                let (dn, password, search) = (dn.clone(), password.clone(), search.clone());
                async move {
                    let bound = connection.bind(&dn, &password).await?;
                    if bound.answer().check().is_err() {
                        return Ok((bound, Found::default()));
                    }
                    Ok((bound, connection.search(&search).await?))
                }
                .boxed()
            })
            .await;
        let (bound, found) = asked.map_err(unanswered)?;
        bound.answer().check()?;
        let unreadable = "the user may not read the own entry: give the user that right, or search";
        Self::only(found)?.ok_or_else(|| DirectoryError::NotAccepted(unreadable.to_owned()))
    }

    /// Tries a password that is nobody's. Only an entry with a password costs the directory the
    /// work of one.
    async fn decoy_bind(&self) {
        let dn = self.settings.decoy.as_deref().unwrap_or(NOBODY);
        let _ = self.bind(dn, &Secret::new(NOBODY)).await;
    }

    /// Changes `unicodePwd` with the rights of the user. Active Directory lets nobody in whose
    /// password must be changed first: then the account that searches asks for the change, which
    /// names the present password, so that it takes no right over the user.
    async fn change_unicode_password(
        &self,
        dn: &str,
        present: &Secret,
        new: &Secret,
    ) -> Result<bool, Failure> {
        let changes = || unicode_password_change(present, new);
        let answer = self
            .passwords
            .ask_once(async |connection| {
                let bound = connection.bind(dn, present).await?;
                let answer = bound.answer().check();
                if answer.is_ok() {
                    connection.modify(dn, changes()).await?;
                }
                Ok(answer)
            })
            .await?;
        match answer {
            Ok(()) => Ok(true),
            Err(DirectoryError::Account(
                AccountProblem::MustChangePassword | AccountProblem::PasswordExpired,
            )) => {
                let change = async |connection: &mut Connection| {
                    connection.modify(dn, changes()).await.map(|()| true)
                };
                self.questions.ask_once(change).await
            }
            Err(_) => Ok(false),
        }
    }

    /// What becomes of an entry.
    pub(crate) async fn user(
        &self,
        entry: &Entry,
        now: Timestamp,
    ) -> Result<DirectoryUser, DirectoryError> {
        let subject = id::subject(&self.settings.attributes.id, entry)?;
        let mut claims = self.claims(entry);
        let FoundGroups { names, is_cut } = self.groups(entry).await.map_err(unanswered)?;
        if is_cut {
            let most = self.settings.limits.groups;
            tracing::warn!(directory = %self.settings.name, entry = entry.dn, most,
                "not all groups of a user are read: raise max_groups");
        }
        claims.insert("groups".to_owned(), names.into_iter().map(Value::from).collect());
        let state = state::of_entry(&self.settings, entry, now)?;
        Ok(DirectoryUser { subject, claims, state, groups_are_cut: is_cut })
    }

    /// The attributes under their names, and under those of OpenID Connect Core section 5.1.
    fn claims(&self, entry: &Entry) -> Map<String, Value> {
        let own = &self.settings.attributes;
        let known = [
            ("preferred_username", &own.username),
            ("email", &own.email),
            ("name", &own.name),
            ("given_name", &own.given_name),
            ("family_name", &own.family_name),
        ];
        let mut claims = Map::new();
        for name in known.iter().map(|(_, name)| *name).chain(&own.others) {
            match entry.texts(name).as_slice() {
                [] => {}
                [only] => {
                    claims.insert(name.clone(), (*only).into());
                }
                several => {
                    claims.insert(name.clone(), several.iter().copied().collect());
                }
            }
        }
        for (claim, name) in known {
            // A name of its own, as an attribute may be called like a claim.
            claims.remove(claim);
            if let Some(text) = entry.text(name) {
                claims.insert(claim.to_owned(), text.into());
            }
        }
        claims
    }

    /// The groups that count, as many as the limit allows.
    async fn groups(&self, entry: &Entry) -> Result<FoundGroups, Failure> {
        let most = self.settings.limits.groups;
        let mut is_cut = false;
        let names: BTreeSet<String> = match &self.settings.groups {
            Groups::None => BTreeSet::new(),
            Groups::MemberOf(base) => {
                let groups = entry.texts("memberOf").into_iter().filter_map(Dn::parse);
                let groups = groups.filter(|group| group.is_under(base));
                let mut names = groups.filter_map(|group| group.first_value().map(str::to_owned));
                let taken = names.by_ref().take(most).collect();
                is_cut = names.next().is_some();
                taken
            }
            Groups::Search { base, filter, name, nested } => {
                let username = entry.text(&self.settings.attributes.username).unwrap_or_default();
                // With an empty value the filter would ask for something else.
                if username.is_empty() && filter.has("name") {
                    return Ok(FoundGroups::default());
                }
                let (mut names, mut seen) = (BTreeSet::new(), BTreeSet::new());
                let mut level = vec![entry.dn.clone()];
                for depth in 0..=DEEPEST_GROUPS {
                    let mut next = Vec::new();
                    for members in level.chunks(MEMBERS_AT_ONCE) {
                        // Those that were found before may be found again.
                        let filled =
                            members.iter().map(|dn| filter.fill(&[("dn", dn), ("name", username)]));
                        let search = Search {
                            base: base.clone(),
                            scope: Scope::Subtree,
                            filter: joined('|', &filled.collect::<Vec<_>>()),
                            attributes: vec![name.clone()],
                            most,
                        };
                        let found = self.search(&search).await?;
                        is_cut |= found.is_cut;
                        for group in found.entries {
                            let dn = group.dn.to_lowercase();
                            if seen.contains(&dn) {
                                continue;
                            }
                            if seen.len() == most {
                                is_cut = true;
                                continue;
                            }
                            seen.insert(dn);
                            names.extend(group.text(name).map(str::to_owned));
                            next.push(group.dn);
                        }
                    }
                    if !*nested || next.is_empty() {
                        break;
                    }
                    if depth == DEEPEST_GROUPS || seen.len() == most {
                        // Nobody looks at what these are members of.
                        is_cut = true;
                        break;
                    }
                    level = next;
                }
                names
            }
        };
        Ok(FoundGroups { names, is_cut })
    }

    /// The entry with this identifier, if it is still one that `user_filter` finds by some name:
    /// who has lost the group that the filter asks for has lost the access.
    async fn entry_of(&self, subject: &ExternalSubject) -> Result<Option<Entry>, DirectoryError> {
        let Some(by_id) = id::filter(&self.settings.attributes.id, subject) else {
            return Ok(None);
        };
        let search = Search {
            base: self.settings.base.clone(),
            scope: Scope::Subtree,
            filter: match &self.settings.find {
                FindEntry::Search(filter) => joined('&', &[by_id, filter.fill_with_any()]),
                FindEntry::Direct(_) => by_id,
            },
            attributes: self.attributes(),
            most: 2,
        };
        let found = Self::only(self.search(&search).await.map_err(unanswered)?)?;
        let is_blind =
            self.settings.account.is_none() && matches!(self.settings.find, FindEntry::Direct(_));
        if found.is_none() && is_blind {
            let text = "nobody may search for the entry: give an account by bind_dn";
            return Err(DirectoryError::NotAccepted(text.to_owned()));
        }
        Ok(found)
    }
}

#[async_trait]
impl DirectoryClient for LdapDirectory {
    async fn verify(
        &self,
        name: &LoginName,
        password: &Secret,
        before: &dyn BeforeBind,
        now: Timestamp,
    ) -> Result<DirectoryUser, DirectoryError> {
        if password.expose().is_empty() {
            return Err(DirectoryError::WrongPassword);
        }
        self.within_limit(async {
            let entry = self.verified(name, password, before).await?;
            self.user(&entry, now).await
        })
        .await
    }

    async fn decoy(&self, name: &LoginName) {
        if let Some(search) = self.search_for(name) {
            let _ = self.search(&search).await;
        }
        self.decoy_bind().await;
    }

    async fn entry(
        &self,
        subject: &ExternalSubject,
        now: Timestamp,
    ) -> Result<Option<DirectoryUser>, DirectoryError> {
        self.within_limit(async {
            match self.entry_of(subject).await? {
                Some(entry) => self.user(&entry, now).await.map(Some),
                None => Ok(None),
            }
        })
        .await
    }

    async fn subject(&self, name: &LoginName) -> Result<Option<ExternalSubject>, DirectoryError> {
        let search = self.search_for(name).or_else(|| {
            let FindEntry::Direct(template) = &self.settings.find else { return None };
            Some(Search {
                base: template.fill(&name.name),
                scope: Scope::Base,
                filter: "(objectClass=*)".to_owned(),
                attributes: self.attributes(),
                most: 1,
            })
        });
        let Some(search) = search else { return Ok(None) };
        self.within_limit(async {
            let found = match self.search(&search).await {
                Err(Failure::Refused { code: NO_SUCH_OBJECT, .. }) => return Ok(None),
                found => found.map_err(unanswered)?,
            };
            let entry = Self::only(found)?;
            entry.map(|entry| id::subject(&self.settings.attributes.id, &entry)).transpose()
        })
        .await
    }

    async fn change_password(
        &self,
        subject: &ExternalSubject,
        present: &Secret,
        new: &Secret,
    ) -> Result<(), PasswordChangeError> {
        let way = self.settings.password_change;
        if way == PasswordChange::None {
            let text = "the directory's setting password_change does not allow it";
            return Err(PasswordChangeError::Refused(text.to_owned()));
        }
        if present.expose().is_empty() || new.expose().is_empty() {
            return Err(PasswordChangeError::WrongPassword);
        }
        let entry = self.entry_of(subject).await.map_err(|error| match error {
            DirectoryError::Unavailable(text) => PasswordChangeError::Unavailable(text),
            other => PasswordChangeError::Refused(other.to_string()),
        })?;
        let Some(Entry { dn, .. }) = entry else {
            return Err(PasswordChangeError::WrongPassword);
        };
        // Once: a server that does not answer may have changed it, and another one would then take
        // the present password for a wrong one. The connection is used for nothing else.
        let changed = match way {
            PasswordChange::UnicodePwd => self.change_unicode_password(&dn, present, new).await,
            PasswordChange::Rfc3062 | PasswordChange::None => {
                self.passwords
                    .ask_once(async |connection| {
                        let bound = connection.bind(&dn, present).await?;
                        // Whoever must change it first may do nothing else on the connection.
                        if !matches!(
                            bound.answer().check(),
                            Ok(())
                                | Err(DirectoryError::Account(AccountProblem::MustChangePassword))
                        ) {
                            return Ok(false);
                        }
                        connection.modify_password(present, new).await?;
                        Ok(true)
                    })
                    .await
            }
        };
        match changed {
            Ok(true) => Ok(()),
            Ok(false) => Err(PasswordChangeError::WrongPassword),
            Err(Failure::Broken(text) | Failure::Late(text) | Failure::Unreadable(text)) => {
                Err(PasswordChangeError::Unavailable(text))
            }
            Err(refused @ Failure::Refused { .. }) => {
                Err(PasswordChangeError::Refused(refused.to_string()))
            }
        }
    }

    fn is_up(&self) -> bool {
        self.servers.is_up()
    }

    fn manager(&self) -> Option<&dyn DirectoryManager> {
        self.manager.as_ref().map(|manager| manager as &dyn DirectoryManager)
    }
}

fn unanswered(failure: Failure) -> DirectoryError {
    match failure {
        Failure::Broken(text) | Failure::Late(text) => DirectoryError::Unavailable(text),
        Failure::Unreadable(text) => DirectoryError::NotAccepted(text),
        refused @ Failure::Refused { .. } => DirectoryError::NotAccepted(refused.to_string()),
    }
}
