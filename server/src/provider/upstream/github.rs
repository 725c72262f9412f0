//! Sign-in with GitHub, which speaks OAuth 2.0 and has no ID tokens: who the user is, its API says.
//! An address counts only if GitHub has verified it.

use async_trait::async_trait;
use doorward_admin::types::identity_provider_settings::GITHUB;
use doorward_protocol::secret::Secret;
use doorward_provider::{
    model::external_identity::UpstreamUser,
    use_case::upstream::{
        BegunRequest, Examined, UpstreamAnswer, UpstreamClient, UpstreamError, UpstreamLogout,
        UpstreamRequest,
    },
};
use doorward_relying_party::{RelyingParty, SigninRequestArgs};
use reqwest::{
    Client, Response,
    header::{ACCEPT, USER_AGENT},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use super::{SELECT_ACCOUNT, examination, failure, requests::Requests};
use crate::provider::to_clients::{BodyError, body};

/// Longer answers are refused, in bytes.
const LONGEST_ANSWER: usize = 1024 * 1024;
/// The client of GitHub, or of a GitHub Enterprise Server.
#[derive(Debug)]
pub struct GitHub {
    relying_party: RelyingParty,
    http: Client,
    requests: Requests,
    issuer: String,
}

/// The user, as the API has them.
#[derive(Deserialize)]
struct Account {
    id: u64,
    login: String,
    name: Option<String>,
    html_url: Option<String>,
    avatar_url: Option<String>,
}

/// An address of the user.
#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

impl GitHub {
    /// A client for this issuer: GitHub itself, or the address of a server.
    pub fn new(
        relying_party: RelyingParty,
        issuer: String,
        requests: &Requests,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self { relying_party, http: requests.client()?, requests: requests.clone(), issuer })
    }

    /// Asks the API about the user of this token.
    async fn ask<T: DeserializeOwned>(&self, path: &str, token: &str) -> Result<T, UpstreamError> {
        let api = match self.issuer.as_str() {
            GITHUB => "https://api.github.com".to_owned(),
            server => format!("{}/api/v3", server.trim_end_matches('/')),
        };
        let url = format!("{api}{path}");
        self.requests.check(&url).map_err(UpstreamError::Unavailable)?;
        let request = self
            .http
            .get(&url)
            .bearer_auth(token)
            .header(ACCEPT, "application/vnd.github+json")
            .header(USER_AGENT, "doorward");
        let answer = request.send().await.map_err(unavailable)?;
        let status = answer.status();
        if status.is_server_error() {
            return Err(UpstreamError::Unavailable(format!("{url} answered {status}")));
        }
        let body = short_body(answer).await?;
        serde_json::from_slice(&body).map_err(|_| {
            UpstreamError::NotAccepted(format!("{url} answered {status} without what was asked"))
        })
    }
}

/// The body of an answer, unless it is too long.
async fn short_body(answer: Response) -> Result<Vec<u8>, UpstreamError> {
    body(answer, LONGEST_ANSWER).await.map_err(|error| match error {
        BodyError::TooLong(_) => UpstreamError::NotAccepted("the answer is too long".to_owned()),
        BodyError::Broken(error) => unavailable(error),
    })
}

fn unavailable(error: reqwest::Error) -> UpstreamError {
    UpstreamError::Unavailable(error.without_url().to_string())
}

#[async_trait]
impl UpstreamClient for GitHub {
    async fn begin(&self, request: UpstreamRequest) -> Result<BegunRequest, UpstreamError> {
        if request.again || request.max_age.is_some() {
            let cause = "GitHub does not say when its users have signed in";
            return Err(UpstreamError::TooOld(cause.to_owned()));
        }
        let mut args = SigninRequestArgs::default();
        // The one value that it knows ("Authorizing OAuth apps").
        args.prompt = request.select_account.then(|| SELECT_ACCOUNT.to_owned());
        // GitHub's own name for it.
        args.extra_query_params =
            request.login_hint.map(|hint| ("login".to_owned(), hint)).into_iter().collect();
        let begun = self.relying_party.begin(args).await.map_err(failure)?;
        let pending = Secret::new(begun.pending);
        Ok(BegunRequest { url: begun.url, state: begun.state, pending })
    }

    async fn finish(
        &self,
        state: String,
        pending: Secret,
        url: String,
    ) -> Result<UpstreamAnswer, UpstreamError> {
        let finished = self.relying_party.finish(state, pending.into_exposed(), url).await;
        let token = finished.map_err(failure)?.user.access_token;
        let account: Account = self.ask("/user", &token).await?;
        let addresses: Vec<Address> = self.ask("/user/emails", &token).await?;
        let verified = addresses.into_iter().find(|address| address.primary && address.verified);
        let sub = account.id.to_string();
        let claims = json!({
            "sub": sub,
            "preferred_username": account.login,
            "name": account.name,
            "profile": account.html_url,
            "picture": account.avatar_url,
            "email": verified.as_ref().map(|address| &address.email),
            "email_verified": verified.as_ref().map(|_| true),
        });
        let claims = claims.as_object().cloned().unwrap_or_default();
        let claims = claims.into_iter().filter(|(_, value)| !value.is_null()).collect();
        let user = UpstreamUser {
            issuer: self.issuer.clone(),
            sub,
            claims,
            auth_time: None,
            amr: Vec::new(),
            acr: None,
            sid: None,
            provisioned_as: None,
        };
        Ok(UpstreamAnswer { user, id_token: None })
    }

    async fn end_session_url(
        &self,
        _: Secret,
        _: Option<Secret>,
    ) -> Result<Option<String>, UpstreamError> {
        Ok(None)
    }

    async fn verify_logout_token(&self, _: String) -> Result<UpstreamLogout, UpstreamError> {
        Err(UpstreamError::NotAccepted("GitHub sends no logout tokens".to_owned()))
    }

    async fn examine(&self) -> Vec<Examined> {
        vec![examination::request(self).await]
    }
}
