//! `doorward group …`: groups of users, and their members.

use clap::Subcommand;
use doorward_admin::ChangeEvent;
use doorward_protocol::ids::Sub;
use doorward_provider::{
    model::{
        group::{Group, GroupName, StoredGroup},
        time::SystemEntropy,
        user::User,
        user_query::UserOrder,
    },
    store::{AddedGroupMember, FoundMember},
    use_case::administration::groups::{GroupChangeError, add_group, replace_group},
};
use serde_json::{Value, json};

use super::{
    CommandContext, CommandError, DataArguments, PAGE, RowPrinter, SearchArguments, by_operator,
    confirm::Confirmation,
    done,
    list_option::{changed, values},
    print_object,
    user::claim,
};

/// What to do with groups.
#[derive(Debug, Subcommand)]
pub enum GroupCommand {
    /// List the groups.
    List(SearchArguments),
    /// Show what the members of a group get.
    Show {
        /// The group.
        name: GroupName,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Add a group.
    Add {
        /// Its name, in the claim groups: letters, digits, and . _ - : / between them.
        name: GroupName,
        #[command(flatten)]
        settings: GroupSettings,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Change what the members of a group get. Their next tokens have it.
    Set {
        /// The group.
        name: GroupName,
        #[command(flatten)]
        settings: GroupSettings,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Remove a group. Its members stay users.
    Remove {
        /// The group.
        name: GroupName,
        #[command(flatten)]
        confirmation: Confirmation,
        #[command(flatten)]
        data: DataArguments,
    },
    /// The members of a group.
    #[command(subcommand)]
    Member(MemberCommand),
}

/// What to do with the members of a group.
#[derive(Debug, Subcommand)]
pub enum MemberCommand {
    /// List the members by their subject identifiers, or by the beginning of a user name.
    List {
        /// The group.
        group: GroupName,
        #[command(flatten)]
        search: SearchArguments,
    },
    /// Make a user a member.
    Add {
        /// The group.
        group: GroupName,
        /// The user's name or sub.
        user: String,
        #[command(flatten)]
        data: DataArguments,
    },
    /// End a membership.
    Remove {
        /// The group.
        group: GroupName,
        /// The user's name or sub.
        user: String,
        #[command(flatten)]
        data: DataArguments,
    },
}

/// What a group has. What is not given stays.
#[derive(Debug, clap::Args)]
pub struct GroupSettings {
    /// What people call the group, if that is not its name. It is in no token. Empty: its name.
    #[arg(long)]
    display_name: Option<String>,
    /// What the group is for.
    #[arg(long)]
    description: Option<String>,
    /// The roles, in place of those that it has, separated by commas. Empty: none.
    #[arg(long)]
    roles: Option<String>,
    /// Add a role.
    #[arg(long, value_name = "ROLE")]
    add_role: Vec<String>,
    /// Take a role away.
    #[arg(long, value_name = "ROLE")]
    remove_role: Vec<String>,
    /// Set a claim: NAME=VALUE, where the value is JSON or text. May be given several times.
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    claims: Vec<String>,
    /// Remove a claim. May be given several times.
    #[arg(long, value_name = "NAME")]
    remove_claim: Vec<String>,
}

impl GroupSettings {
    pub(super) fn apply(&self, group: &mut Group) -> Result<(), CommandError> {
        if let Some(display_name) = &self.display_name {
            group.display_name = Some(display_name.clone()).filter(|text| !text.is_empty());
        }
        if let Some(description) = &self.description {
            group.description = Some(description.clone()).filter(|text| !text.is_empty());
        }
        let roles = match &self.roles {
            Some(roles) => values(std::slice::from_ref(roles)),
            None => group.roles.clone(),
        };
        group.roles = changed(roles, &values(&self.add_role), &values(&self.remove_role));
        for name in &self.remove_claim {
            group.claims.0.remove(name);
        }
        for assignment in &self.claims {
            let (name, value) = claim(assignment)?;
            group.claims.0.insert(name, value);
        }
        group.check().map_err(CommandError::refused)
    }
}

impl GroupCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List(search) => {
                list(&CommandContext::open(&search.data).await?, &search.prefix).await
            }
            Self::Show { name, data } => {
                let context = CommandContext::open(&data).await?;
                let found = find(&context, &name).await?;
                print_object(context.json, &described(&found.group));
                Ok(())
            }
            Self::Add { name, settings, data } => {
                add(&CommandContext::open(&data).await?, name, &settings).await
            }
            Self::Set { name, settings, data } => {
                set(&CommandContext::open(&data).await?, &name, &settings).await
            }
            Self::Remove { name, confirmation, data } => {
                remove(&CommandContext::open(&data).await?, &name, confirmation).await
            }
            Self::Member(command) => command.run().await,
        }
    }
}

impl MemberCommand {
    async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List { group, search } => {
                members(&CommandContext::open(&search.data).await?, &group, &search.prefix).await
            }
            Self::Add { group, user, data } => {
                join(&CommandContext::open(&data).await?, &group, &user).await
            }
            Self::Remove { group, user, data } => {
                leave(&CommandContext::open(&data).await?, &group, &user).await
            }
        }
    }
}

pub(super) fn missing(name: &GroupName) -> CommandError {
    CommandError::Missing(format!("there is no group {:?}", name.as_str()))
}

async fn find(context: &CommandContext, name: &GroupName) -> Result<StoredGroup, CommandError> {
    context.store.group(name).await?.ok_or_else(|| missing(name))
}

/// The columns of a list.
pub(super) const COLUMNS: &[&str] = &["name", "display_name", "roles", "description"];
/// The columns of a list of members.
pub(super) const MEMBER_COLUMNS: &[&str] = &["sub", "username"];

pub(super) fn described(group: &Group) -> Value {
    json!({
        "name": group.name, "display_name": group.display_name, "description": group.description,
        "roles": group.roles, "claims": group.claims,
    })
}

async fn list(context: &CommandContext, prefix: &str) -> Result<(), CommandError> {
    let mut printer = RowPrinter::new(context.json, COLUMNS);
    let mut after: Option<GroupName> = None;
    loop {
        let page = context.store.groups(prefix, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.group.name.clone());
        printer.print_page(&page.iter().map(|found| described(&found.group)).collect::<Vec<_>>());
    }
    printer.finish();
    Ok(())
}

async fn add(
    context: &CommandContext,
    name: GroupName,
    settings: &GroupSettings,
) -> Result<(), CommandError> {
    let mut group = Group::new(name);
    settings.apply(&mut group)?;
    let stored = StoredGroup::added(group.clone(), &SystemEntropy);
    add_group(&*context.store, stored).await.map_err(|error| refused(&group.name, error))?;
    let record = by_operator(ChangeEvent::GroupAdded).on("group", &group.name);
    context.audit(record.changing(None, Some(described(&group)))).await;
    tell(context.json, &group, "was added");
    Ok(())
}

fn refused(name: &GroupName, error: GroupChangeError) -> CommandError {
    match error {
        GroupChangeError::Store(error) => error.into(),
        error => CommandError::Missing(format!("the group {name}: {error}")),
    }
}

async fn set(
    context: &CommandContext,
    name: &GroupName,
    settings: &GroupSettings,
) -> Result<(), CommandError> {
    let stored = find(context, name).await?;
    let before = &stored.group;
    let mut group = before.clone();
    settings.apply(&mut group)?;
    refuse_nothing(group == *before)?;
    let changed = replace_group(&*context.store, &stored, group.clone()).await;
    changed.map_err(|error| refused(name, error))?;
    let record = by_operator(ChangeEvent::GroupChanged).on("group", name);
    context.audit(record.changing(Some(described(before)), Some(described(&group)))).await;
    tell(context.json, &group, "is changed");
    Ok(())
}

/// Refuses a change that changes nothing.
pub(super) fn refuse_nothing(nothing: bool) -> Result<(), CommandError> {
    if nothing {
        return Err(CommandError::refused("nothing is given to change: see group set --help"));
    }
    Ok(())
}

/// Says what was done to a group.
pub(super) fn tell(json: bool, group: &Group, what: &str) {
    done(json, &format!("The group {} {what}.", group.name), described(group));
}

async fn remove(
    context: &CommandContext,
    name: &GroupName,
    confirmation: Confirmation,
) -> Result<(), CommandError> {
    let before = find(context, name).await?.group;
    confirmation.ask(&removal_question(name))?;
    if !context.store.remove_group(name, None).await? {
        return Err(missing(name));
    }
    let record = by_operator(ChangeEvent::GroupRemoved).on("group", name);
    context.audit(record.changing(Some(described(&before)), None)).await;
    tell_removed(context.json, name);
    Ok(())
}

pub(super) fn removal_question(name: &GroupName) -> String {
    format!("Remove the group {name}?")
}

/// Says that a group is removed.
pub(super) fn tell_removed(json: bool, name: &GroupName) {
    done(json, &format!("The group {name} is removed."), json!({"name": name}));
}

async fn members(
    context: &CommandContext,
    group: &GroupName,
    prefix: &str,
) -> Result<(), CommandError> {
    find(context, group).await?;
    let mut printer = RowPrinter::new(context.json, MEMBER_COLUMNS);
    if !prefix.is_empty() {
        let (prefix, mut after) = (UserOrder::Username.normalized(prefix), None);
        loop {
            let store = &context.store;
            let page = store.find_group_members(group, &prefix, after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.cursor.clone());
            let row =
                |found: &FoundMember| json!({"sub": found.cursor.sub, "username": found.username});
            printer.print_page(&page.iter().map(row).collect::<Vec<_>>());
        }
        printer.finish();
        return Ok(());
    }
    let mut after = None;
    loop {
        let page = context.store.named_group_members(group, after.as_ref(), PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        let row = |(sub, username): &(Sub, _)| json!({"sub": sub, "username": username});
        printer.print_page(&page.iter().map(row).collect::<Vec<_>>());
    }
    printer.finish();
    Ok(())
}

async fn join(context: &CommandContext, group: &GroupName, user: &str) -> Result<(), CommandError> {
    let user = context.user(user).await?;
    let problem = match context.store.add_group_member(group, &user.sub).await? {
        AddedGroupMember::Added => None,
        AddedGroupMember::WasMember => Some("is a member already"),
        AddedGroupMember::TooMany => Some("is in as many groups as are allowed: 100"),
        AddedGroupMember::NoGroup => return Err(missing(group)),
        AddedGroupMember::NoUser => Some("is gone"),
    };
    if let Some(problem) = problem {
        return Err(CommandError::Missing(format!("the user {} {problem}", user.username)));
    }
    context
        .audit(by_operator(ChangeEvent::GroupMemberAdded).on("group", group).on_user(&user.sub))
        .await;
    tell_joined(context.json, group, &user);
    Ok(())
}

/// Says that a user is a member.
pub(super) fn tell_joined(json: bool, group: &GroupName, user: &User) {
    let sentence = format!("{} is a member of {group}.", user.username);
    done(json, &sentence, json!({"group": group, "sub": user.sub}));
}

async fn leave(
    context: &CommandContext,
    group: &GroupName,
    user: &str,
) -> Result<(), CommandError> {
    let user = context.user(user).await?;
    if !context.store.remove_group_member(group, &user.sub).await? {
        let problem = format!("the user {} is not a member of {group}", user.username);
        return Err(CommandError::Missing(problem));
    }
    context
        .audit(by_operator(ChangeEvent::GroupMemberRemoved).on("group", group).on_user(&user.sub))
        .await;
    tell_left(context.json, group, &user);
    Ok(())
}

/// Says that a membership has ended.
pub(super) fn tell_left(json: bool, group: &GroupName, user: &User) {
    let sentence = format!("{} is not a member of {group} any more.", user.username);
    done(json, &sentence, json!({"group": group, "sub": user.sub}));
}
