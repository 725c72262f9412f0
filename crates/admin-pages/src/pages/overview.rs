//! The overview: users, sessions, mails, keys, and sign-ins over time.

use doorward_admin::{
    Operation,
    types::system::{ActivityView, OverviewView, Trouble},
};
use leptos::{prelude::*, task::spawn_local};

use crate::{
    api::Call,
    browser,
    session::Session,
    ui::{self, badge, card, chart, facts, fill, mono, nothing, object::Object, or_dash, plain},
};

/// The page.
pub fn page(session: Session) -> AnyView {
    let t = session.texts;
    let overview = Object::<OverviewView>::new(session, Call::new(Operation::Overview, &[]));
    let numbers = overview.view(move |read| numbers(session, &read.value));
    let activity = session.offers(Operation::Activity).then(|| activity(session));
    view! { {ui::heading(t.overview, nothing())} {numbers} {activity} }.into_any()
}

fn numbers(session: Session, view: &OverviewView) -> AnyView {
    let t = session.texts;
    let number = |label: &'static str, value: String, more: String| {
        view! {
            <div class="card number">
                <p class="number-value">{value}</p>
                <p class="number-label">{label}</p>
                <p class="muted number-more">{more}</p>
            </div>
        }
    };
    let days = view.oldest_signing_key.map(|since| {
        let days = (browser::now() - since).max(0) / 86_400;
        (days, fill(t.since, &[&session.moment(since)]))
    });
    let (age, since) = days.unwrap_or_default();
    let disabled = fill(t.of_them_disabled, &[&view.disabled_users.to_string()]);
    let mail = if view.mail_is_failing { t.mail_fails } else { t.mail_works };
    let health = RwSignal::new(None::<bool>);
    spawn_local(async move {
        health.set(Some(browser::fetch_text("/health/ready").await.is_ok()));
    });
    let state = move || match health.get() {
        None => or_dash(None),
        Some(true) => badge("badge-ok", t.healthy),
        Some(false) => badge("badge-no", t.not_healthy),
    };
    let mail_state = badge(if view.mail_is_failing { "badge-no" } else { "badge-ok" }, mail);
    let troubles = view.troubles.iter().map(|trouble| {
        let (name, text) = match trouble {
            Trouble::DirectoryIsDown => (t.directories, t.directory_is_down),
            Trouble::AuditChainIsBroken => (t.events, t.audit_chain_is_broken),
        };
        (name.to_owned(), badge("badge-no", text))
    });
    let mut server = vec![
        (t.state.to_owned(), state.into_any()),
        (t.outbox.to_owned(), mail_state),
        (t.issuer.to_owned(), mono(view.issuer.clone())),
        (t.version.to_owned(), plain(view.version.clone())),
    ];
    server.extend(troubles);
    view! {
        <div class="numbers">
            {number(t.users, view.users.to_string(), disabled)}
            {number(
                t.open_sessions,
                counted(view.sessions, view.all_sessions_counted),
                t.not_expired.to_owned(),
            )}
            {number(t.waiting_mails, view.waiting_mails.to_string(), mail.to_owned())}
            {number(t.key_age, age.unsigned_abs().to_string(), since)}
        </div>
        {card(t.server, nothing(), facts(server))}
    }
    .into_any()
}

/// A number that may be too small, since counting ended early.
fn counted(number: u64, is_whole: bool) -> String {
    if is_whole { number.to_string() } else { format!("≥ {number}") }
}

/// Sign-ins and refusals of the last day, hour by hour.
fn activity(session: Session) -> AnyView {
    let t = session.texts;
    let activity = Object::<ActivityView>::new(session, Call::new(Operation::Activity, &[]));
    let body = activity.view(move |read| {
        let view = read.value;
        let names: Vec<String> = view.hours.iter().map(|hour| session.moment(hour.from)).collect();
        let values = |value: fn(&doorward_admin::types::system::ActivityHour) -> u64| {
            view.hours.iter().map(value).collect::<Vec<u64>>()
        };
        let (signed_in, refused) = (values(|hour| hour.sign_ins), values(|hour| hour.refused));
        let figure = |sentence: &str, values: &[u64], class| {
            let label = fill(sentence, &[&counted(values.iter().sum(), view.is_whole)]);
            let chart = chart::bars(label.clone(), values, &names, class);
            view! {
                <figure class="figure">
                    <figcaption>{label}</figcaption>
                    {chart}
                </figure>
            }
        };
        view! {
            <div class="figures">
                {figure(t.sign_ins_of_day, &signed_in, "chart-bar")}
                {figure(t.refused_of_day, &refused, "chart-bar chart-bar-no")}
            </div>
        }
        .into_any()
    });
    card(t.sign_ins, nothing(), body)
}
