//! The pages.

use std::sync::Arc;

use axum::{
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use doorward_axum::SignedIn;
use minijinja::{Environment, context};

/// What the pages share.
#[derive(Clone)]
pub(crate) struct Site {
    templates: Arc<Environment<'static>>,
    http: reqwest::Client,
    /// An API that takes the user's tokens, such as the template `axum-api`.
    api: String,
}

impl Site {
    pub(crate) fn new(api: String) -> Result<Self, minijinja::Error> {
        let mut templates = Environment::new();
        templates.add_template("page.html", include_str!("../templates/page.html"))?;
        Ok(Self { templates: Arc::new(templates), http: reqwest::Client::new(), api })
    }

    fn page(&self, user: Option<&SignedIn>, text: &str) -> Response {
        let user = user.map(|user| user.claim("name").unwrap_or(user.sub()));
        let page = self.templates.get_template("page.html");
        match page.and_then(|page| page.render(context! { user, text })) {
            Ok(html) => Html(html).into_response(),
            Err(error) => {
                eprintln!("page.html: {error}");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// For everybody.
pub(crate) async fn home(State(site): State<Site>, user: Option<SignedIn>) -> Response {
    site.page(user.as_ref(), "This page is for everybody.")
}

/// For whoever is signed in. Others are sent to the provider, and come back.
pub(crate) async fn me(State(site): State<Site>, user: SignedIn) -> Response {
    site.page(Some(&user), &format!("You are {}.", user.sub()))
}

/// What an API answers to the user's token.
pub(crate) async fn greeting(State(site): State<Site>, user: SignedIn) -> Response {
    let token = match user.access_token() {
        Ok(token) => token,
        Err(error) => return site.page(Some(&user), &error.to_string()),
    };
    let call = site.http.get(format!("{}/hello", site.api)).bearer_auth(token.expose());
    let answer = match call.send().await {
        Ok(answer) if answer.status().is_success() => answer.text().await.unwrap_or_default(),
        Ok(answer) => format!("The API answered {}.", answer.status()),
        Err(_) => "The API does not answer.".to_owned(),
    };
    site.page(Some(&user), &answer)
}
