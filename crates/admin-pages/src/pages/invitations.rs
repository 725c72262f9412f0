//! Invitations that wait, and a new one.

use doorward_admin::{
    AdminRole, Operation,
    types::invitations::{
        A_WEEK, CreatedInvitation, InvitationRow, LONGEST_DAYS, Language, NewInvitation,
    },
};
use doorward_leptos::boxed_effect;
use doorward_protocol::account::is_email_address;
use leptos::prelude::*;

use super::new_user::role_choice;
use crate::{
    api::{Answer, Call},
    browser,
    route::query,
    session::Session,
    ui::{
        self, button, card,
        dialog::{Dialog, Question, confirm},
        form::{Field, Form, checkbox, form, lines, select},
        json,
        list::List,
        named_button, nothing, or_dash, plain,
        search::search,
    },
};

/// The page.
pub fn page(session: Session) -> AnyView {
    let t = session.texts;
    let prefix = RwSignal::new(String::new());
    let list = List::<InvitationRow>::new(session, move || {
        Call::new(Operation::ListInvitations, &[]).query(&query(&[("prefix", &prefix.get())]))
    });
    let (inviting, withdrawing) = (RwSignal::new(false), RwSignal::new(false));
    let chosen = RwSignal::new(String::new());
    let may_withdraw = Memo::new(move |_| session.offers(Operation::WithdrawInvitation));
    boxed_effect(move || {
        if session.offers(Operation::CreateInvitation) && session.resumes("invite") {
            inviting.set(true);
        }
    });
    let table = list.searched(prefix).table(
        t.invitations,
        t.invitation_columns,
        t.no_invitations,
        move |row| {
            let id = row.id.clone();
            let withdraw = may_withdraw.get().then(|| {
                named_button(t.withdraw, row.email.clone(), "btn btn-small", move || {
                    chosen.set(id.clone());
                    withdrawing.set(true);
                })
            });
            let claims = row.claims.as_object().into_iter().flatten();
            let claims = claims.map(|(name, value)| format!("{name}: {}", json::shown(value)));
            let groups = Some(row.groups.join(", ")).filter(|groups| !groups.is_empty());
            let groups = groups.map(|groups| format!("{}: {groups}", t.groups));
            let given = claims.chain(groups).collect::<Vec<_>>().join(" · ");
            vec![
                plain(row.email),
                or_dash(Some(given)),
                plain(session.moment(row.expires_at)),
                withdraw.unwrap_or_else(nothing),
            ]
        },
    );
    let question = Question {
        id: "withdraw-invitation",
        title: t.withdraw_title.to_owned(),
        text: t.withdraw_text.to_owned(),
        action: t.withdraw.to_owned(),
    };
    let withdraw = move || Call::new(Operation::WithdrawInvitation, &[&chosen.get_untracked()]);
    let withdrawn = move || {
        list.reload();
        session.done(t.withdrawn);
    };
    let actions = move || {
        session.offers(Operation::CreateInvitation).then(|| {
            button(t.invite, "btn btn-primary", move || {
                session.begin(Operation::CreateInvitation, "invite", || inviting.set(true));
            })
        })
    };
    let find = search("invitation-search", t.search_addresses, prefix);
    view! {
        {ui::heading(t.invitations, actions.into_any())}
        {card(t.open_invitations, nothing(), view! { {find} {table} }.into_any())}
        {confirm(session, withdrawing, question, withdraw, withdrawn)}
        <Dialog open=inviting title=t.invite id="invite">
            {invite(session, inviting, list)}
        </Dialog>
    }
    .into_any()
}

fn invite(session: Session, open: RwSignal<bool>, list: List<InvitationRow>) -> AnyView {
    let t = session.texts;
    let state = Form::new(session);
    let text = || RwSignal::new(String::new());
    let (email, name, app_roles, groups, role) = (text(), text(), text(), text(), text());
    let days = RwSignal::new(A_WEEK.to_string());
    let language = RwSignal::new(t.language.to_owned());
    let show_link = RwSignal::new(false);
    let link = RwSignal::new(None::<String>);
    let send = move || {
        state.clear();
        let email = browser::composed(email.get_untracked().trim());
        if !is_email_address(&email) {
            state.refuse("email", t.email_rule);
        }
        let admin_role = AdminRole::parse(&role.get_untracked());
        let longest = if admin_role.is_some() { A_WEEK } else { LONGEST_DAYS };
        let days = days.get_untracked().trim().parse().unwrap_or(0);
        if days == 0 || days > longest {
            state.refuse("days", ui::fill(t.days_rule, &[&longest.to_string()]));
        }
        if !state.is_valid() {
            return;
        }
        let new = NewInvitation {
            email,
            name: Some(name.get_untracked().trim().to_owned()).filter(|name| !name.is_empty()),
            roles: lines(&app_roles.get_untracked()),
            groups: lines(&groups.get_untracked()),
            admin_role,
            days,
            language: if language.get_untracked() == "de" { Language::De } else { Language::En },
            show_link: show_link.get_untracked(),
        };
        let call = Call::new(Operation::CreateInvitation, &[]).body(&new);
        let done = move |answer: Answer| {
            list.reload();
            match answer.read::<CreatedInvitation>().ok().and_then(|created| created.link) {
                Some(made) => link.set(Some(made)),
                None => {
                    open.set(false);
                    session.done(t.invited);
                }
            }
        };
        state.send(call, done, |_| false);
    };
    let languages = [("en", "English"), ("de", "Deutsch")];
    let languages = languages.map(|(name, label)| (name.to_owned(), label.to_owned())).to_vec();
    let shown = move || match link.get() {
        Some(link) => view! {
            {ui::once(session, t.invitation_link, t.invitation_link_text, link)}
            <div class="row">{button(t.close, "btn", move || open.set(false))}</div>
        }
        .into_any(),
        None => {
            let content = view! {
                {Field::text("invite-email", "email", t.email).view(state, email)}
                {Field::text("invite-name", "name", t.full_name).view(state, name)}
                {role_choice(session, "invite-role", role)}
                {Field::text("invite-roles", "roles", t.app_roles)
                    .kind("lines")
                    .hint(t.one_a_line)
                    .view(state, app_roles)}
                {session.offers(Operation::AddMember).then(|| {
                    Field::text("invite-groups", "groups", t.groups)
                        .kind("lines")
                        .hint(t.invite_groups_hint)
                        .view(state, groups)
                })}
                {Field::text("invite-days", "days", t.days).kind("number").view(state, days)}
                {select("invite-language", t.mail_language, languages.clone(), language)}
                {checkbox("invite-link", t.show_link, show_link)}
                {state.failure()}
                <div class="row">
                    {state.submit(t.invite)}
                    {button(t.cancel, "btn btn-quiet", move || open.set(false))}
                </div>
            };
            form(send, content.into_any())
        }
    };
    shown.into_any()
}
