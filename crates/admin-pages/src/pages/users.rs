//! The list of users: found by the beginning of a name or an address, filtered, in pages.

use doorward_admin::{Operation, types::users::UserRow};
use leptos::prelude::*;

use crate::{
    api::Call,
    route::{Route, query},
    session::Session,
    ui::{self, badge, form::select, link, list::List, nothing, or_dash, search::search_field},
};

/// The page.
pub fn page(session: Session) -> AnyView {
    let t = session.texts;
    let prefix = RwSignal::new(String::new());
    let sort = RwSignal::new("username".to_owned());
    let filter = RwSignal::new("all".to_owned());
    let list = List::<UserRow>::new(session, move || {
        let filter = filter.get();
        // Few users meet these filters, and they are sorted by user name only.
        let sort = if ["disabled", "administrators"].contains(&&*filter) {
            "username".to_owned()
        } else {
            sort.get()
        };
        let query = query(&[("prefix", &prefix.get()), ("sort", &sort), ("filter", &filter)]);
        Call::new(Operation::ListUsers, &[]).query(&query)
    });
    let options = |names: [(&str, &str); 3]| {
        names.map(|(name, label)| (name.to_owned(), label.to_owned())).to_vec()
    };
    let sorts = options([("username", t.username), ("email", t.email), ("name", t.full_name)]);
    let mut filters = options([
        ("all", t.all_users),
        ("enabled", t.enabled_users),
        ("disabled", t.disabled_users),
    ]);
    filters.push(("administrators".to_owned(), t.administrators.to_owned()));
    let actions = move || {
        let add = session
            .offers(Operation::CreateUser)
            .then(|| link(session, Route::NewUser, "btn btn-primary", t.add_user));
        let invite = session
            .offers(Operation::CreateInvitation)
            .then(|| link(session, Route::Invitations, "btn", t.invite));
        view! { {invite} {add} }
    };
    let table = list
        .searched(prefix)
        .table(t.users, t.user_columns, t.no_users, move |user| row(session, user));
    view! {
        {ui::heading(t.users, actions.into_any())}
        <section class="card stack admin-card">
            <div class="filters" role="search">
                {search_field("user-search", t.search_users, None, prefix)}
                {select("user-sort", t.sorted_by, sorts, sort)}
                {select("user-filter", t.shown_are, filters, filter)}
            </div>
            {table}
        </section>
    }
    .into_any()
}

fn row(session: Session, user: UserRow) -> Vec<AnyView> {
    let t = session.texts;
    let role = user.admin_role.map(|role| badge("", t.role_name(&role)));
    let state = if user.enabled { nothing() } else { badge("badge-no", t.disabled) };
    vec![
        link(session, Route::User(user.sub), "strong-link", user.username),
        or_dash(user.name),
        or_dash(user.email),
        view! { <span class="row">{role} {state}</span> }.into_any(),
    ]
}
