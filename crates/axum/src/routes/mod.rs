//! The routes of sign-in and sign-out.

mod back_channel;
mod callback;
mod front_channel;
mod sign_in;
mod sign_out;

use axum::{
    Extension, Router,
    body::to_bytes,
    extract::Request,
    routing::{get, post},
};
use doorward_protocol::params::Params;

pub(crate) use self::sign_out::{leave, leave_here};
use crate::{Auth, auth::redirect};

/// All routes. They need the layer of [`Auth::attach`].
pub(crate) fn router<S: Clone + Send + Sync + 'static>(auth: &Auth) -> Router<S> {
    let (settings, checked) = (&auth.settings, &auth.checked);
    let router = Router::new()
        .route(&settings.sign_in_path, get(sign_in::sign_in))
        .route(&checked.callback_path, get(callback::callback))
        .route(&settings.sign_out_path, post(sign_out::sign_out))
        .route(&settings.back_channel_path, post(back_channel::logout))
        .route(&settings.front_channel_path, get(front_channel::logout));
    let router = if checked.takes_posts {
        router.route(&checked.callback_path, post(callback::posted))
    } else {
        router
    };
    let router = if settings.takes_posted_starts(checked) {
        router.route(&settings.sign_in_path, post(sign_in::posted))
    } else {
        router
    };
    let after = settings.after_sign_out.clone();
    let router = match &checked.post_logout_path {
        // Nothing depends on it: the session has ended before the browser went to the provider.
        Some(path) => router.route(path, get(async move || redirect(&after, Vec::new()))),
        None => router,
    };
    router.layer(Extension(auth.clone()))
}

/// The longest form of another site that is read, in bytes.
const LONGEST_FORM: usize = 16 * 1024;

/// What a form of another site says of these names. A form that can't be read says nothing.
async fn posted_params(request: Request, names: &[&str]) -> Params {
    let form = to_bytes(request.into_body(), LONGEST_FORM).await.unwrap_or_default();
    Params::parse(&form).unwrap_or_default().filtered(|name| names.contains(&name))
}

/// The parameters of a link that the provider gets as they are
/// ([`link_parameters`](crate::SignInSettings::link_parameters)).
fn passed_on(auth: &Auth, params: &Params) -> Vec<(String, String)> {
    let names = &auth.settings.link_parameters;
    let passed = params.iter().filter(|(name, text)| {
        text.len() <= sign_in::LONGEST && names.iter().any(|own| own == name)
    });
    passed.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}
