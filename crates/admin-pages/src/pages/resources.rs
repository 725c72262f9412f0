//! Identity resources, APIs and scopes, as the configuration defines them.

use doorward_admin::{
    Operation,
    types::resources::{ResourcesView, ScopeView},
};
use leptos::prelude::*;

use crate::{
    api::Call,
    session::Session,
    ui::{self, alert, card, mono, nothing, object::Object, or_dash, plain, table},
};

/// The page.
pub fn page(session: Session) -> AnyView {
    let t = session.texts;
    let call = Call::new(Operation::ListResources, &[]);
    let body = Object::<ResourcesView>::new(session, call).view(move |read| {
        let view = read.value;
        let list = |texts: Vec<String>| or_dash(Some(texts.join(", ")));
        let apis = view.api_resources.into_iter().map(|api| {
            vec![mono(api.name), plain(api.display_name), list(api.scopes), list(api.user_claims)]
        });
        let identities = view.identity_resources.into_iter().map(|resource| {
            vec![mono(resource.name), plain(resource.display_name), list(resource.user_claims)]
        });
        let scopes = view.api_scopes.into_iter().map(|scope| {
            let ScopeView { name, display_name, description, .. } = scope;
            vec![mono(name), plain(display_name), or_dash(description)]
        });
        let apis = table(t.apis, t.api_columns, apis.collect());
        let identities = table(t.identity_resources, t.identity_columns, identities.collect());
        let scopes = table(t.scopes, t.scope_columns, scopes.collect());
        view! {
            {alert("alert-info", view.read_only)}
            {card(t.apis, nothing(), apis)}
            {card(t.scopes, nothing(), scopes)}
            {card(t.identity_resources, nothing(), identities)}
        }
        .into_any()
    });
    view! { {ui::heading(t.resources, nothing())} {body} }.into_any()
}
