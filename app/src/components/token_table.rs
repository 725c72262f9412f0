//! The table of tokens.

use doorward_client::User;
use doorward_leptos::use_auth;
use leptos::prelude::*;

use super::{ExpiryRow, TokenRow};
use crate::derived::derived;

/// Number, name and value of the ID token, the access token, the refresh token and the expiry.
#[component]
pub fn TokenTable() -> impl IntoView {
    let auth = use_auth();
    let token = move |read: fn(&User) -> Option<&str>| {
        derived(move || {
            let token = auth.with_user(|user| read(user).map(str::to_owned));
            token.flatten().unwrap_or_default()
        })
    };
    view! {
        <section class="card stack" aria-labelledby="tokens-title">
            <div class="stack stack-tight">
                <h2 id="tokens-title">"Tokens"</h2>
                <p class="muted">"Anyone who has these tokens can act as you. A real application \
                    never shows them."</p>
            </div>
            <table class="tokens">
                <caption class="visually-hidden">
                    "The tokens that the provider issued for the signed-in user"
                </caption>
                <thead>
                    <tr>
                        <th scope="col">"#"</th>
                        <th scope="col">"Key"</th>
                        <th scope="col">"Value"</th>
                    </tr>
                </thead>
                <tbody>
                    <TokenRow
                        number="1"
                        name="id_token"
                        token=token(|user| user.id_token.as_deref())
                        decodable=true
                    />
                    <TokenRow
                        number="2"
                        name="access_token"
                        token=token(|user| Some(&user.access_token))
                        decodable=true
                    />
                    <TokenRow
                        number="3"
                        name="refresh_token"
                        token=token(|user| user.refresh_token.as_deref())
                        decodable=false
                    />
                    <ExpiryRow number="4"/>
                </tbody>
            </table>
        </section>
    }
}
