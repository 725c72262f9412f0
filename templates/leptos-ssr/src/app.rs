//! The page, on the server and in the browser.

use doorward_leptos::{
    ProtectedRoute, SessionRoutes, SignedIn, SignedOut, provide_session_auth, use_auth,
};
use leptos::prelude::*;
use leptos_router::{
    components::{A, Route, Router, Routes},
    path,
};

use crate::orders::Orders;

#[component]
pub fn App() -> impl IntoView {
    let auth = provide_session_auth(SessionRoutes::default());
    view! {
        <Router>
            <nav>
                <A href="/">"Start page"</A>
                " "
                <A href="/orders">"Orders"</A>
                " "
                <SignedIn>
                    "Signed in as "
                    <strong id="user">{move || auth.user_name()}</strong>
                    " "
                    <button id="signout" on:click=move |_| auth.sign_out()>"Sign out"</button>
                </SignedIn>
                <SignedOut>
                    <button id="signin" on:click=move |_| auth.sign_in()>"Sign in"</button>
                </SignedOut>
            </nav>
            <main>
                <Routes fallback=|| "No page has this address.">
                    <Route path=path!("/") view=Home/>
                    <ProtectedRoute
                        path=path!("/orders")
                        view=Orders
                        fallback=|| "Please sign in."
                    />
                </Routes>
            </main>
        </Router>
    }
}

#[component]
fn Home() -> impl IntoView {
    let auth = use_auth();
    view! {
        <h1>"Start page"</h1>
        <SignedIn>
            <p id="greeting">"Welcome, " {move || auth.user_name()}</p>
        </SignedIn>
        <SignedOut>
            <p id="greeting">"You are not signed in."</p>
        </SignedOut>
    }
}
