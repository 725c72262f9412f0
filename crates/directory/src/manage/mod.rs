//! User management: the port [`DirectoryManager`] of the provider. Everything goes out with the
//! account that is configured for it. The name of every entry that is written is taken apart first,
//! and must lie under the configured one.

mod changes;
mod entries;
mod groups;

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use doorward_protocol::secret::Secret;
use doorward_provider::{
    model::{external_identity::ExternalSubject, time::Timestamp},
    use_case::{
        directory::DirectoryError,
        directory_management::{
            DirectoryGroup, DirectoryManager, EntryChanges, Found as Read, ManageError,
            ManagedDirectory, ManagedEntry, NewEntry, check_username, checked_attributes,
        },
    },
};
use futures::FutureExt as _;
use ldap3::Mod;
use tokio::time::timeout;

use self::{
    changes::{Changes, check_password, difference},
    groups::member_value,
};
use crate::{
    connection::{Connection, Failure, NO_SUCH_OBJECT, Search},
    dn::Dn,
    entry::Entry,
    id,
    pool::{Pool, Servers},
    settings::{DirectoryKind, DirectorySettings, Management},
    state::told,
    template::{begins_with, equals, joined},
};

/// What OpenLDAP gives an entry with each change.
const STATE: &str = "entryCSN";
const CONTROL: &str = "userAccountControl";
/// The names by which an account of Active Directory may sign in: the one with the domain after an
/// `@`, and the short one.
const LOGIN_NAME: &str = "userPrincipalName";
const SHORT_NAME: &str = "sAMAccountName";

const NO_SUCH_ATTRIBUTE: u32 = 16;
const VALUE_EXISTS: u32 = 20;
const NO_RIGHTS: u32 = 50;
const ENTRY_EXISTS: u32 = 68;
const ASSERTION_FAILED: u32 = 122;
const OTHER: u32 = 80;
/// The codes of which [`failed`] makes errors of a change that was not made.
const SAYS_NOTHING_DONE: [u32; 5] =
    [NO_SUCH_OBJECT, ENTRY_EXISTS, NO_SUCH_ATTRIBUTE, VALUE_EXISTS, ASSERTION_FAILED];

/// The users of a directory, as far as they are managed.
#[derive(Debug)]
pub(crate) struct Manager {
    settings: DirectorySettings,
    own: Management,
    connections: Pool,
    abilities: ManagedDirectory,
}

impl Manager {
    /// `None`: nobody may manage users.
    pub(crate) fn new(settings: &DirectorySettings, servers: &Arc<Servers>) -> Option<Self> {
        let own = settings.management.clone()?;
        let connections = Pool::new(Arc::clone(servers), Some(own.account.clone()));
        let abilities = ManagedDirectory {
            name: settings.name.clone(),
            base: own.base.to_string(),
            editable: own.editable.clone(),
            has_groups: own.groups.is_some(),
        };
        Some(Self { settings: settings.clone(), own, connections, abilities })
    }

    async fn search(&self, search: Search) -> Result<(Vec<Entry>, bool), ManageError> {
        let asked = self.connections.ask(|connection| {
            let search = search.clone();
            async move { connection.search(&search).await }.boxed()
        });
        let found = self.within_limit(Box::pin(async { asked.await.map_err(failed) })).await?;
        Ok((found.entries, found.is_cut))
    }

    /// Writes once: a server that does not answer may have done it.
    async fn write<T>(
        &self,
        request: impl AsyncFnOnce(&mut Connection) -> Result<T, Failure>,
    ) -> Result<T, ManageError> {
        let asked = self.connections.ask_once(request);
        self.within_limit(Box::pin(async { asked.await.map_err(failed) })).await
    }

    async fn within_limit<T>(
        &self,
        asked: impl Future<Output = Result<T, ManageError>>,
    ) -> Result<T, ManageError> {
        let whole = self.settings.limits.whole;
        timeout(whole, asked).await.unwrap_or_else(|_| {
            let seconds = whole.as_secs_f32();
            Err(ManageError::Unavailable(format!("not all answers within {seconds} seconds")))
        })
    }

    /// Whether it is an account by which this program works. Who had its password would have more
    /// than the rights of this administration.
    fn is_of_doorward(&self, dn: &Dn, entry: &Entry) -> bool {
        let reads = self.settings.account.as_ref().map(|account| account.dn.as_str());
        let own = [Some(self.own.account.dn.as_str()), reads, self.settings.decoy.as_deref()];
        own.into_iter().flatten().any(|account| match Dn::parse(account) {
            Some(own) => own.len() == dn.len() && dn.is_at_or_under(&own),
            None => signs_in_as(account, entry, &self.settings.attributes.username),
        })
    }

    /// Whether accounts are those of Active Directory.
    fn is_active_directory(&self) -> bool {
        self.settings.kind == DirectoryKind::ActiveDirectory
    }
}

#[async_trait]
impl DirectoryManager for Manager {
    fn abilities(&self) -> &ManagedDirectory {
        &self.abilities
    }

    async fn find(
        &self,
        text: &str,
        most: usize,
        now: Timestamp,
    ) -> Result<Read<ManagedEntry>, ManageError> {
        // Servers leave such signs out, and so would look for the beginning of all.
        if text.contains(char::is_control) {
            return Ok(Read { items: Vec::new(), is_cut: false });
        }
        let own = &self.settings.attributes;
        let filter = if text.is_empty() {
            format!("({}=*)", own.username)
        } else {
            let names = [&own.username, &own.name, &own.given_name, &own.family_name, &own.email];
            joined('|', &names.map(|name| begins_with(name, text)))
        };
        let (entries, is_cut) = self.search(self.users(filter, most)).await?;
        // One that can't be read hides no others.
        let managed = entries.iter().filter_map(|entry| self.managed(entry, now).ok());
        let mut items: Vec<ManagedEntry> = managed.collect();
        items.sort_by_cached_key(|entry| (entry.username.to_lowercase(), entry.id.clone()));
        Ok(Read { items, is_cut })
    }

    async fn named(&self, name: &str, now: Timestamp) -> Result<ManagedEntry, ManageError> {
        check_username(name)?;
        let filter = equals(&self.settings.attributes.username, name);
        self.only(self.users(filter, 2), now).await
    }

    async fn entry(
        &self,
        id: &ExternalSubject,
        now: Timestamp,
    ) -> Result<ManagedEntry, ManageError> {
        let filter = id::filter(&self.settings.attributes.id, id).ok_or(ManageError::Missing)?;
        self.only(self.users(filter, 2), now).await
    }

    async fn create(&self, new: &NewEntry, now: Timestamp) -> Result<ManagedEntry, ManageError> {
        check_username(&new.username)?;
        check_password(new.password.as_ref())?;
        if new.must_change && new.password.is_none() {
            let problem = "there is no password that has to be changed: give one";
            return Err(ManageError::invalid("must_change", problem));
        }
        let given = checked_attributes(&new.attributes, &self.own.editable)?;
        let parent = self.parent(new.parent.as_deref())?;
        let dn = parent.child(&self.own.naming_attribute, &new.username).to_string();
        inside(&dn, &self.own.base)?;
        let attributes = self.attributes_of(new, &given)?;
        self.check_is_free(&new.username, None).await?;
        self.write(async |connection| connection.add(&dn, attributes).await).await.map_err(
            |error| match error {
                ManageError::Missing => {
                    let problem = format!("there is no entry {parent} to add one below");
                    ManageError::invalid("parent", problem)
                }
                other => other,
            },
        )?;
        if let (Some(password), false) = (&new.password, self.is_active_directory()) {
            let set = self.write_password(&dn, password, new.must_change, new.enabled).await;
            if let Err(error) = set {
                let removed = self.write(async |connection| connection.remove(&dn).await).await;
                if removed.is_err() {
                    let text = format!("{error}; the entry {dn} stays, without a password");
                    return Err(ManageError::Refused(text));
                }
                return Err(error);
            }
        }
        self.again(&dn, now).await
    }

    async fn change(
        &self,
        before: &ManagedEntry,
        changes: &EntryChanges,
        now: Timestamp,
    ) -> Result<ManagedEntry, ManageError> {
        let present = inside(&before.dn, &self.own.base)?;
        let given = checked_attributes(&changes.attributes, &self.own.editable)?;
        let mut mods: Changes = Vec::new();
        for (name, values) in given {
            mods.extend(difference(&name, before.attributes.get(&name), &values));
        }
        if let Some(enabled) = changes.enabled.filter(|enabled| *enabled != before.enabled) {
            mods.extend(self.enabling(before, enabled));
        }
        let mut lowest = None;
        let username = changes.username.as_ref().filter(|name| **name != before.username);
        if let Some(name) = username {
            check_username(name)?;
            self.check_is_free(name, Some(&before.dn)).await?;
            let attribute = &self.settings.attributes.username;
            if attribute.eq_ignore_ascii_case(&self.own.naming_attribute) {
                let renamed = present.renamed(attribute, name).ok_or_else(|| {
                    let problem = format!("the entry {} is not named by {attribute}", before.dn);
                    ManageError::invalid("username", problem)
                })?;
                lowest = Some(renamed);
            } else {
                let old = vec![before.username.clone()];
                mods.extend(difference(attribute, Some(&old), std::slice::from_ref(name)));
            }
        }
        if lowest.is_some() && !mods.is_empty() {
            let problem = "the entry gets another name by it: change the user name by itself";
            return Err(ManageError::invalid("username", problem));
        }
        let assertion = before.state.as_deref().map(|state| equals(STATE, state));
        let assertion = assertion.as_deref();
        let dn = &before.dn;
        let Some(renamed) = lowest else {
            if !mods.is_empty() {
                self.write(async |connection| connection.modify_if(dn, mods, assertion).await)
                    .await?;
            }
            return self.again(dn, now).await;
        };
        let lowest = renamed.lowest();
        self.write(async |connection| connection.rename_if(dn, &lowest, assertion).await).await?;
        self.again(&renamed.to_string(), now).await
    }

    async fn set_password(
        &self,
        entry: &ManagedEntry,
        password: &Secret,
        must_change: bool,
    ) -> Result<(), ManageError> {
        inside(&entry.dn, &self.own.base)?;
        check_password(Some(password))?;
        self.write_password(&entry.dn, password, must_change, entry.enabled).await
    }

    async fn groups(&self, text: &str, most: usize) -> Result<Read<DirectoryGroup>, ManageError> {
        let name = &self.managed_groups()?.name;
        let filter = (!text.is_empty()).then(|| begins_with(name, text));
        self.groups_by(filter, most).await
    }

    async fn group_named(&self, name: &str) -> Result<DirectoryGroup, ManageError> {
        if name.is_empty() {
            return Err(ManageError::Missing);
        }
        self.only_group(equals(&self.managed_groups()?.name, name)).await
    }

    async fn group(&self, id: &ExternalSubject) -> Result<DirectoryGroup, ManageError> {
        let filter = id::filter(&self.settings.attributes.id, id).ok_or(ManageError::Missing)?;
        self.only_group(filter).await
    }

    async fn groups_of(&self, entry: &ManagedEntry) -> Result<Vec<DirectoryGroup>, ManageError> {
        let Ok(groups) = self.managed_groups() else { return Ok(Vec::new()) };
        let filter = equals(&groups.member, member_value(groups, entry));
        let most = self.settings.limits.groups;
        self.groups_by(Some(filter), most).await.map(|found| found.items)
    }

    async fn set_member(
        &self,
        entry: &ManagedEntry,
        group: &DirectoryGroup,
        is_member: bool,
    ) -> Result<bool, ManageError> {
        let groups = self.managed_groups()?;
        inside(&entry.dn, &self.own.base)?;
        inside(&group.dn, &groups.base)?;
        let name = groups.member.clone().into_bytes();
        let value = HashSet::from([member_value(groups, entry).as_bytes().to_vec()]);
        let change = if is_member { Mod::Add(name, value) } else { Mod::Delete(name, value) };
        let done = self
            .write(async |connection| match connection.modify(&group.dn, vec![change]).await {
                Err(Failure::Refused { code: NO_SUCH_ATTRIBUTE | VALUE_EXISTS, .. }) => Ok(false),
                Err(failure) => Err(failure),
                Ok(()) => Ok(true),
            })
            .await;
        // Active Directory has codes of its own for both, and one of them for other refusals, too.
        match done {
            Err(ManageError::Exists) if is_member => Ok(false),
            Err(refused @ ManageError::Refused(_)) if !is_member => {
                let groups = self.groups_of(entry).await?;
                let is_there = groups.iter().any(|own| own.id == group.id);
                if is_there { Err(refused) } else { Ok(false) }
            }
            done => done,
        }
    }
}

/// Refuses a name that does not lie under the other one, whoever says it.
fn inside(dn: &str, base: &Dn) -> Result<Dn, ManageError> {
    let parsed = Dn::parse(dn).filter(|dn| dn.is_under(base));
    parsed.ok_or_else(|| ManageError::Outside(dn.to_owned()))
}

fn not_accepted(error: DirectoryError) -> ManageError {
    ManageError::NotAccepted(match error {
        DirectoryError::NotAccepted(text) => text,
        other => other.to_string(),
    })
}

/// Whether it is the account of this name. Active Directory takes `DOMAIN\name` and `name@domain`
/// in place of a distinguished name. The domain is not compared: it has several names.
fn signs_in_as(account: &str, entry: &Entry, username: &str) -> bool {
    let short = |name: &str| {
        let name = name.rsplit('\\').next().unwrap_or(name);
        name.split('@').next().unwrap_or(name).to_lowercase()
    };
    let mut own =
        [username, SHORT_NAME, LOGIN_NAME].into_iter().filter_map(|name| entry.text(name));
    own.any(|own| short(own) == short(account))
}

fn failed(failure: Failure) -> ManageError {
    match failure {
        Failure::Broken(text) | Failure::Late(text) => ManageError::Unavailable(text),
        Failure::Unreadable(text) => ManageError::NotAccepted(text),
        Failure::Refused { code: NO_SUCH_OBJECT, .. } => ManageError::Missing,
        Failure::Refused { code: ENTRY_EXISTS, .. } => ManageError::Exists,
        Failure::Refused { code: NO_SUCH_ATTRIBUTE | VALUE_EXISTS | ASSERTION_FAILED, .. } => {
            ManageError::Overtaken
        }
        Failure::Refused { code: code @ NO_RIGHTS, text } => ManageError::Refused(format!(
            "the account of the table management has no right to do it ({})",
            told(code, &text)
        )),
        refused @ Failure::Refused { .. } => ManageError::Refused(refused.to_string()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_account_is_known_by_each_name_by_which_it_signs_in() {
        let login: (&str, &[&[u8]]) = (LOGIN_NAME, &[b"Svc@corp.example.com"]);
        let short: (&str, &[&[u8]]) = (SHORT_NAME, &[b"svc"]);
        let renamed: (&str, &[&[u8]]) = (LOGIN_NAME, &[b"doorward@corp.example.com"]);
        for names in [[login].as_slice(), &[short], &[renamed, short], &[login, short]] {
            let entry = Entry::with("cn=service,dc=example,dc=com", names);
            for account in ["CORP\\svc", "svc@corp.example.com", "SVC@CORP.EXAMPLE.COM"] {
                for username in [LOGIN_NAME, SHORT_NAME] {
                    assert!(signs_in_as(account, &entry, username), "{account}: {entry:?}");
                }
            }
            for other in ["CORP\\svc2", "sv@corp.example.com"] {
                assert!(!signs_in_as(other, &entry, SHORT_NAME), "{other}: {entry:?}");
            }
        }
    }

    #[test]
    fn a_name_must_lie_in_the_subtree() {
        let base = Dn::parse("ou=people,dc=example,dc=com").unwrap();
        for good in ["uid=a,ou=people,dc=example,dc=com", "UID=a, OU=People ,DC=example,DC=com"] {
            assert!(inside(good, &base).is_ok(), "{good}");
        }
        for wrong in [
            "ou=people,dc=example,dc=com",
            "uid=a,dc=example,dc=com",
            "uid=a\\,ou=people,dc=example,dc=com",
            "uid=a,ou=people,dc=example,dc=com,dc=evil",
            "uid=a,ou=peoples,dc=example,dc=com",
            "uid=a,ou=x\\,ou=people,dc=example,dc=com",
            "uid=a+ou=people,dc=example,dc=com",
            "uid=a,ou=people;dc=example;dc=org",
            "",
        ] {
            assert!(inside(wrong, &base).is_err(), "{wrong}");
        }
    }
}
