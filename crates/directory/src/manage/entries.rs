//! Users' entries: how they are found, and what is told of them.

use std::collections::HashSet;

use doorward_provider::{
    model::time::Timestamp,
    use_case::directory_management::{ManageError, ManagedEntry},
};
use ldap3::Scope;

use super::{CONTROL, LOGIN_NAME, Manager, SHORT_NAME, STATE, inside, not_accepted};
use crate::{
    connection::Search,
    entry::Entry,
    id,
    state::{self, number},
    template::{equals, joined},
};

impl Manager {
    /// The attributes that are read of a user's entry.
    fn attributes(&self) -> Vec<String> {
        let own = &self.settings.attributes;
        let named = [&own.username, &own.email, &own.name].map(String::as_str).into_iter();
        let named = named.chain(self.own.editable.iter().map(String::as_str));
        let more = [own.id.name(), STATE, CONTROL, LOGIN_NAME, SHORT_NAME];
        let all: HashSet<&str> =
            named.chain(more).chain(state::attributes(&self.settings)).collect();
        all.into_iter().map(str::to_owned).collect()
    }

    /// A search for users.
    pub(super) fn users(&self, filter: String, most: usize) -> Search {
        Search {
            base: self.own.base.to_string(),
            scope: Scope::Subtree,
            filter: joined('&', &[self.own.filter.clone(), filter]),
            attributes: self.attributes(),
            most,
        }
    }

    /// The only entry that a search finds.
    pub(super) async fn only(
        &self,
        search: Search,
        now: Timestamp,
    ) -> Result<ManagedEntry, ManageError> {
        let (entries, is_cut) = self.search(Search { most: 2, ..search }).await?;
        match entries.as_slice() {
            [] => Err(ManageError::Missing),
            [entry] if !is_cut => self.managed(entry, now),
            _ => Err(ManageError::Ambiguous),
        }
    }

    /// What is told of an entry.
    pub(super) fn managed(
        &self,
        entry: &Entry,
        now: Timestamp,
    ) -> Result<ManagedEntry, ManageError> {
        let dn = inside(&entry.dn, &self.own.base)?;
        if self.is_of_doorward(&dn, entry) {
            return Err(ManageError::Missing);
        }
        let own = &self.settings.attributes;
        let id = id::subject(&own.id, entry).map_err(not_accepted)?;
        let state = state::of_entry(&self.settings, entry, now).map_err(not_accepted)?;
        let text = |name: &str| entry.text(name).map(str::to_owned);
        let username = text(&own.username).ok_or_else(|| {
            let problem = format!("the entry {} has no {}", entry.dn, own.username);
            ManageError::NotAccepted(problem)
        })?;
        let values = |name: &String| {
            let mut values: Vec<String> =
                entry.texts(name).into_iter().map(str::to_owned).collect();
            values.sort();
            (!values.is_empty()).then(|| (name.clone(), values))
        };
        Ok(ManagedEntry {
            id,
            dn: entry.dn.clone(),
            username,
            name: text(&own.name),
            email: text(&own.email),
            enabled: !state.is_disabled(),
            attributes: self.own.editable.iter().filter_map(values).collect(),
            state: text(STATE),
            flags: number(entry, CONTROL),
        })
    }

    /// Refuses a user name that an entry has, `but` the one of this name. The directory itself may
    /// allow two, and then nobody could sign in by it.
    pub(super) async fn check_is_free(
        &self,
        username: &str,
        but: Option<&str>,
    ) -> Result<(), ManageError> {
        let filter = equals(&self.settings.attributes.username, username);
        let (found, _) = self.search(self.users(filter, 2)).await?;
        if found.iter().all(|entry| Some(entry.dn.as_str()) == but) {
            return Ok(());
        }
        Err(ManageError::Exists)
    }

    /// The entry of this name as it is by now.
    pub(super) async fn again(
        &self,
        dn: &str,
        now: Timestamp,
    ) -> Result<ManagedEntry, ManageError> {
        let search = Search {
            base: dn.to_owned(),
            scope: Scope::Base,
            filter: self.own.filter.clone(),
            attributes: self.attributes(),
            most: 2,
        };
        self.only(search, now).await.map_err(|error| match error {
            ManageError::Missing => ManageError::NotAccepted(format!(
                "{dn} was written, but the filter of the table management does not find it"
            )),
            other => other,
        })
    }
}
