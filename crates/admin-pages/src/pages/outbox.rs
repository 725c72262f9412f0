//! Mails that wait to be sent. What they say is not shown: links are credentials.

use doorward_admin::{Operation, types::outbox::MailRow};
use leptos::{prelude::*, task::spawn_local};

use crate::{
    api::Call,
    names,
    route::{Route, query},
    session::Session,
    ui::{self, card, link, list::List, named_button, nothing, or_dash, plain, search::search},
};

/// The page.
pub fn page(session: Session) -> AnyView {
    let t = session.texts;
    let prefix = RwSignal::new(String::new());
    let list = List::<MailRow>::new(session, move || {
        Call::new(Operation::ListMails, &[]).query(&query(&[("prefix", &prefix.get())]))
    });
    let may_retry = Memo::new(move |_| session.offers(Operation::RetryMail));
    let retry = move |id: String| {
        spawn_local(async move {
            match session.call(Call::new(Operation::RetryMail, &[&id])).await {
                Ok(_) => {
                    list.reload();
                    session.done(t.mail_is_tried);
                }
                Err(failure) => session.failed(&failure),
            }
        });
    };
    let table = list.searched(prefix).table(t.outbox, t.mail_columns, t.no_mails, move |mail| {
        let id = mail.id.clone();
        let again = may_retry.get().then(|| {
            named_button(t.try_again, mail.to.clone(), "btn btn-small", move || retry(id.clone()))
        });
        let to = match mail.sub {
            Some(sub) => link(session, Route::User(sub), "strong-link", mail.to),
            None => plain(mail.to),
        };
        vec![
            to,
            plain(names::mail(t, &mail.kind)),
            plain(session.moment(mail.created_at)),
            plain(mail.attempts.to_string()),
            plain(session.moment(mail.due_at)),
            or_dash(mail.error),
            again.unwrap_or_else(nothing),
        ]
    });
    let find = search("mail-search", t.search_addresses, prefix);
    view! {
        {ui::heading(t.outbox, nothing())}
        {card(t.waiting_mails, nothing(), view! { {find} {table} }.into_any())}
    }
    .into_any()
}
