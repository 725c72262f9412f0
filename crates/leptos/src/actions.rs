//! What components can do with sign-in.

use doorward_client::{AuthEvent, SigninRequestArgs, SignoutRequestArgs, StepUp};
use leptos::{prelude::*, task::spawn_local};
use serde_json::{Map, Value};

use crate::{
    Auth, AuthStep, AuthSubscription,
    engine::Task,
    page,
    start::{attempt, start},
};

impl Auth {
    /// Fetches what a sign-in needs, so that the next click is answered sooner: the provider's
    /// metadata and, with the feature `split`, the client. Call it when the user is about to sign
    /// in, for example when the pointer enters the button. A failure is reported by the sign-in.
    pub fn prepare(self) {
        spawn_local(async move { drop((self.engine)(self, Task::Prepare).await) });
    }

    /// Leaves for the provider's sign-in page.
    pub fn sign_in(self) {
        self.sign_in_with(SigninRequestArgs::default());
    }

    /// Leaves for the provider's sign-in page with these arguments. After sign-in, the page goes to
    /// the path in [`SigninRequestArgs::return_to`], if there is one, and a router is informed.
    ///
    /// ```no_run
    /// use doorward_leptos::{SigninRequestArgs, use_auth};
    ///
    /// # fn component() {
    /// use_auth().sign_in_with(SigninRequestArgs::default().prompt("login").return_to("/orders"));
    /// # }
    /// ```
    pub fn sign_in_with(self, args: SigninRequestArgs) {
        if !self.leaving.get_untracked() {
            self.begin(AuthStep::SignIn, Task::SignIn(Box::new(args)));
        }
    }

    /// Leaves for the provider's sign-in page, and comes back to the present path.
    pub fn sign_in_and_return(self) {
        self.sign_in_with(SigninRequestArgs::default().return_to(page::path()));
    }

    /// Leaves for the provider's sign-in page without being asked, unless the page has done so
    /// twice within a minute.
    pub(crate) fn sign_in_by_itself(self) {
        if self.leaving.get_untracked() {
            return;
        }
        if page::may_leave() {
            self.sign_in_and_return();
        } else {
            self.waits.set(true);
        }
    }

    /// Leaves for the provider's sign-in page to bring the sign-in that an API needs (RFC 9470),
    /// and comes back to the present path. `again` says what the page has to repeat then: it is any
    /// value, which survives the redirect and is given by [`Auth::take_repeat`]. Call it while a
    /// click is handled, so that nothing turns in a circle.
    ///
    /// ```no_run
    /// use doorward_leptos::{ApiRequest, StepUp, use_auth};
    /// use leptos::prelude::*;
    ///
    /// # fn component() -> impl IntoView {
    /// let auth = use_auth();
    /// let asked = RwSignal::new(None::<(StepUp, u64)>);
    /// let pay = Action::new_local(move |order: &u64| {
    ///     let order = *order;
    ///     async move {
    ///         let url = format!("https://api.example/payments/{order}");
    ///         if let Err(error) = auth.call(ApiRequest::post(url)).await {
    ///             asked.set(error.step_up().map(|step_up| (step_up.clone(), order)));
    ///         }
    ///     }
    /// });
    /// // After the sign-in, the page is loaded anew, and pays.
    /// Effect::new(move |_| {
    ///     if let Some(order) = auth.take_repeat().and_then(|again| again.as_u64()) {
    ///         pay.dispatch_local(order);
    ///     }
    /// });
    /// let sign_in = move |_| {
    ///     if let Some((step_up, order)) = asked.get_untracked() {
    ///         auth.step_up(&step_up, order);
    ///     }
    /// };
    /// view! {
    ///     <button hidden=move || asked.get().is_none() on:click=sign_in>
    ///         "Sign in again to pay"
    ///     </button>
    /// }
    /// # }
    /// ```
    pub fn step_up(self, step_up: &StepUp, again: impl Into<Value>) {
        let sub = self.status.with_untracked(|status| {
            status.user().map(|user| Value::from(user.sub())).unwrap_or_default()
        });
        let again = Map::from_iter([("sub".to_owned(), sub), ("again".to_owned(), again.into())]);
        let state = Map::from_iter([("step_up".to_owned(), Value::Object(again))]);
        let args = self.status.with_untracked(|status| match status.user() {
            Some(user) => step_up.signin_args_for(user),
            None => step_up.signin_args(),
        });
        let args = args.state(Value::Object(state));
        self.sign_in_with(args.return_to(page::path()));
    }

    /// Signs out here and in the other tabs, and leaves for the provider's sign-out page. If the
    /// provider has none, the page stays.
    pub fn sign_out(self) {
        self.sign_out_with(SignoutRequestArgs::default());
    }

    /// The same with these arguments.
    pub fn sign_out_with(self, args: SignoutRequestArgs) {
        if !self.leaving.get_untracked() {
            self.begin(AuthStep::SignOut, Task::SignOut(args));
        }
    }

    /// Signs out here and in the tabs that share the user store. The session at the provider
    /// continues.
    pub fn sign_out_here(self) {
        self.dismiss();
        spawn_local(attempt(self, AuthStep::SignOut, Task::SignOutHere));
    }

    /// Repeats a step that failed.
    pub fn try_again(self, step: AuthStep) {
        self.dismiss();
        match step {
            AuthStep::SignIn => self.sign_in(),
            AuthStep::SignOut => self.sign_out(),
            AuthStep::Renew => spawn_local(attempt(self, AuthStep::Renew, Task::Renew)),
            AuthStep::Start | AuthStep::FinishSignIn | AuthStep::FinishSignOut => {
                spawn_local(start(self));
            }
        }
    }

    /// Clears the last failure.
    pub fn dismiss(self) {
        self.failure.set(None);
    }

    /// Calls the handler for the client's events until the subscription is dropped. Events are
    /// received from the first one on if this is called where sign-in is provided.
    pub fn subscribe(self, handler: impl FnMut(&AuthEvent) + 'static) -> AuthSubscription {
        let subscription = AuthSubscription::new(handler);
        self.live.subscribe(&subscription);
        subscription
    }

    /// Calls the handler for the client's events until the component that calls this is removed.
    ///
    /// ```no_run
    /// use doorward_leptos::{AuthEvent, use_auth};
    /// use leptos::prelude::*;
    ///
    /// #[component]
    /// fn Notice() -> impl IntoView {
    ///     let notice = RwSignal::new("");
    ///     use_auth().on_event(move |event| match event {
    ///         AuthEvent::AccessTokenExpiring => notice.set("Your session is being renewed."),
    ///         AuthEvent::UserSignedOut => notice.set("You have signed out."),
    ///         _ => {}
    ///     });
    ///     move || notice.get()
    /// }
    /// # let _ = Notice;
    /// ```
    pub fn on_event(self, handler: impl FnMut(&AuthEvent) + 'static) {
        let subscription = self.subscribe(handler);
        // The owner of the component drops the value.
        #[cfg(target_arch = "wasm32")]
        StoredValue::new_local(subscription);
        // On the server there are no events, and an owner may be dropped on another thread.
        #[cfg(not(target_arch = "wasm32"))]
        drop(subscription);
    }

    /// Leaves the page, unless it is being left already.
    fn begin(self, step: AuthStep, task: Task) {
        self.dismiss();
        self.leaving.set(true);
        spawn_local(attempt(self, step, task));
    }
}
