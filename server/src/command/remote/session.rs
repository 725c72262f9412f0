//! `doorward --server URL session …`.

use reqwest::Method;
use serde::Deserialize;

use super::{
    super::{
        CommandError, RowPrinter,
        session::{self, SessionCommand, SessionLine},
    },
    group::print_all,
    open,
    user::find,
};
use crate::remote::ServerUrl;

/// How many sessions ended.
#[derive(Deserialize)]
struct Ended {
    ended: u64,
}

pub async fn run(command: SessionCommand, server: &ServerUrl) -> Result<(), CommandError> {
    match command {
        SessionCommand::List { user, data } => {
            let mut server = open(server, &data)?;
            let (user, _) = find(&mut server, &user).await?;
            let printer = RowPrinter::new(server.json, session::COLUMNS);
            let path = ["users", &*user.sub, "sessions"];
            print_all(&mut server, &path, &[], printer, |line: SessionLine| line.to_value()).await
        }
        SessionCommand::End { user, sid, confirmation, data } => {
            let mut server = open(server, &data)?;
            let (user, _) = find(&mut server, &user).await?;
            let mut path = vec!["users", &*user.sub, "sessions"];
            let ended = if let Some(sid) = &sid {
                path.push(sid);
                server.change(Method::DELETE, &path, None, None).await?;
                1
            } else {
                confirmation.ask(&session::end_question(&user))?;
                let answer = server.change(Method::DELETE, &path, None, None).await?;
                answer.read::<Ended>()?.ended
            };
            session::tell_ended(server.json, &user, ended);
            Ok(())
        }
    }
}
