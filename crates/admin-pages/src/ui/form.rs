//! Forms: fields with what is wrong beside them. The rules are the server's own
//! (`doorward_protocol::account`); what only the server can know it says by naming the field.

use doorward_admin::{Operation, types::problem::FieldError};
use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use serde_json::Value;

use super::{alert, button, fill, request_keys::RequestKeys};
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
    keys: RequestKeys,
}

impl Form {
    /// A form without mistakes.
    pub fn new(session: Session) -> Self {
        Self {
            session,
            busy: RwSignal::new(false),
            errors: RwSignal::new(Vec::new()),
            failure: RwSignal::new(None),
            keys: RequestKeys::new(),
        }
    }

    /// Says what is wrong with a field. Nothing is sent then.
    pub fn refuse(self, field: &str, problem: impl Into<String>) {
        let error = FieldError { field: field.to_owned(), problem: problem.into() };
        self.errors.update(|errors| errors.push(error));
        browser::focus_mistake();
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
        let call = self.keys.with_key(call);
        spawn_local(async move {
            let answer = self.session.call(call).await;
            self.busy.set(false);
            self.keys.answered(&answer);
            match answer {
                Ok(answer) => done(answer),
                Err(failure) => {
                    if !failed(&failure) {
                        self.show(&failure);
                    }
                }
            }
        });
    }

    /// Says that somebody else was faster, if that is the failure. `read` reads the object again,
    /// so that the form can be sent once more.
    pub fn overtaken(self, failure: &Failure, read: impl FnOnce()) -> bool {
        let Some(changed) = failure.changed() else { return false };
        self.say_overtaken(&changed);
        read();
        true
    }

    fn say_overtaken(self, changed: &[String]) {
        let t = self.session.texts;
        let what = if changed.is_empty() { t.the_object.to_owned() } else { changed.join(", ") };
        self.failure.set(Some(fill(t.overtaken_reload, &[&what])));
    }

    fn show(self, failure: &Failure) {
        let errors = failure.errors();
        // A field is named beside it; the sentence says it for those that have none here.
        let is_shown = !matches!(failure, Failure::StepUp(_));
        self.failure.set(is_shown.then(|| failure.message()));
        self.errors.set(errors);
        browser::focus_mistake();
    }

    /// What is wrong with a field, or with what is in it. Tracked.
    pub fn error_of(self, field: &str) -> Option<String> {
        self.errors.with(|errors| {
            let inner = |error: &FieldError| {
                let rest = error.field.strip_prefix(field)?;
                (rest.is_empty() || rest.starts_with(['.', '['])).then(|| rest.to_owned())
            };
            errors.iter().find_map(|error| inner(error).map(|rest| (rest, error))).map(
                |(rest, error)| match rest.trim_start_matches('.') {
                    "" => error.problem.clone(),
                    rest => format!("{rest}: {}", error.problem),
                },
            )
        })
    }

    /// What is wrong with a field as a whole. Tracked.
    pub fn error_at(self, field: &str) -> Option<String> {
        self.errors.with(|errors| {
            errors.iter().find(|error| error.field == field).map(|error| error.problem.clone())
        })
    }

    /// What is wrong with the whole, above the buttons.
    pub fn failure(self) -> impl IntoView {
        move || self.failure.get().map(|failure| alert("alert-error", failure))
    }

    /// The end of a long form, which stays in sight: `conflict` and what is wrong with the whole,
    /// the button that sends it, and the way out.
    pub fn end(self, conflict: AnyView, label: &'static str, cancel: AnyView) -> AnyView {
        view! {
            <div class="form-end">
                {conflict} {self.failure()} <div class="row">{self.submit(label)} {cancel}</div>
            </div>
        }
        .into_any()
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

/// A form for something that may need another sign-in. It opens after that, since whoever leaves
/// for it would lose what they typed.
pub fn after_sign_in(
    session: Session,
    operation: Operation,
    content: impl Fn() -> AnyView + Send + Sync + 'static,
) -> AnyView {
    let t = session.texts;
    let is_open = RwSignal::new(false);
    let begin = move || session.begin(operation, "", move || is_open.set(true));
    begin();
    let shown = move || {
        if is_open.get() {
            return untrack(&content);
        }
        let again = button(t.sign_in_again, "btn btn-primary", begin);
        view! { <p>{t.step_up_text}</p> <div class="row">{again}</div> }.into_any()
    };
    shown.into_any()
}

/// What a part of a form says when it is sent. `None`: it has told what is wrong with it.
pub type Said = Box<dyn Fn() -> Option<Value> + Send + Sync>;

/// A part of a form, and what it says.
pub struct Part {
    /// What is seen of it.
    pub view: AnyView,
    /// What it says.
    pub said: Said,
}

impl Part {
    /// A part of this kind.
    pub fn new(view: AnyView, said: impl Fn() -> Option<Value> + Send + Sync + 'static) -> Self {
        Self { view, said: Box::new(said) }
    }
}

/// A field: what it is called, and what helps to fill it.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its identifier in the page.
    pub id: String,
    /// Its name in the API, by which mistakes are told.
    pub name: String,
    /// What stands above it.
    pub label: &'static str,
    /// What helps to fill it.
    pub hint: &'static str,
    /// The type of the control: that of an `<input>`, `lines` for a few lines, or `area` for code.
    pub kind: &'static str,
}

impl Field {
    /// A field for a text.
    pub fn text(id: impl Into<String>, name: impl Into<String>, label: &'static str) -> Self {
        Self { id: id.into(), name: name.into(), label, hint: "", kind: "text" }
    }

    /// With a hint.
    pub fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    /// With another control.
    pub fn kind(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    /// A field for a text, which it keeps in the signal.
    pub fn view(self, form: Form, value: RwSignal<String>) -> AnyView {
        let error = self.error(form);
        let control = input(&self.id, self.kind, "", self.hint, value, error);
        self.framed(error, control)
    }

    /// A choice of one value.
    pub fn select(
        self,
        form: Form,
        options: Vec<(String, String)>,
        value: RwSignal<String>,
    ) -> AnyView {
        let error = self.error(form);
        let control = choice(&self.id, "", options, value);
        self.framed(error, control)
    }

    /// A box to tick.
    pub fn switch(self, form: Form, value: RwSignal<bool>) -> AnyView {
        let error = self.error(form);
        let Self { id, label, hint, .. } = self;
        let tick = checkbox(id.clone(), label, value);
        view! { <div class="field switch">{tick} {told(&id, hint, error)}</div> }.into_any()
    }

    /// Several controls under one name.
    pub fn group(self, form: Form, controls: AnyView) -> AnyView {
        let Self { id, name, label, hint, .. } = self;
        let error = Memo::new(move |_| form.error_at(&name));
        let told = told(&id, hint, error);
        view! {
            <fieldset
                class="field group"
                id=id.clone()
                aria-describedby=described(id, hint, error)
            >
                <legend>{label}</legend>
                {told}
                {controls}
            </fieldset>
        }
        .into_any()
    }

    /// What is wrong with it. Tracked.
    pub fn error(&self, form: Form) -> Memo<Option<String>> {
        let name = self.name.clone();
        Memo::new(move |_| form.error_of(&name))
    }

    /// A control between its name and what is told about it.
    pub fn framed(self, error: Memo<Option<String>>, control: AnyView) -> AnyView {
        let told = told(&self.id, self.hint, error);
        view! {
            <div class="field">
                <label for=self.id>{self.label}</label>
                {control}
                {told}
            </div>
        }
        .into_any()
    }
}

/// What is wrong with a field, and what helps to fill it.
fn told(id: &str, hint: &'static str, error: Memo<Option<String>>) -> AnyView {
    let (error_id, hint_id) = (format!("{id}-error"), format!("{id}-hint"));
    view! {
        {move || {
            let id = error_id.clone();
            error.get().map(|error| view! { <p class="field-error" id=id>{error}</p> })
        }}
        {(!hint.is_empty()).then(|| view! { <p class="field-hint" id=hint_id>{hint}</p> })}
    }
    .into_any()
}

/// The elements that describe a field.
fn described(
    id: String,
    hint: &'static str,
    error: Memo<Option<String>>,
) -> impl Fn() -> Option<String> + Send + 'static {
    move || {
        let has_error = error.with(Option::is_some);
        match (has_error, hint.is_empty()) {
            (true, true) => Some(format!("{id}-error")),
            (true, false) => Some(format!("{id}-error {id}-hint")),
            (false, false) => Some(format!("{id}-hint")),
            (false, true) => None,
        }
    }
}

/// A control for a text. `name` is for screen readers, where no label stands before it.
pub fn input(
    id: &str,
    kind: &'static str,
    name: impl Into<String>,
    hint: &'static str,
    value: RwSignal<String>,
    error: Memo<Option<String>>,
) -> AnyView {
    let name = Some(name.into()).filter(|name| !name.is_empty());
    let described = described(id.to_owned(), hint, error);
    let invalid = move || error.with(Option::is_some).then_some("true");
    let id = id.to_owned();
    if ["area", "lines"].contains(&kind) {
        let (rows, class) = if kind == "area" { ("10", "mono") } else { ("3", "") };
        return view! {
            <textarea
                id=id
                rows=rows
                class=class
                spellcheck="false"
                aria-label=name
                aria-describedby=described
                aria-invalid=invalid
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            ></textarea>
        }
        .into_any();
    }
    // Browsers must not put an administrator's own name and password in.
    let complete = if kind == "password" { "new-password" } else { "off" };
    let (kind, mode) = if kind == "whole" { ("text", Some("numeric")) } else { (kind, None) };
    view! {
        <input
            id=id
            type=kind
            inputmode=mode
            autocomplete=complete
            spellcheck="false"
            aria-label=name
            aria-describedby=described
            aria-invalid=invalid
            prop:value=move || value.get()
            on:input=move |event| value.set(event_target_value(&event))
        />
    }
    .into_any()
}

/// A control to choose one value.
pub fn choice(
    id: &str,
    name: impl Into<String>,
    options: Vec<(String, String)>,
    value: RwSignal<String>,
) -> AnyView {
    let name = Some(name.into()).filter(|name| !name.is_empty());
    let options = options
        .into_iter()
        .map(|(name, label)| {
            let own = name.clone();
            let selected = move || value.with(|value| *value == own);
            view! { <option value=name prop:selected=selected>{label}</option> }
        })
        .collect_view();
    let id = id.to_owned();
    view! {
        <select
            id=id
            aria-label=name
            on:change=move |event| value.set(event_target_value(&event))
        >
            {options}
        </select>
    }
    .into_any()
}

/// A choice of one value, with what stands above it.
pub fn select(
    id: &'static str,
    label: &'static str,
    options: Vec<(String, String)>,
    value: RwSignal<String>,
) -> AnyView {
    let control = choice(id, "", options, value);
    view! { <div class="field"><label for=id>{label}</label> {control}</div> }.into_any()
}

/// A box to tick.
pub fn checkbox(id: impl Into<String>, label: impl Into<String>, value: RwSignal<bool>) -> AnyView {
    let (id, label) = (id.into(), label.into());
    let of = id.clone();
    view! {
        <label class="checkbox" for=of>
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
