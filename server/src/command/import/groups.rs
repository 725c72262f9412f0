//! Groups: added where they are not there.

use std::collections::HashMap;

use doorward_admin::ChangeEvent;
use doorward_provider::{
    model::{
        group::{GroupName, StoredGroup, name_made_apart},
        time::SystemEntropy,
    },
    use_case::administration::groups::{self, GroupChangeError},
};

use super::{CommandContext, CommandError, ImportArguments, by_operator, outcome::Outcome};
use crate::import::{ForeignGroup, RefusedGroup};

/// How many groups are looked at that may be called like another one. One of them is, and the
/// others have a name of these letters.
const MOST_SHOWN_SO: u32 = 20;

/// The groups here, by their paths in the export. `None`: it is not taken over.
pub(super) type Groups = HashMap<String, Option<GroupName>>;

impl ImportArguments {
    /// Adds the groups that are not there. Returns what became of each.
    pub(super) async fn take_over_groups(
        &self,
        context: &CommandContext,
        groups: Vec<Result<ForeignGroup, RefusedGroup>>,
        outcome: &mut Outcome,
    ) -> Result<Groups, CommandError> {
        let (mut all, mut shown) = (Groups::new(), HashMap::new());
        for group in groups {
            let (path, taken) = match group {
                Err(RefusedGroup { path, problem }) => (path, Err(problem)),
                Ok(group) => {
                    let path = group.path.clone();
                    (path, self.take_over_group(context, group, &mut shown, outcome).await?)
                }
            };
            match taken {
                Ok(name) => drop(all.insert(path, Some(name))),
                Err(problem) => {
                    outcome.groups.refused += 1;
                    outcome.say(problem);
                    all.entry(path).or_default();
                }
            }
        }
        Ok(all)
    }

    /// Adds a group that is not there. Returns its name here, or why nobody can be a member of it.
    /// `shown` are those of this import, by what people call them.
    async fn take_over_group(
        &self,
        context: &CommandContext,
        ForeignGroup { path, mut group, left }: ForeignGroup,
        shown: &mut HashMap<String, GroupName>,
        outcome: &mut Outcome,
    ) -> Result<Result<GroupName, String>, CommandError> {
        let store = &context.store;
        // Who joins the group of somebody else gets its roles.
        let is_other = |own: &StoredGroup| own.group.shown_name() != path;
        let other = |own: &StoredGroup| {
            let (name, called) = (&own.group.name, own.group.shown_name());
            Ok(Err(format!(
                "the group {path}: there is a group {name} here, which people call {called}. It \
                 may be another one, so nobody becomes a member of it"
            )))
        };
        let mut stored = store.group(&group.name).await?;
        // Two groups there are two groups here, whatever their names have in common.
        let is_second = shown.values().any(|name| *name == group.name);
        if is_second || stored.as_ref().is_some_and(is_other) {
            let name = name_made_apart(&path).map_err(CommandError::refused)?;
            let apart = store.group(&name).await?;
            if let (None, false, Some(stored)) = (&apart, is_second, &stored) {
                return other(stored);
            }
            group.name = name;
            group.display_name = Some(path.clone());
            stored = apart;
        }
        let (name, key) = (group.name.clone(), group.display_key());
        if let Some(stored) = stored {
            if is_other(&stored) {
                return other(&stored);
            }
            outcome.groups.present += 1;
        } else {
            let same = store.groups_shown_as(&key, MOST_SHOWN_SO).await?;
            let same = same.into_iter().map(|own| own.group);
            let mut same = same.filter(|own| own.display_key() == key).map(|own| own.name);
            if let Some(same) = shown.get(&key).cloned().or_else(|| same.next()) {
                return Ok(Err(format!(
                    "the group {path}: people call the group {same} so already. Give one of them \
                     another name"
                )));
            }
            if !self.dry_run {
                let added = StoredGroup::added(group, &SystemEntropy);
                match groups::add_group(&**store, added).await {
                    Ok(_) => {
                        let record = by_operator(ChangeEvent::GroupAdded).on("group", &name);
                        context.audit(record).await;
                    }
                    Err(GroupChangeError::Store(error)) => return Err(error.into()),
                    Err(problem) => return Ok(Err(format!("the group {path}: {problem}"))),
                }
            }
            outcome.groups.added += 1;
            for what in left {
                outcome.say(format!("left behind of the group {path}: {what}"));
            }
        }
        shown.insert(key, name.clone());
        Ok(Ok(name))
    }
}
