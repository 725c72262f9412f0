//! The code of the guide `docs/guides/leptos.md`. The test in `examples/guides` compares both.

// The component macro generates a struct for the properties of each component.
#![allow(clippy::must_use_candidate, missing_docs)]

use std::sync::LazyLock;

use doorward_leptos::{
    ApiRequest, Auth, AuthLoading, AuthOptions, Error, NotAuthorized, Policy, ProtectedRoute,
    RequireAuth, RequirePolicy, RequiredPolicy, SessionRoutes, Settings, SignedIn, SignedOut,
    authorized, provide_auth_with, provide_session_auth, use_auth, use_auth_of,
};
use leptos::{prelude::*, web_sys};
use leptos_router::{
    components::{Route, Router, Routes},
    path,
};

#[component]
pub fn Parts() -> impl IntoView {
    let auth = use_auth();
    view! {
        <AuthLoading>"One moment …"</AuthLoading>
        <SignedOut>
            <button on:pointerenter=move |_| auth.prepare() on:click=move |_| auth.sign_in()>
                "Sign in"
            </button>
        </SignedOut>
        <SignedIn>"Welcome, " {move || auth.user_name()}</SignedIn>
    }
}

#[component]
fn Home() -> impl IntoView {
    "Home"
}

#[component]
fn Account() -> impl IntoView {
    "Account"
}

#[component]
pub fn Routed() -> impl IntoView {
    view! {
        <Router>
            <Routes fallback=|| "Not found">
                <Route path=path!("/") view=Home/>
                <ProtectedRoute
                    path=path!("/account")
                    view=Account
                    loading=|| "One moment …"
                    fallback=|| "Please sign in."
                />
            </Routes>
        </Router>
    }
}

pub fn with_roles_of_keycloak(settings: Settings) -> Auth {
    // For Entra ID it is `roles`, and for Okta `groups`.
    AuthOptions::new(settings).roles_at(&["/realm_access/roles"]).provide()
}

#[derive(serde::Deserialize)]
struct Claims {
    email: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
}

pub fn is_editor() -> bool {
    let claims = use_auth().claims::<Claims>();
    claims.is_some_and(|claims| claims.email.is_some() && claims.groups.contains(&"editors".into()))
}

#[derive(serde::Deserialize)]
pub struct Order {
    pub id: u64,
}

pub async fn orders() -> Result<Vec<Order>, Error> {
    let response = use_auth().call(ApiRequest::get("https://api.example/orders")).await?;
    Ok(response.json().unwrap_or_default())
}

pub async fn upload(form: &web_sys::FormData) -> Result<u16, Error> {
    let init = web_sys::RequestInit::new();
    init.set_method("POST");
    init.set_body(form);
    init.set_signal(Some(&web_sys::AbortSignal::timeout_with_u32(60_000)));
    let response = use_auth().fetch("https://api.example/files", &init).await?;
    Ok(response.status())
}

pub async fn stock() -> Result<String, Error> {
    let request = ApiRequest::get("https://stock.example/items").resource("https://stock.example/");
    Ok(use_auth().call(request).await?.body)
}

/// The sign-in at the bank.
struct Bank;

pub fn at_the_bank(settings: Settings) -> impl IntoView {
    AuthOptions::new(settings).provide_as::<Bank>();
    let bank = use_auth_of::<Bank>();
    view! { <RequireAuth auth=bank>"Your accounts"</RequireAuth> }
}

/// Who may close orders: the page, the server functions and the API ask the same.
pub struct Sales;

impl RequiredPolicy for Sales {
    fn policies() -> &'static [Policy] {
        static POLICIES: LazyLock<[Policy; 1]> =
            LazyLock::new(|| [Policy::require_claim("department", "Sales")]);
        &*POLICIES
    }
}

#[component]
pub fn CloseButton() -> impl IntoView {
    let policy = Policy::require_claim("department", "Sales");
    view! {
        <RequirePolicy policy fallback=|| "Sales only.">
            <button>"Close"</button>
        </RequirePolicy>
    }
}

#[component]
pub fn App() -> impl IntoView {
    let auth = provide_session_auth(SessionRoutes::default());
    view! {
        <SignedIn>"Welcome, " {move || auth.user_name()}</SignedIn>
        <SignedOut>
            <button on:click=move |_| auth.sign_in()>"Sign in"</button>
        </SignedOut>
    }
}

// With `#[server]`.
pub async fn close(order: u64) -> Result<String, NotAuthorized> {
    let user = authorized::<Sales>().await?;
    Ok(format!("{:?} closed {order}", user.profile.get("sub")))
}

pub fn after(refused: &NotAuthorized) {
    // Signs in again as the policy asks for, and comes back to this page.
    if let Some(args) = refused.sign_in_args() {
        use_auth().sign_in_with(args);
    }
}

pub fn rendered_without_a_session() {
    provide_auth_with(|| async {
        let here = location().origin().ok()? + "/";
        Some(Settings::new("https://id.example.com", "my-page", here))
    });
}
