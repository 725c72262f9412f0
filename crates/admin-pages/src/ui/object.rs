//! An object that is read, with the state that a change of it is about.

use doorward_leptos::boxed_effect;
use leptos::{prelude::*, task::spawn_local};
use serde::de::DeserializeOwned;

use super::{alert, button};
use crate::{
    api::{Answer, Call, Failure},
    session::Session,
};

/// An object of the API. It is `Copy`, so closures can capture it.
pub struct Object<T: 'static> {
    session: Session,
    call: StoredValue<Call>,
    read: RwSignal<Option<Result<Read<T>, Failure>>>,
}

/// An object as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Read<T> {
    /// The object.
    pub value: T,
    /// Its state.
    pub etag: Option<String>,
}

impl<T> Clone for Object<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Object<T> {}

impl<T: DeserializeOwned + Clone + PartialEq + Send + Sync + 'static> Object<T> {
    /// Reads it now.
    pub fn new(session: Session, call: Call) -> Self {
        let object = Self { session, call: StoredValue::new(call), read: RwSignal::new(None) };
        boxed_effect(move || object.reload());
        object
    }

    /// Reads it again.
    pub fn reload(self) {
        let Some(call) = self.call.try_get_value() else { return };
        spawn_local(async move {
            let read = self.session.call(call).await.and_then(|answer| Read::of(&answer));
            self.read.set(Some(read));
        });
    }

    /// Shows another state of it, as a change has answered with.
    pub fn set(self, answer: &Answer) {
        self.read.set(Some(Read::of(answer)));
    }

    /// Takes over the state that a change of a part of it has answered with.
    pub fn set_etag(self, etag: Option<String>) {
        self.read.update(|read| {
            if let Some(Ok(read)) = read {
                read.etag = etag;
            }
        });
    }

    /// The object, once it is read. Tracked.
    pub fn get(self) -> Option<Read<T>> {
        self.read.with(|read| read.as_ref()?.as_ref().ok().cloned())
    }

    /// Its present state. Not tracked.
    pub fn etag(self) -> Option<String> {
        untrack(|| self.get()).and_then(|read| read.etag)
    }

    /// The object as `view` shows it, or what there is in its place.
    pub fn view(self, view: impl Fn(Read<T>) -> AnyView + Send + Sync + 'static) -> AnyView {
        let t = self.session.texts;
        let content = move || match self.read.get() {
            None => view! { <p class="muted" aria-busy="true">{t.loading}</p> }.into_any(),
            Some(Ok(read)) => view(read),
            Some(Err(failure)) => {
                let again = button(t.try_again, "btn btn-small", move || self.reload());
                view! { {alert("alert-error", failure.message())} {again} }.into_any()
            }
        };
        content.into_any()
    }
}

impl<T: DeserializeOwned> Read<T> {
    /// What an answer has.
    pub fn of(answer: &Answer) -> Result<Self, Failure> {
        Ok(Self { value: answer.read()?, etag: answer.etag.clone() })
    }
}
