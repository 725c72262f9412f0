//! What somebody else made of an object while it was changed in a form. Nothing of either is lost:
//! it is shown, and whoever works with the form chooses.

use leptos::{prelude::*, task::spawn_local};
use serde::de::DeserializeOwned;

use super::{button, facts, fill, object::Read, plain};
use crate::{
    api::{Call, Failure},
    session::Session,
};

/// A member that is different: its name, what it was, and what it is.
pub type Difference = (String, String, String);

/// The object that a form began with, and what it is by now. It is `Copy`, so closures can capture
/// it.
pub struct Overtaken<T: 'static> {
    session: Session,
    before: StoredValue<T>,
    etag: RwSignal<Option<String>>,
    present: RwSignal<Option<(Vec<String>, Read<T>)>>,
}

impl<T> Clone for Overtaken<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Overtaken<T> {}

impl<T: DeserializeOwned + Clone + Send + Sync + 'static> Overtaken<T> {
    /// Nobody was faster so far.
    pub fn new(session: Session, read: Read<T>) -> Self {
        Self {
            session,
            before: StoredValue::new(read.value),
            etag: RwSignal::new(read.etag),
            present: RwSignal::new(None),
        }
    }

    /// What the form began with.
    pub fn before(self) -> T {
        self.before.get_value()
    }

    /// The state that a change is about.
    pub fn etag(self) -> Option<String> {
        self.etag.get_untracked()
    }

    /// Takes a failure for itself if somebody was faster: the object is read by this call.
    pub fn takes(self, failure: &Failure, read: Call) -> bool {
        let Some(changed) = failure.changed() else { return false };
        spawn_local(async move {
            let answer = self.session.call(read).await;
            match answer.and_then(|answer| Read::of(&answer)) {
                Ok(present) => drop(self.present.try_set(Some((changed, present)))),
                Err(failure) => self.session.failed(&failure),
            }
        });
        true
    }

    /// What is different, once somebody was faster. `leave` gives up what is in the form.
    pub fn view(
        self,
        difference: impl Fn(&T, &T) -> Vec<Difference> + Send + Sync + 'static,
        leave: impl Fn() + Copy + Send + Sync + 'static,
    ) -> AnyView {
        let t = self.session.texts;
        let shown = move || {
            let (changed, present) = self.present.get()?;
            let rows = self.before.with_value(|before| difference(before, &present.value));
            let etag = present.etag;
            let keep = button(t.keep_mine, "btn btn-small btn-primary", move || {
                self.etag.set(etag.clone());
                self.present.set(None);
            });
            Some(view! {
                <div class="alert alert-error" role="alert" id="overtaken">
                    <p class="alert-title">{fill(t.overtaken, &[&named(&rows, &changed)])}</p>
                    <p>{t.overtaken_text}</p>
                    {facts(rows.into_iter().map(row).collect())}
                    <div class="row">{keep} {button(t.take_theirs, "btn btn-small", leave)}</div>
                </div>
            })
        };
        shown.into_any()
    }
}

/// What is different by name: as the page calls it, or else as the API does.
fn named(rows: &[Difference], changed: &[String]) -> String {
    let names: Vec<&str> = if rows.is_empty() {
        changed.iter().map(String::as_str).collect()
    } else {
        rows.iter().map(|(name, ..)| name.as_str()).collect()
    };
    names.join(", ")
}

fn row((name, before, present): Difference) -> (String, AnyView) {
    (name, plain(format!("{before} → {present}")))
}

/// Those of the members that are different.
pub fn different(members: impl IntoIterator<Item = Difference>) -> Vec<Difference> {
    members.into_iter().filter(|(_, before, present)| before != present).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_different_is_named_as_the_page_calls_it() {
        let member = |name: &str, before: &str, present: &str| {
            (name.to_owned(), before.to_owned(), present.to_owned())
        };
        let rows = different([member("Name", "a", "b"), member("Roles", "x", "x")]);
        assert_eq!(rows, [member("Name", "a", "b")]);
        let changed = ["client_name".to_owned(), "client_secrets".to_owned()];
        assert_eq!(named(&rows, &changed), "Name");
        assert_eq!(named(&[], &changed), "client_name, client_secrets");
    }
}
