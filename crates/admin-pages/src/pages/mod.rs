//! The pages, a file for each, and what is around them.

mod client;
mod clients;
mod configuration;
mod directory;
mod events;
mod frame;
mod group;
mod groups;
mod identity_provider;
mod identity_providers;
mod invitations;
mod keys;
mod new_identity_provider;
mod new_user;
mod outbox;
mod overview;
mod registered;
mod resources;
mod user;
mod users;

use doorward_admin::Operation;
use leptos::prelude::*;

#[cfg(target_arch = "wasm32")]
pub use self::frame::App;
use crate::{
    route::Route,
    session::Session,
    texts::Texts,
    ui::{self, alert},
};

/// The pages of the navigation, with their names and what it takes to see them.
pub fn navigation(t: &'static Texts) -> [(Route, &'static str, Operation); 12] {
    [
        (Route::Overview, t.overview, Operation::Overview),
        (Route::Users, t.users, Operation::ListUsers),
        (Route::Invitations, t.invitations, Operation::ListInvitations),
        (Route::Groups, t.groups, Operation::ListGroups),
        (Route::Directories, t.directories, Operation::ListDirectories),
        (Route::Clients, t.clients, Operation::ListClients),
        (Route::IdentityProviders, t.identity_providers, Operation::ListIdentityProviders),
        (Route::Resources, t.resources, Operation::ListResources),
        (Route::Keys, t.keys, Operation::ListKeys),
        (Route::Outbox, t.outbox, Operation::ListMails),
        (Route::Events(String::new()), t.events, Operation::ListEvents),
        (Route::Configuration, t.configuration, Operation::ReadConfiguration),
    ]
}

/// The page at a route.
pub fn page(session: Session, route: Route) -> AnyView {
    let t = session.texts;
    let section = route.section();
    let entry = navigation(t).into_iter().find(|(own, ..)| *own == section);
    // Rights that go while the page is open take what is on it away.
    let is_offered = Memo::new(move |_| {
        entry.as_ref().is_some_and(|(.., operation)| session.offers(*operation))
    });
    let is_known = navigation(t).iter().any(|(own, ..)| *own == section);
    if !is_known {
        return view! { {ui::heading(t.no_page, ui::nothing())} <p>{t.no_page_text}</p> }
            .into_any();
    }
    let content = move || {
        if !is_offered.get() {
            return view! { {ui::heading(t.not_yours, ui::nothing())} {alert("", t.not_yours_text)} }
                .into_any();
        }
        // A page follows what it reads by itself.
        untrack(|| match route.clone() {
            Route::Overview => overview::page(session),
            Route::Users => users::page(session),
            Route::NewUser => new_user::page(session),
            Route::User(sub) => user::page(session, sub),
            Route::Invitations => invitations::page(session),
            Route::Groups => groups::page(session),
            Route::Group(group) => group::page(session, group),
            Route::Directories => directory::all(session),
            Route::Directory(name) => directory::page(session, name),
            Route::NewDirectoryUser(name) => directory::new_user::page(session, name),
            Route::DirectoryUser(name, id) => directory::user::page(session, name, id),
            Route::Clients => clients::page(session),
            Route::Client(client_id) => client::page(session, client_id),
            Route::RegisteredClients => registered::page(session),
            Route::IdentityProviders => identity_providers::page(session),
            Route::NewIdentityProvider => new_identity_provider::page(session),
            Route::IdentityProvider(name) => identity_provider::page(session, name),
            Route::Resources => resources::page(session),
            Route::Keys => keys::page(session),
            Route::Outbox => outbox::page(session),
            Route::Events(query) => events::page(session, &query),
            Route::Configuration => configuration::page(session),
            Route::SignedIn | Route::Missing => ui::nothing(),
        })
    };
    content.into_any()
}
