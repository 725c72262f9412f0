//! `doorward --server URL admin …`.

use doorward_admin::AdminRole;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    super::{
        CommandError, RowPrinter,
        admin::{self, AdminCommand},
    },
    group::print_all,
    open,
    user::{UserView, find, invite},
};
use crate::remote::{RemoteServer, ServerUrl};

pub async fn run(command: AdminCommand, server: &ServerUrl) -> Result<(), CommandError> {
    match command {
        AdminCommand::List(data) => list(&mut open(server, &data)?).await,
        AdminCommand::Invite { role, invite: whom } => {
            invite(&mut open(server, &whom.data)?, &whom, Some(role)).await
        }
        AdminCommand::Grant { user, role, data } => {
            set(&mut open(server, &data)?, &user, Some(role)).await
        }
        AdminCommand::Revoke { user, data } => set(&mut open(server, &data)?, &user, None).await,
    }
}

async fn list(server: &mut RemoteServer) -> Result<(), CommandError> {
    let printer = RowPrinter::new(server.json, admin::COLUMNS);
    let query = [("filter", "administrators".to_owned())];
    let row = |user: Value| {
        json!({
            "username": user["username"], "sub": user["sub"], "enabled": user["enabled"],
            "admin_role": user["admin_role"],
        })
    };
    print_all(server, &["users"], &query, printer, row).await
}

async fn set(
    server: &mut RemoteServer,
    name: &str,
    role: Option<AdminRole>,
) -> Result<(), CommandError> {
    let (before, etag) = find(server, name).await?;
    let body = json!({"role": role.map(AdminRole::name)});
    let path = ["users", &*before.sub, "admin-role"];
    let changed = server.change(Method::PUT, &path, Some(body), Some(&etag)).await?;
    admin::tell(server.json, &changed.read::<UserView>()?.into(), role);
    Ok(())
}
