//! `GET /signin`: sends the browser to the provider. `POST /signin` lets somebody else begin that
//! by a form (OIDC Core section 4: "The Login Initiation Endpoint … HTTP GET and HTTP POST").

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Query, Request, rejection::QueryRejection},
    response::Response,
};
use doorward_client::SigninRequestArgs;
use serde::Deserialize;

use crate::{
    Auth, Problem, ReturnTo, auth::redirect, layer::Slot, refusal::Asker, routes::posted_params,
};

/// The longest parameter that is passed on, in bytes: the provider's URL must not get too long.
const LONGEST: usize = 512;

/// What a link to the route may say. All of it can only make the sign-in stricter.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Parameters {
    /// Where to go afterwards, a path of this application.
    return_to: Option<String>,
    acr_values: Option<String>,
    max_age: Option<u64>,
    login_hint: Option<String>,
    prompt: Option<String>,
    /// The issuer, if somebody else begins the sign-in (OIDC Core section 4).
    iss: Option<String>,
}

pub(super) async fn sign_in(
    Extension(auth): Extension<Auth>,
    Extension(slot): Extension<Arc<Slot>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
    request: Request,
) -> Response {
    let parameters = parameters.map(|Query(parameters)| parameters).unwrap_or_default();
    if parameters.iss.is_some() {
        let opened = request.uri().to_string();
        let begun = initiated(&auth, &slot, &opened).await;
        return begun.unwrap_or_else(|problem| auth.answer(&problem, &Asker::of_request(&request)));
    }
    let return_to = ReturnTo::or_start(parameters.return_to.as_deref());
    let mut args = SigninRequestArgs::default();
    let usable = |text: &String| !text.is_empty() && text.len() <= LONGEST;
    args.acr_values = parameters.acr_values.filter(usable);
    args.max_age = parameters.max_age;
    args.login_hint = parameters.login_hint.filter(usable);
    // `none` would end in an error that nobody asked for.
    args.prompt = parameters.prompt.filter(|prompt| usable(prompt) && prompt != "none");
    match auth.send_to_provider(&slot.cookies, args, &return_to).await {
        Ok(response) => response,
        Err(problem) => auth.answer(&problem, &Asker::of_request(&request)),
    }
}

/// A sign-in that somebody else begins by a form. The form comes from another site, so the browser
/// sends none of our cookies with it. The same request by GET comes with all of them. This one
/// changes nothing, whoever made the browser post it.
pub(super) async fn posted(Extension(auth): Extension<Auth>, request: Request) -> Response {
    let asker = Asker::of_request(&request);
    let query = posted_params(request, &SigninRequestArgs::INITIATION).await.encode();
    let link = format!("{}?{query}", auth.settings.sign_in_path);
    match begun_by(&auth, &link) {
        Ok(_) => redirect(&link, Vec::new()),
        Err(problem) => auth.answer(&problem, &asker),
    }
}

/// A sign-in that somebody else begins, as the provider's page of applications
/// (`initiate_login_uri`). Anybody can write such a link: it must name the issuer of the settings,
/// and a place of this application (`target_link_uri`).
async fn initiated(auth: &Auth, slot: &Slot, opened: &str) -> Result<Response, Problem> {
    let mut args = begun_by(auth, opened)?;
    let return_to = ReturnTo::or_start(args.return_to.as_deref());
    args.login_hint = args.login_hint.filter(|hint| hint.len() <= LONGEST);
    auth.send_to_provider(&slot.cookies, args, &return_to).await
}

/// What this address asks for, which somebody else may have written.
fn begun_by(auth: &Auth, opened: &str) -> Result<SigninRequestArgs, Problem> {
    SigninRequestArgs::initiated(opened, &auth.settings.protocol)
        .map_err(|error| Problem::Protocol(Box::new(error)))
}
