//! Directories whose users are managed, and the users of one of them.

mod fields;
pub mod new_user;
pub mod user;

use doorward_admin::{
    Operation,
    types::directories::{DirectoryRow, DirectoryUserRow},
};
use leptos::prelude::*;

use crate::{
    api::Call,
    route::{Route, query},
    session::Session,
    ui::{self, badge, link, list::List, mono, nothing, or_dash, search::search_field},
};

/// The page with all of them.
pub fn all(session: Session) -> AnyView {
    let t = session.texts;
    let list = List::<DirectoryRow>::new(session, || Call::new(Operation::ListDirectories, &[]));
    let table = list.table(t.directories, t.directory_columns, t.no_directories, move |row| {
        vec![
            link(session, Route::Directory(row.name.clone()), "strong-link", row.name),
            mono(row.base),
        ]
    });
    view! {
        {ui::heading(t.directories, nothing())}
        <section class="card admin-card">{table}</section>
    }
    .into_any()
}

/// The page of one of them: its users, found by the beginning of a name.
pub fn page(session: Session, name: String) -> AnyView {
    let t = session.texts;
    let prefix = RwSignal::new(String::new());
    let directory = StoredValue::new(name.clone());
    let list = List::<DirectoryUserRow>::new(session, move || {
        let query = query(&[("prefix", &prefix.get())]);
        Call::new(Operation::ListDirectoryUsers, &[&directory.get_value()]).query(&query)
    });
    let actions = move || {
        session.offers(Operation::CreateDirectoryUser).then(|| {
            let add = Route::NewDirectoryUser(directory.get_value());
            link(session, add, "btn btn-primary", t.add_user)
        })
    };
    let (columns, hint) = (t.user_columns, Some(t.directory_search_hint));
    let table = list.searched(prefix).table(t.users, columns, t.no_users, move |user| {
        let state = if user.enabled { nothing() } else { badge("badge-no", t.disabled) };
        let route = Route::DirectoryUser(directory.get_value(), user.id);
        vec![
            link(session, route, "strong-link", user.username),
            or_dash(user.name),
            or_dash(user.email),
            view! { <span class="row">{state}</span> }.into_any(),
        ]
    });
    view! {
        {link(session, Route::Directories, "back-link", t.directories)}
        {ui::heading(name, actions.into_any())}
        <section class="card stack admin-card">
            <div role="search">
                {search_field("directory-search", t.search_users, hint, prefix)}
            </div>
            {table}
        </section>
    }
    .into_any()
}
