//! `doorward --server URL group …`.

use doorward_provider::model::group::{Group, GroupName};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    super::{
        CommandError, RowPrinter,
        group::{self, GroupCommand, GroupSettings, MemberCommand},
        print_object,
    },
    changes, open,
    user::find as find_user,
};
use crate::remote::{RemoteServer, ServerUrl};

pub async fn run(command: GroupCommand, server: &ServerUrl) -> Result<(), CommandError> {
    match command {
        GroupCommand::List(search) => {
            let mut server = open(server, &search.data)?;
            let printer = RowPrinter::new(server.json, group::COLUMNS);
            print_all(&mut server, &["groups"], &search.query(), printer, |group: Group| {
                group::described(&group)
            })
            .await
        }
        GroupCommand::Show { name, data } => {
            let mut server = open(server, &data)?;
            let (found, _) = find(&mut server, &name).await?;
            print_object(server.json, &group::described(&found));
            Ok(())
        }
        GroupCommand::Add { name, settings, data } => {
            let mut server = open(server, &data)?;
            let mut added = Group::new(name);
            settings.apply(&mut added)?;
            let body = group::described(&added);
            server.change(Method::POST, &["groups"], Some(body), None).await?;
            group::tell(server.json, &added, "was added");
            Ok(())
        }
        GroupCommand::Set { name, settings, data } => {
            set(&mut open(server, &data)?, &name, &settings).await
        }
        GroupCommand::Remove { name, confirmation, data } => {
            let mut server = open(server, &data)?;
            let (found, etag) = find(&mut server, &name).await?;
            confirmation.ask(&group::removal_question(&found.name))?;
            server.change(Method::DELETE, &["groups", &found.name], None, Some(&etag)).await?;
            group::tell_removed(server.json, &found.name);
            Ok(())
        }
        GroupCommand::Member(command) => run_member(command, server).await,
    }
}

async fn run_member(command: MemberCommand, server: &ServerUrl) -> Result<(), CommandError> {
    match command {
        MemberCommand::List { group, search } => {
            let mut server = open(server, &search.data)?;
            let printer = RowPrinter::new(server.json, group::MEMBER_COLUMNS);
            let (path, query) = (["groups", &*group, "members"], search.query());
            print_all(&mut server, &path, &query, printer, |row: Value| row).await
        }
        MemberCommand::Add { group, user, data } => {
            let mut server = open(server, &data)?;
            let (user, _) = find_user(&mut server, &user).await?;
            let path = ["groups", &*group, "members", &*user.sub];
            server.change(Method::PUT, &path, None, None).await?;
            group::tell_joined(server.json, &group, &user);
            Ok(())
        }
        MemberCommand::Remove { group, user, data } => {
            let mut server = open(server, &data)?;
            let (user, _) = find_user(&mut server, &user).await?;
            let path = ["groups", &*group, "members", &*user.sub];
            server.change(Method::DELETE, &path, None, None).await?;
            group::tell_left(server.json, &group, &user);
            Ok(())
        }
    }
}

/// Prints every row of a list.
pub async fn print_all<T: serde::de::DeserializeOwned>(
    server: &mut RemoteServer,
    path: &[&str],
    query: &[(&str, String)],
    mut printer: RowPrinter,
    row: impl Fn(T) -> Value,
) -> Result<(), CommandError> {
    let print = |rows: Vec<T>| {
        printer.print_page(&rows.into_iter().map(&row).collect::<Vec<_>>());
    };
    all_rows(server, path, query, print).await?;
    printer.finish();
    Ok(())
}

/// Passes all rows of a list on, a page at a time.
pub async fn all_rows<T: serde::de::DeserializeOwned>(
    server: &mut RemoteServer,
    path: &[&str],
    query: &[(&str, String)],
    mut each_page: impl FnMut(Vec<T>),
) -> Result<(), CommandError> {
    let mut after = None;
    loop {
        let page = server.page::<T>(path, query, after.as_deref()).await?;
        each_page(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

async fn find(
    server: &mut RemoteServer,
    name: &GroupName,
) -> Result<(Group, String), CommandError> {
    let answer = server.find(&["groups", name]).await?.ok_or_else(|| group::missing(name))?;
    let etag = answer.etag.clone().unwrap_or_default();
    Ok((answer.read()?, etag))
}

async fn set(
    server: &mut RemoteServer,
    name: &GroupName,
    settings: &GroupSettings,
) -> Result<(), CommandError> {
    let (before, etag) = find(server, name).await?;
    let mut after = before.clone();
    settings.apply(&mut after)?;
    group::refuse_nothing(after == before)?;
    let body = json!({
        // An empty text takes them away.
        "display_name": after.display_name.clone().unwrap_or_default(),
        "description": after.description.clone().unwrap_or_default(),
        "roles": after.roles,
        "claims": changes(&before.claims.0, &after.claims.0),
    });
    server.change(Method::PATCH, &["groups", name], Some(body), Some(&etag)).await?;
    group::tell(server.json, &after, "is changed");
    Ok(())
}
