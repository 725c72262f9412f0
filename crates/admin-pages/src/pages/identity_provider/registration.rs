//! What to enter at another provider: the addresses of this server.

use leptos::prelude::*;

use crate::{
    session::Session,
    texts::Texts,
    ui::{self, card, nothing},
};

/// The addresses by their names in the registration of a client, each to be copied.
pub fn facts(session: Session, addresses: impl IntoIterator<Item = (String, String)>) -> AnyView {
    let t = session.texts;
    let row = |(kind, address): (String, String)| {
        let name = name(t, &kind).to_owned();
        (name.clone(), ui::copyable(session, &name, address))
    };
    ui::facts(sorted(addresses).into_iter().map(row).collect())
}

/// The same as a surface of its own.
pub fn registration(
    session: Session,
    addresses: impl IntoIterator<Item = (String, String)>,
) -> AnyView {
    let t = session.texts;
    let facts = facts(session, addresses);
    let body = view! { <p class="muted">{t.registration_text}</p> {facts} };
    card(t.registration, nothing(), body.into_any())
}

/// That without which nobody signs in comes first.
fn sorted(addresses: impl IntoIterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut addresses: Vec<_> = addresses.into_iter().collect();
    addresses.sort_by_key(|(kind, _)| kind != "redirect_uri");
    addresses
}

fn name<'a>(t: &Texts, kind: &'a str) -> &'a str {
    match kind {
        "redirect_uri" => t.registered_redirect,
        "post_logout_redirect_uri" => t.registered_sign_out,
        "backchannel_logout_uri" => t.registered_back_channel,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_redirect_uri_comes_first() {
        let of = |kind: &str| (kind.to_owned(), String::new());
        let kinds = ["backchannel_logout_uri", "post_logout_redirect_uri", "redirect_uri"];
        let sorted = sorted(kinds.map(of));
        assert_eq!(sorted[0].0, "redirect_uri");
        assert_eq!(sorted.len(), 3);
    }
}
