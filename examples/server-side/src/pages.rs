//! The pages.

use std::sync::Arc;

use axum::{
    Form,
    extract::State,
    http::{Method, StatusCode},
    response::{Html, IntoResponse, Response},
};
use doorward_axum::{Authorized, SignedIn};
use minijinja::{Environment, context};
use serde::Deserialize;

use crate::{
    policies::{AdminPolicy, RecentSignInPolicy},
    settings::Settings,
};

/// What the pages share.
#[derive(Clone)]
pub(crate) struct Site {
    templates: Arc<Environment<'static>>,
    http: reqwest::Client,
    /// What is called with the user's token.
    call: String,
}

/// The claims that the pages show.
#[derive(Deserialize)]
struct Profile {
    name: Option<String>,
    preferred_username: Option<String>,
}

impl Site {
    pub(crate) fn new(settings: &Settings) -> Result<Self, minijinja::Error> {
        let mut templates = Environment::new();
        templates.add_template("layout.html", include_str!("../templates/layout.html"))?;
        templates.add_template("home.html", include_str!("../templates/home.html"))?;
        templates.add_template("page.html", include_str!("../templates/page.html"))?;
        let (http, call) = (reqwest::Client::new(), settings.call.clone());
        Ok(Self { templates: Arc::new(templates), http, call })
    }

    fn page(&self, user: &SignedIn, title: &str, text: &str) -> Response {
        self.render("page.html", Some(user), context! { title, text })
    }

    fn render(&self, name: &str, user: Option<&SignedIn>, page: minijinja::Value) -> Response {
        let user = user.map(|user| {
            let form_token = user.form_token();
            context! { name => name_of(user), form_token => form_token.expose() }
        });
        let rendered = self
            .templates
            .get_template(name)
            .and_then(|template| template.render(context! { user, ..page }));
        match rendered {
            Ok(html) => Html(html).into_response(),
            Err(error) => {
                eprintln!("{name}: {error}");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// How the user is called.
fn name_of(user: &SignedIn) -> String {
    let profile = user.claims::<Profile>().ok();
    let name = profile.and_then(|profile| profile.name.or(profile.preferred_username));
    name.unwrap_or_else(|| user.sub().to_owned())
}

/// For everybody.
pub(crate) async fn home(State(site): State<Site>, user: Option<SignedIn>) -> Response {
    site.render("home.html", user.as_ref(), context! { title => "Start page" })
}

/// For whoever is signed in.
pub(crate) async fn me(State(site): State<Site>, user: SignedIn) -> Response {
    let claims: Vec<_> = user
        .profile()
        .iter()
        .map(|(name, value)| context! { name, value => value.to_string() })
        .collect();
    site.render("page.html", Some(&user), context! { title => "Your claims", claims })
}

/// For administrators.
pub(crate) async fn admin(State(site): State<Site>, user: Authorized<AdminPolicy>) -> Response {
    site.page(&user, "Administration", "You meet AdminPolicy.")
}

/// For whoever signed in within the last minute. Others are asked to sign in again.
pub(crate) async fn recent(
    State(site): State<Site>,
    user: Authorized<RecentSignInPolicy>,
) -> Response {
    site.page(&user, "Recent sign-in", "You signed in a moment ago.")
}

/// Calls the API with the user's token.
pub(crate) async fn call(State(site): State<Site>, user: SignedIn) -> Response {
    let text = match site.answer(&user).await {
        Ok(status) => format!("The API answered {status}."),
        Err(text) => text,
    };
    site.page(&user, "The API", &text)
}

impl Site {
    /// The status of the API's answer, or what went wrong.
    async fn answer(&self, user: &SignedIn) -> Result<StatusCode, String> {
        let answer = self.call_once(user, None).await?;
        // An API may want a value of its own in the proof (RFC 9449 section 9).
        let nonce = answer.headers().get("dpop-nonce").and_then(|nonce| nonce.to_str().ok());
        if let (StatusCode::UNAUTHORIZED, Some(nonce)) = (answer.status(), nonce) {
            return Ok(self.call_once(user, Some(nonce)).await?.status());
        }
        Ok(answer.status())
    }

    async fn call_once(
        &self,
        user: &SignedIn,
        nonce: Option<&str>,
    ) -> Result<reqwest::Response, String> {
        // The token, and a proof if it is bound to a key.
        let credentials = user.credentials(&Method::GET, &self.call, nonce);
        let credentials = credentials.map_err(|error| error.to_string())?;
        let sent = self.http.get(&self.call).headers(credentials).send().await;
        sent.map_err(|_| "The API does not answer.".to_owned())
    }
}

/// A form.
#[derive(Deserialize)]
pub(crate) struct Greeting {
    name: String,
}

/// What a form changes. Forged requests do not come here.
pub(crate) async fn greeting(
    State(site): State<Site>,
    user: SignedIn,
    Form(greeting): Form<Greeting>,
) -> Response {
    site.page(&user, "Greeting", &format!("Hello {}!", greeting.name))
}
