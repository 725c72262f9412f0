//! `GET /signin`: sends the browser to the provider. `POST /signin` lets somebody else begin that
//! by a form (OIDC Core section 4: "The Login Initiation Endpoint … HTTP GET and HTTP POST").

use std::sync::Arc;

use axum::{Extension, extract::Request, response::Response};
use doorward_client::SigninRequestArgs;
use doorward_protocol::params::{Params, encode};

use super::{passed_on, posted_params};
use crate::{Auth, Problem, ReturnTo, auth::redirect, layer::RequestSession, refusal::Asker};

/// The longest parameter that is passed on, in bytes: the provider's URL must not get too long.
pub(super) const LONGEST: usize = 512;
/// The longest posted parameter that is passed on, in bytes: it becomes a part of an address.
const LONGEST_POSTED: usize = 2048;

pub(super) async fn sign_in(
    Extension(auth): Extension<Auth>,
    Extension(slot): Extension<Arc<RequestSession>>,
    request: Request,
) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let params = Params::parse(query).unwrap_or_default();
    let begun = if params.is_sent("iss") {
        initiated(&auth, &slot, &request.uri().to_string()).await
    } else {
        let return_to = ReturnTo::or_start(params.get("return_to"));
        auth.send_to_provider(&slot, asked_by_link(&auth, &params), &return_to).await
    };
    begun.unwrap_or_else(|problem| auth.answer(&problem, &Asker::of_request(&request)))
}

/// What a link to the route asks for. Anybody can write one: it can make the sign-in stricter, and
/// choose among what the application offers.
fn asked_by_link(auth: &Auth, params: &Params) -> SigninRequestArgs {
    let text = |name: &str| params.get(name).filter(|text| text.len() <= LONGEST);
    let own = |name: &str| text(name).map(str::to_owned);
    let mut args = SigninRequestArgs::default();
    args.acr_values = own("acr_values");
    args.max_age = text("max_age").and_then(|seconds| seconds.parse().ok());
    args.login_hint = own("login_hint");
    // `none` would end in an error that nobody asked for.
    args.prompt = own("prompt").filter(|prompt| prompt != "none");
    args.display = own("display");
    args.ui_locales = own("ui_locales");
    args.added_scope = text("scope").map(|scope| allowed_scope(auth, scope));
    args.extra_query_params = passed_on(auth, params);
    args
}

/// What of a scope a link may ask for, beside the scope of the settings.
fn allowed_scope(auth: &Auth, asked: &str) -> String {
    let has = |scope: &str, token: &str| scope.split(' ').any(|own| own == token);
    let (own, further) = (&auth.settings.protocol.scope, &auth.settings.further_scope);
    let (allowed, others): (Vec<_>, Vec<_>) =
        asked.split_ascii_whitespace().partition(|token| has(further, token) || has(own, token));
    if !others.is_empty() {
        tracing::debug!(scope = ?others, "a link asked for scope that further_scope does not list");
    }
    allowed.join(" ")
}

/// A sign-in that somebody else begins by a form. The form comes from another site, so the browser
/// sends none of our cookies with it. The same request by GET comes with all of them. This one
/// changes nothing, whoever made the browser post it.
pub(super) async fn posted(Extension(auth): Extension<Auth>, request: Request) -> Response {
    let asker = Asker::of_request(&request);
    let posted = posted_params(request, &SigninRequestArgs::INITIATION).await;
    let short = posted.iter().filter(|(_, text)| text.len() <= LONGEST_POSTED);
    let link = format!("{}?{}", auth.settings.sign_in_path, encode(short));
    match begun_by(&auth, &link) {
        Ok(_) => redirect(&link, Vec::new()),
        Err(problem) => auth.answer(&problem, &asker),
    }
}

/// A sign-in that somebody else begins, as the provider's page of applications
/// (`initiate_login_uri`). Anybody can write such a link: it must name the issuer of the settings,
/// and a place of this application (`target_link_uri`).
async fn initiated(auth: &Auth, slot: &RequestSession, opened: &str) -> Result<Response, Problem> {
    let mut args = begun_by(auth, opened)?;
    let return_to = ReturnTo::or_start(args.return_to.as_deref());
    args.login_hint = args.login_hint.filter(|hint| hint.len() <= LONGEST);
    auth.send_to_provider(slot, args, &return_to).await
}

/// What this address asks for, which somebody else may have written.
fn begun_by(auth: &Auth, opened: &str) -> Result<SigninRequestArgs, Problem> {
    SigninRequestArgs::initiated(opened, &auth.settings.protocol)
        .map_err(|error| Problem::Protocol(Box::new(error)))
}
