//! Dialogs, by the browser's own element: it keeps the focus within, and Escape closes it.

use doorward_leptos::boxed_effect;
use leptos::{html, prelude::*, task::spawn_local};
use serde::de::DeserializeOwned;

use super::{button, fill, object::Object, request_keys::RequestKeys};
use crate::{
    api::{Call, Failure},
    session::{Notice, Session},
};

/// A dialog. What is in it is made anew each time that it opens.
#[component]
pub fn Dialog(
    /// Whether it is open.
    open: RwSignal<bool>,
    /// Its name.
    #[prop(into)]
    title: String,
    /// Its identifier.
    id: &'static str,
    children: ChildrenFn,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    boxed_effect(move || {
        let (Some(dialog), is_open) = (node.get(), open.get()) else { return };
        if is_open && !dialog.open() {
            let _ = dialog.show_modal();
        } else if !is_open && dialog.open() {
            dialog.close();
        }
    });
    let title_id = format!("{id}-title");
    let content = move || {
        open.get().then(|| {
            let (title, title_id) = (title.clone(), title_id.clone());
            view! {
                <div class="stack">
                    <h2 id=title_id>{title}</h2>
                    {children()}
                </div>
            }
        })
    };
    view! {
        <dialog
            id=id
            class="dialog"
            node_ref=node
            aria-labelledby=format!("{id}-title")
            on:close=move |_| open.set(false)
        >
            {content}
        </dialog>
    }
}

/// What a dialog asks before something that can't be undone.
#[derive(Clone)]
pub struct Question {
    /// The dialog's identifier.
    pub id: &'static str,
    /// What is asked.
    pub title: String,
    /// What will happen.
    pub text: String,
    /// The word on the button that does it.
    pub action: String,
}

/// A dialog that makes a call if it is confirmed. `done` runs after it.
pub fn confirm(
    session: Session,
    open: RwSignal<bool>,
    question: Question,
    call: impl Fn() -> Call + Send + Sync + 'static,
    done: impl Fn() + Send + Sync + 'static,
) -> AnyView {
    confirmed(session, open, question, Box::new(call), Box::new(done), Box::new(|_| false))
}

/// The same about the present state of an object. If somebody was faster, the object is read again
/// and the dialog closes: what it asked was about another state.
pub fn confirm_of<T: DeserializeOwned + Clone + PartialEq + Send + Sync + 'static>(
    session: Session,
    open: RwSignal<bool>,
    question: Question,
    object: Object<T>,
    call: impl Fn() -> Call + Send + Sync + 'static,
    done: impl Fn() + Send + Sync + 'static,
) -> AnyView {
    let failed = move |failure: &Failure| {
        let Some(changed) = failure.changed() else { return false };
        object.reload();
        open.set(false);
        session.notice.set(Some(Notice::Failed(overtaken(session, &changed))));
        true
    };
    confirmed(session, open, question, Box::new(call), Box::new(done), Box::new(failed))
}

/// Says that somebody was faster, and that the page shows it.
fn overtaken(session: Session, changed: &[String]) -> String {
    let t = session.texts;
    let what = if changed.is_empty() { t.the_object.to_owned() } else { changed.join(", ") };
    fill(t.overtaken_question, &[&what])
}

/// A dialog that makes a call if it is confirmed. `failed` may take a failure for itself.
fn confirmed(
    session: Session,
    open: RwSignal<bool>,
    question: Question,
    call: Box<dyn Fn() -> Call + Send + Sync>,
    done: Box<dyn Fn() + Send + Sync>,
    failed: Box<dyn Fn(&Failure) -> bool + Send + Sync>,
) -> AnyView {
    let (busy, failure) = (RwSignal::new(false), RwSignal::new(None::<Failure>));
    let (call, done, failed) =
        (StoredValue::new(call), StoredValue::new(done), StoredValue::new(failed));
    let keys = RequestKeys::new();
    let act = move || {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        failure.set(None);
        let call = keys.with_key(call.with_value(|call| call()));
        spawn_local(async move {
            let answer = session.call(call).await;
            busy.set(false);
            keys.answered(&answer);
            match answer {
                Ok(_) => {
                    open.set(false);
                    done.try_with_value(|done| done());
                }
                Err(Failure::StepUp(_)) => open.set(false),
                Err(error) => {
                    let is_taken = failed.try_with_value(|failed| failed(&error));
                    failure.set(Some(error).filter(|_| is_taken == Some(false)));
                }
            }
        });
    };
    let Question { id, title, text, action } = question;
    view! {
        <Dialog open=open title=title id=id>
            <p>{text.clone()}</p>
            {move || {
                let failure = failure.get()?;
                Some(super::alert("alert-error", failure.message()))
            }}
            <div class="row">
                <button
                    type="button"
                    class="btn btn-danger"
                    aria-disabled=move || busy.get().to_string()
                    on:click=move |_| act()
                >
                    {action.clone()}
                </button>
                {button(session.texts.cancel, "btn btn-quiet", move || open.set(false))}
            </div>
        </Dialog>
    }
    .into_any()
}
