//! Groups: how they are found, and by what they list their members.

use doorward_provider::use_case::directory_management::{
    DirectoryGroup, Found as Read, ManageError, ManagedEntry,
};
use ldap3::Scope;

use super::{Manager, inside};
use crate::{connection::Search, id, settings::ManagedGroups, template::joined};

impl Manager {
    pub(super) fn managed_groups(&self) -> Result<&ManagedGroups, ManageError> {
        self.own.groups.as_ref().ok_or(ManageError::NoGroups)
    }

    /// Groups that a filter finds, sorted by name.
    pub(super) async fn groups_by(
        &self,
        filter: Option<String>,
        most: usize,
    ) -> Result<Read<DirectoryGroup>, ManageError> {
        let groups = self.managed_groups()?;
        let filters: Vec<String> =
            [Some(groups.filter.clone()), filter].into_iter().flatten().collect();
        let search = Search {
            base: groups.base.to_string(),
            scope: Scope::Subtree,
            filter: joined('&', &filters),
            attributes: vec![groups.name.clone(), self.settings.attributes.id.name().to_owned()],
            most,
        };
        let (entries, is_cut) = self.search(search).await?;
        // One that has no name or no identifier can't be named by anybody.
        let named = entries.iter().filter_map(|entry| {
            inside(&entry.dn, &groups.base).ok()?;
            let id = id::subject(&self.settings.attributes.id, entry).ok()?;
            let name = entry.text(&groups.name)?.to_owned();
            Some(DirectoryGroup { id, dn: entry.dn.clone(), name })
        });
        let mut items: Vec<DirectoryGroup> = named.collect();
        items.sort_by_cached_key(|group| (group.name.to_lowercase(), group.id.clone()));
        Ok(Read { items, is_cut })
    }

    pub(super) async fn only_group(&self, filter: String) -> Result<DirectoryGroup, ManageError> {
        let mut found = self.groups_by(Some(filter), 2).await?;
        match (found.items.pop(), found.items.is_empty()) {
            (None, _) => Err(ManageError::Missing),
            (Some(group), true) => Ok(group),
            (Some(_), false) => Err(ManageError::Ambiguous),
        }
    }
}

/// By what a group lists a member.
pub(super) fn member_value<'a>(groups: &ManagedGroups, entry: &'a ManagedEntry) -> &'a str {
    if groups.lists_names() { &entry.username } else { &entry.dn }
}
