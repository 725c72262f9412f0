//! `doorward admin …`: who may administer by the API. The commands themselves need no role: whoever
//! can open the database may do everything.

use clap::Subcommand;
use doorward_admin::{AdminRole, ChangeEvent};
use doorward_provider::model::{
    user::{ADMIN_ROLE_CLAIM, User},
    user_query::{UserFilter, UserOrder, UserQuery},
};
use serde_json::{Map, Value, json};

use super::{
    ChangedUser, CommandContext, CommandError, DataArguments, PAGE, RowPrinter, by_operator, done,
    user::invite::Invite,
};
use crate::provider::configured::audited;

/// What to do with people who administer.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// List the users who have a role in the administration.
    List(DataArguments),
    /// Invite somebody to make an account that administers: the first owner, for example.
    Invite {
        /// What they may do: owner, admin, helpdesk or auditor.
        #[arg(long = "as", value_name = "ROLE", default_value = "owner", value_parser = role)]
        role: AdminRole,
        #[command(flatten)]
        invite: Box<Invite>,
    },
    /// Give a user a role in the administration, in place of the one that is there.
    Grant {
        /// The user, by name or sub.
        user: String,
        /// What they may do: owner, admin, helpdesk or auditor.
        #[arg(value_parser = role)]
        role: AdminRole,
        #[command(flatten)]
        data: DataArguments,
    },
    /// Take a user's role in the administration. The last owner keeps it.
    Revoke {
        /// The user, by name or sub.
        user: String,
        #[command(flatten)]
        data: DataArguments,
    },
}

fn role(name: &str) -> Result<AdminRole, &'static str> {
    AdminRole::parse(name).ok_or("give owner, admin, helpdesk or auditor")
}

impl AdminCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::List(data) => list(&CommandContext::open(&data).await?).await,
            Self::Invite { role, invite } => {
                let claim = (ADMIN_ROLE_CLAIM.to_owned(), Value::from(role.name()));
                invite.run(Map::from_iter([claim])).await
            }
            Self::Grant { user, role, data } => {
                set(&CommandContext::open(&data).await?, &user, Some(role)).await
            }
            Self::Revoke { user, data } => {
                set(&CommandContext::open(&data).await?, &user, None).await
            }
        }
    }
}

/// The columns of a list.
pub(super) const COLUMNS: &[&str] = &["username", "sub", "enabled", "admin_role"];

async fn list(context: &CommandContext) -> Result<(), CommandError> {
    let mut printer = RowPrinter::new(context.json, COLUMNS);
    let query = UserQuery {
        order: UserOrder::Username,
        prefix: String::new(),
        filter: UserFilter::Administrators,
    };
    let mut after = None;
    loop {
        let page = context.store.find_users(&query, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.cursor.clone());
        let rows = page.iter().map(|found| described(&found.user));
        printer.print_page(&rows.collect::<Vec<_>>());
    }
    printer.finish();
    Ok(())
}

pub(super) fn described(user: &User) -> Value {
    json!({
        "username": user.username, "sub": user.sub, "enabled": user.enabled,
        "admin_role": user.admin_role(),
    })
}

async fn set(
    context: &CommandContext,
    name: &str,
    role: Option<AdminRole>,
) -> Result<(), CommandError> {
    let ChangedUser { before, after: user } = context
        .change_user(name, |user| {
            let claims = user.claims_mut();
            match role {
                Some(role) => {
                    drop(claims.insert(ADMIN_ROLE_CLAIM.to_owned(), role.name().into()));
                }
                None => drop(claims.remove(ADMIN_ROLE_CLAIM)),
            }
            Ok(())
        })
        .await?;
    let record = by_operator(ChangeEvent::AdminRoleChanged).on_user(&user.sub);
    context.audit(record.changing(Some(audited(&before)), Some(audited(&user)))).await;
    tell(context.json, &user, role);
    Ok(())
}

/// Says which role a user has now.
pub(super) fn tell(json: bool, user: &User, role: Option<AdminRole>) {
    let sentence = match role {
        Some(role) => format!("The user {} has the role {}.", user.username, role.name()),
        None => format!("The user {} has no role in the administration.", user.username),
    };
    done(json, &sentence, described(user));
}
