//! What this server authenticates by at a provider: a secret or a private key. It is written and
//! never shown.

use doorward_protocol::secret::Secret;
use leptos::prelude::*;

use crate::{
    session::Session,
    ui::form::{Field, Form},
};

/// The names of the two in the API.
pub const SECRET: &str = "client_secret";
/// The other one.
pub const KEY: &str = "client_key";

/// The fields. It is `Copy`, so closures can capture it.
#[derive(Clone, Copy)]
pub struct Credential {
    session: Session,
    form: Form,
    /// Which of the two is written; empty: neither, what there is stays.
    pub chosen: RwSignal<String>,
    secret: RwSignal<String>,
    key: RwSignal<String>,
    /// Whether there is one that may stay.
    may_stay: bool,
}

/// A secret, or a key.
type Pair = (Option<Secret>, Option<Secret>);

impl Credential {
    /// The fields. `may_stay`: where nothing is written, what there is stays.
    pub fn new(session: Session, form: Form, may_stay: bool) -> Self {
        let chosen = if may_stay { "" } else { SECRET };
        let text = |text: &str| RwSignal::new(text.to_owned());
        let (chosen, secret, key) = (text(chosen), text(""), text(""));
        Self { session, form, chosen, secret, key, may_stay }
    }

    /// What is seen of them. `id` begins their identifiers.
    pub fn view(self, id: &'static str) -> AnyView {
        let t = self.session.texts;
        let stays = self.may_stay.then_some(("", t.credential_stays));
        let kinds = [(SECRET, t.credential_secret), (KEY, t.credential_key)];
        let options = stays.into_iter().chain(kinds);
        let options = options.map(|(name, label)| (name.to_owned(), label.to_owned())).collect();
        let kind = Field::text(format!("{id}-kind"), "credential", t.credential);
        let written = move || match &*self.chosen.get() {
            SECRET => {
                let field = Field::text(format!("{id}-secret"), SECRET, t.credential_secret);
                let field = field.kind("password").hint(t.credential_hint);
                Some(field.view(self.form, self.secret))
            }
            KEY => {
                let field = Field::text(format!("{id}-key"), KEY, t.credential_key);
                let field = field.kind("area").hint(t.credential_key_hint);
                Some(field.view(self.form, self.key))
            }
            _ => None,
        };
        view! { {kind.select(self.form, options, self.chosen)} {written} }.into_any()
    }

    /// What they say. `None`: what is needed is missing, which is told.
    pub fn said(self) -> Option<Pair> {
        let chosen = self.chosen.get_untracked();
        let written = match &*chosen {
            SECRET => self.secret.get_untracked(),
            KEY => self.key.get_untracked(),
            _ => return Some((None, None)),
        };
        let written = written.trim();
        if written.is_empty() {
            self.form.refuse(&chosen, self.session.texts.required);
            return None;
        }
        let secret = Some(Secret::new(written));
        Some(if chosen == SECRET { (secret, None) } else { (None, secret) })
    }
}
