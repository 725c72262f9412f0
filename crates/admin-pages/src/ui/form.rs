//! Forms: fields with what is wrong beside them. The rules are the server's own
//! (`doorward_protocol::account`); what only the server can know it says by naming the field.

use doorward_admin::types::problem::FieldError;
use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};

use super::alert;
use crate::{
    api::{Answer, Call, Failure},
    browser,
    session::Session,
};

/// The state of a form.
#[derive(Clone, Copy)]
pub struct Form {
    session: Session,
    busy: RwSignal<bool>,
    /// What is wrong with fields.
    errors: RwSignal<Vec<FieldError>>,
    /// What is wrong with the whole.
    failure: RwSignal<Option<String>>,
    /// The same request has the same key, however often it is sent.
    key: RwSignal<String>,
}

impl Form {
    /// A form without mistakes.
    pub fn new(session: Session) -> Self {
        Self {
            session,
            busy: RwSignal::new(false),
            errors: RwSignal::new(Vec::new()),
            failure: RwSignal::new(None),
            key: RwSignal::new(browser::random_key()),
        }
    }

    /// The key of its request.
    pub fn key(self) -> String {
        self.key.get_untracked()
    }

    /// Says what is wrong with a field. Nothing is sent then.
    pub fn refuse(self, field: &str, problem: impl Into<String>) {
        let error = FieldError { field: field.to_owned(), problem: problem.into() };
        self.errors.update(|errors| errors.push(error));
    }

    /// Whether nothing is wrong so far.
    pub fn is_valid(self) -> bool {
        self.errors.with_untracked(Vec::is_empty)
    }

    /// Forgets what was wrong.
    pub fn clear(self) {
        self.errors.set(Vec::new());
        self.failure.set(None);
    }

    /// Sends a call once, and goes on with the answer. `failed` may take a failure for itself.
    pub fn send(
        self,
        call: Call,
        done: impl FnOnce(Answer) + 'static,
        failed: impl FnOnce(&Failure) -> bool + 'static,
    ) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        spawn_local(async move {
            let answer = self.session.call(call).await;
            self.busy.set(false);
            match answer {
                Ok(answer) => done(answer),
                Err(failure) => {
                    if !failed(&failure) {
                        self.show(&failure);
                    }
                    // A refused request may be sent otherwise.
                    self.key.set(browser::random_key());
                }
            }
        });
    }

    /// Says that somebody else was faster.
    pub fn overtaken(self, message: String) {
        self.failure.set(Some(message));
    }

    fn show(self, failure: &Failure) {
        let errors = failure.errors();
        // A field is named beside it; the sentence says it for those that have none here.
        self.failure.set((!matches!(failure, Failure::StepUp(_))).then(|| failure.message()));
        self.errors.set(errors);
    }

    /// What is wrong with a field, or with a member of it. Tracked.
    pub fn error_of(self, field: &str) -> Option<String> {
        self.errors.with(|errors| {
            let within = |name: &str| {
                name == field || name.strip_prefix(field).is_some_and(|rest| rest.starts_with('.'))
            };
            errors.iter().find(|error| within(&error.field)).map(|error| {
                let inner = error.field.strip_prefix(field).unwrap_or_default();
                match inner.strip_prefix('.') {
                    Some(inner) => format!("{inner}: {}", error.problem),
                    None => error.problem.clone(),
                }
            })
        })
    }

    /// What is wrong with the whole, above the buttons.
    pub fn failure(self) -> impl IntoView {
        move || self.failure.get().map(|failure| alert("alert-error", failure))
    }

    /// The button that sends it.
    pub fn submit(self, label: impl Into<String>) -> AnyView {
        let label = label.into();
        view! {
            <button
                type="submit"
                class="btn btn-primary"
                aria-disabled=move || self.busy.get().to_string()
            >
                {label}
            </button>
        }
        .into_any()
    }
}

/// A form that does something when it is sent.
pub fn form(act: impl Fn() + Send + Sync + 'static, content: AnyView) -> AnyView {
    let send = move |event: SubmitEvent| {
        event.prevent_default();
        act();
    };
    view! { <form class="stack" novalidate on:submit=send>{content}</form> }.into_any()
}

/// A field of one line.
pub struct Field {
    /// Its identifier in the page.
    pub id: &'static str,
    /// Its name in the API, by which mistakes are told.
    pub name: &'static str,
    /// What stands above it.
    pub label: &'static str,
    /// What helps to fill it.
    pub hint: &'static str,
    /// The type of the control: that of an `<input>`, `lines` for a few lines, or `area` for code.
    pub kind: &'static str,
}

impl Field {
    /// A field for a text.
    pub fn text(id: &'static str, name: &'static str, label: &'static str) -> Self {
        Self { id, name, label, hint: "", kind: "text" }
    }

    /// With a hint.
    pub fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    /// With another control.
    pub fn kind(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    /// The field, which keeps its text in the signal.
    pub fn view(self, form: Form, value: RwSignal<String>) -> AnyView {
        let Self { id, name, label, hint, kind } = self;
        let error = Memo::new(move |_| form.error_of(name));
        let described = move || {
            let has_error = error.with(Option::is_some);
            match (has_error, hint.is_empty()) {
                (true, true) => Some(format!("{id}-error")),
                (true, false) => Some(format!("{id}-error {id}-hint")),
                (false, false) => Some(format!("{id}-hint")),
                (false, true) => None,
            }
        };
        let invalid = move || error.with(Option::is_some).then_some("true");
        let control = if ["area", "lines"].contains(&kind) {
            let (rows, class) = if kind == "area" { ("10", "mono") } else { ("3", "") };
            view! {
                <textarea
                    id=id
                    rows=rows
                    class=class
                    spellcheck="false"
                    aria-describedby=described
                    aria-invalid=invalid
                    prop:value=move || value.get()
                    on:input=move |event| value.set(event_target_value(&event))
                ></textarea>
            }
            .into_any()
        } else {
            // Browsers must not put an administrator's own name and password in.
            let complete = if kind == "password" { "new-password" } else { "off" };
            view! {
                <input
                    id=id
                    type=kind
                    autocomplete=complete
                    spellcheck="false"
                    aria-describedby=described
                    aria-invalid=invalid
                    prop:value=move || value.get()
                    on:input=move |event| value.set(event_target_value(&event))
                />
            }
            .into_any()
        };
        view! {
            <div class="field">
                <label for=id>{label}</label>
                {control}
                {move || {
                    error.get().map(|error| {
                        view! { <p class="field-error" id=format!("{id}-error")>{error}</p> }
                    })
                }}
                {(!hint.is_empty())
                    .then(|| view! { <p class="field-hint" id=format!("{id}-hint")>{hint}</p> })}
            </div>
        }
        .into_any()
    }
}

/// A choice of one value.
pub fn select(
    id: &'static str,
    label: &'static str,
    options: Vec<(String, String)>,
    value: RwSignal<String>,
) -> AnyView {
    let options = options
        .into_iter()
        .map(|(name, label)| {
            let own = name.clone();
            let selected = move || value.with(|value| *value == own);
            view! { <option value=name prop:selected=selected>{label}</option> }
        })
        .collect_view();
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <select id=id on:change=move |event| value.set(event_target_value(&event))>
                {options}
            </select>
        </div>
    }
    .into_any()
}

/// A box to tick.
pub fn checkbox(id: &'static str, label: &'static str, value: RwSignal<bool>) -> AnyView {
    view! {
        <label class="checkbox" for=id>
            <input
                id=id
                type="checkbox"
                prop:checked=move || value.get()
                on:change=move |event| value.set(event_target_checked(&event))
            />
            <span>{label}</span>
        </label>
    }
    .into_any()
}

/// The lines of a text that say something.
pub fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}
