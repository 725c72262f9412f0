//! `doorward --server URL keys …`.

use reqwest::Method;
use serde::Deserialize;

use super::{
    super::{
        CommandError,
        keys::{self, KeyLine, KeysCommand},
        print_rows,
    },
    not_from_elsewhere, open,
};
use crate::remote::{Page, ServerUrl};

/// When new keys take over.
#[derive(Deserialize)]
struct Rotated {
    takes_over: i64,
}

pub async fn run(command: KeysCommand, server: &ServerUrl) -> Result<(), CommandError> {
    match command {
        KeysCommand::List(data) => {
            let mut server = open(server, &data)?;
            let page: Page<KeyLine> = server.get(&["keys"]).await?.read()?;
            let rows: Vec<_> = page.items.iter().map(KeyLine::to_value).collect();
            print_rows(server.json, keys::COLUMNS, &rows);
            Ok(())
        }
        KeysCommand::Rotate(data) => {
            let mut server = open(server, &data)?;
            let answer = server.change(Method::POST, &["keys"], None, None).await?;
            keys::tell_rotated(server.json, answer.read::<Rotated>()?.takes_over);
            Ok(())
        }
        KeysCommand::Retire { kid, replace, data } => {
            let mut server = open(server, &data)?;
            let query: &[_] = if replace { &[("replace", "true")] } else { &[] };
            server.remove(&["keys", &kid], query).await?;
            keys::tell_retired(server.json, &kid);
            Ok(())
        }
        KeysCommand::Rekey { .. } => Err(not_from_elsewhere()),
    }
}
