//! All groups, and a new one.

use doorward_admin::{
    Operation,
    types::groups::{GroupView, NewGroup},
};
use doorward_leptos::boxed_effect;
use doorward_protocol::account::GroupName;
use leptos::prelude::*;
use serde_json::{Map, Value};

use crate::{
    api::{Answer, Call},
    route::{Route, query},
    session::Session,
    ui::{
        self, button,
        claims::claims,
        dialog::Dialog,
        form::{Field, Form, Part, form, lines},
        link,
        list::List,
        or_dash,
        search::search,
    },
};

/// The page.
pub fn page(session: Session) -> AnyView {
    let t = session.texts;
    let prefix = RwSignal::new(String::new());
    let list = List::<GroupView>::new(session, move || {
        Call::new(Operation::ListGroups, &[]).query(&query(&[("prefix", &prefix.get())]))
    });
    let adding = RwSignal::new(false);
    boxed_effect(move || {
        if session.offers(Operation::CreateGroup) && session.resumes("add-group") {
            adding.set(true);
        }
    });
    let table = list.searched(prefix).table(t.groups, t.group_columns, t.no_groups, move |group| {
        vec![
            link(session, Route::Group(group.name.clone()), "strong-link", group.name),
            or_dash(group.display_name),
            or_dash(group.description),
            or_dash(Some(group.roles.join(", "))),
        ]
    });
    let actions = move || {
        session.offers(Operation::CreateGroup).then(|| {
            button(t.add_group, "btn btn-primary", move || {
                session.begin(Operation::CreateGroup, "add-group", || adding.set(true));
            })
        })
    };
    view! {
        {ui::heading(t.groups, actions.into_any())}
        <section class="card stack admin-card">
            {search("group-search", t.search_groups, prefix)} {table}
        </section>
        <Dialog open=adding title=t.add_group id="add-group">{add(session, adding)}</Dialog>
    }
    .into_any()
}

fn add(session: Session, open: RwSignal<bool>) -> AnyView {
    let t = session.texts;
    let state = Form::new(session);
    let text = || RwSignal::new(String::new());
    let (name, display_name, description, roles) = (text(), text(), text(), text());
    let field = Field::text("group-claims", "claims", t.other_claims);
    let Part { view: claims, said } = claims(session, state, field, &Map::new());
    let save = move || {
        state.clear();
        let name = GroupName::parse(name.get_untracked().trim());
        if name.is_err() {
            state.refuse("name", t.group_name_rule);
        }
        let (Ok(name), Some(Value::Object(claims))) = (name, said()) else { return };
        let given =
            |text: RwSignal<String>| Some(text.get_untracked()).filter(|text| !text.is_empty());
        let new = NewGroup {
            name,
            display_name: given(display_name),
            description: given(description),
            roles: lines(&roles.get_untracked()),
            claims,
        };
        let call = Call::new(Operation::CreateGroup, &[]).body(&new);
        let done = move |answer: Answer| {
            if let Ok(group) = answer.read::<GroupView>() {
                open.set(false);
                session.go(Route::Group(group.name));
                session.done(t.group_added);
            }
        };
        state.send(call, done, |_| false);
    };
    let content = view! {
        {Field::text("group-name", "name", t.group_name).hint(t.group_name_rule).view(state, name)}
        {Field::text("group-display-name", "display_name", t.shown_as)
            .hint(t.shown_as_hint)
            .view(state, display_name)}
        {Field::text("group-description", "description", t.description).view(state, description)}
        {Field::text("group-roles", "roles", t.app_roles)
            .kind("lines")
            .hint(t.one_a_line)
            .view(state, roles)}
        {claims}
        {state.failure()}
        <div class="row">
            {state.submit(t.add_group)} {button(t.cancel, "btn btn-quiet", move || open.set(false))}
        </div>
    };
    form(save, content.into_any())
}
