//! Groups of users.

use async_trait::async_trait;
use doorward_protocol::ids::Sub;

use crate::{
    model::{
        group::{Group, GroupName, StoredGroup},
        user_query::UserCursor,
    },
    store::StoreError,
};

/// The tables of groups and of their members.
#[async_trait]
pub trait Groups: Send + Sync + 'static {
    /// Adds a group at its version; `false`, and nothing is added, if its name is taken. Nobody is
    /// a member of it: memberships that are left of a removed group of this name are removed
    /// before.
    async fn add_group(&self, group: StoredGroup) -> Result<bool, StoreError>;
    /// Replaces a group. Returns `false`, and changes nothing, if it is gone or has another version
    /// by now.
    async fn replace_group(&self, group: Group, version: i64) -> Result<bool, StoreError>;
    /// Removes a group, and then its memberships in pages. Returns `false`, and removes nothing, if
    /// it is gone or does not have this version by now. After an error it can be repeated.
    async fn remove_group(
        &self,
        name: &GroupName,
        version: Option<i64>,
    ) -> Result<bool, StoreError>;
    /// The group of this name.
    async fn group(&self, name: &GroupName) -> Result<Option<StoredGroup>, StoreError>;
    /// At most `limit` groups whose names begin so, in their order, from the one after `after` on.
    async fn groups(
        &self,
        prefix: &str,
        after: Option<&GroupName>,
        limit: u32,
    ) -> Result<Vec<StoredGroup>, StoreError>;
    /// Makes a user a member.
    async fn add_group_member(
        &self,
        name: &GroupName,
        sub: &Sub,
    ) -> Result<AddedGroupMember, StoreError>;
    /// Ends a membership; `false` if there was none.
    async fn remove_group_member(&self, name: &GroupName, sub: &Sub) -> Result<bool, StoreError>;
    /// The groups that people call so, in the form of
    /// [`Group::display_key`](crate::model::group::Group::display_key), and those whose name is so
    /// without regard to its case: at most `limit` of them, in the order of their names.
    async fn groups_shown_as(&self, key: &str, limit: u32) -> Result<Vec<StoredGroup>, StoreError>;
    /// How many groups there are. Reads an index as a whole.
    async fn count_groups(&self) -> Result<u64, StoreError>;
    /// The name of the group at this position in the order of their names, counted from 0. Reads
    /// the index up to it.
    async fn group_at(&self, position: u64) -> Result<Option<GroupName>, StoreError>;
    /// Changes what a group is, ends memberships, and makes users members: all of it or nothing.
    /// Whom it names twice, or who is a member already or is none, changes nothing. The version of
    /// the group is one more then.
    async fn change_group(&self, change: GroupChange) -> Result<ChangedGroup, StoreError>;
    /// At most `limit` members in the order of their subject identifiers, from the one after
    /// `after` on.
    async fn group_members(
        &self,
        name: &GroupName,
        after: Option<&Sub>,
        limit: u32,
    ) -> Result<Vec<Sub>, StoreError>;
    /// The same, each with what the user signs in with; `None` if there is no such user any more.
    async fn named_group_members(
        &self,
        name: &GroupName,
        after: Option<&Sub>,
        limit: u32,
    ) -> Result<Vec<(Sub, Option<String>)>, StoreError>;
    /// At most `limit` members whose user names begin so, in the order of the names, from the one
    /// after `after` on. The prefix has the form in which user names are compared.
    async fn find_group_members(
        &self,
        name: &GroupName,
        prefix: &str,
        after: Option<&UserCursor>,
        limit: u32,
    ) -> Result<Vec<FoundMember>, StoreError>;
}

/// A member who was found by the user name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundMember {
    /// What the user signs in with.
    pub username: String,
    /// Where the search goes on after this member, with the subject identifier.
    pub cursor: UserCursor,
}

/// What becomes of a group: as much as one transaction should hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupChange {
    /// The group.
    pub name: GroupName,
    /// The version of the group that it is about; `None`: any.
    pub version: Option<i64>,
    /// What it is from now on, and nobody else is called so; `None`: as it is. It has the same
    /// name.
    pub group: Option<Group>,
    /// Who is not a member any more.
    pub removed: Vec<Sub>,
    /// Who is a member from now on.
    pub added: Vec<Sub>,
}

impl GroupChange {
    /// Nothing becomes of this group.
    pub fn of(name: GroupName) -> Self {
        Self { name, version: None, group: None, removed: Vec::new(), added: Vec::new() }
    }
}

/// What became of a [`GroupChange`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangedGroup {
    /// It is made.
    Changed,
    /// The group has another version by now.
    Stale,
    /// There is no such group.
    NoGroup,
    /// Another group is called so: see [`Groups::groups_shown_as`].
    SameName,
    /// One who should join is not a user.
    NoUser,
    /// One who should join is in as many groups as are allowed:
    /// [`MOST_PER_USER`](crate::model::group::MOST_PER_USER).
    TooMany,
}

/// What became of a new membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddedGroupMember {
    /// The user is a member now.
    Added,
    /// The user was a member already.
    WasMember,
    /// There is no such group.
    NoGroup,
    /// There is no such user.
    NoUser,
    /// The user is in as many groups as are allowed:
    /// [`MOST_PER_USER`](crate::model::group::MOST_PER_USER).
    TooMany,
}
