//! `doorward --server URL grant …`.

use reqwest::Method;
use serde_json::Value;

use super::{
    super::{
        CommandError, RowPrinter,
        grant::{self, GrantCommand},
    },
    group::print_all,
    open,
    user::find,
};
use crate::remote::ServerUrl;

pub async fn run(command: GrantCommand, server: &ServerUrl) -> Result<(), CommandError> {
    match command {
        GrantCommand::List { user, data } => {
            let mut server = open(server, &data)?;
            let (user, _) = find(&mut server, &user).await?;
            let printer = RowPrinter::new(server.json, grant::COLUMNS);
            print_all(&mut server, &["users", &user.sub, "grants"], &[], printer, |row: Value| row)
                .await
        }
        GrantCommand::Revoke { user, client_id, data } => {
            let mut server = open(server, &data)?;
            let (user, _) = find(&mut server, &user).await?;
            let path = ["users", &*user.sub, "grants", &*client_id];
            server.change(Method::DELETE, &path, None, None).await?;
            grant::tell_revoked(server.json, &user, &client_id);
            Ok(())
        }
    }
}
