//! Access tokens for further APIs, each by the refresh token with `resource` (RFC 8707 section
//! 2.2). They are kept in memory alone.

use std::{cell::RefCell, rc::Rc, time::Duration};

use doorward_protocol::{json, jws::UnverifiedJws};
use serde_json::Value;

use crate::{
    Error, Fault,
    client::Client,
    flow::tokens::{ReceivedTokens, add_params},
    lean::{single_flight::SharedWork, url},
    metadata::Endpoint,
    transport::unexpected,
    user_store::{StoredSession, StoredUser},
};

/// A token is asked for again if it would expire within this time.
const LEAD: Duration = Duration::from_secs(30);
/// How many APIs are remembered. The oldest is forgotten first.
const REMEMBERED: usize = 32;

/// The tokens for further APIs of one client.
#[derive(Default)]
pub(crate) struct ResourceTokens {
    tokens: RefCell<Vec<ResourceToken>>,
    /// The requests that are running.
    running: RefCell<Vec<(String, SharedWork)>>,
}

struct ResourceToken {
    resource: String,
    /// The session that the token belongs to.
    session: String,
    access_token: String,
    /// On the monotonic clock. `None` if the provider did not say.
    usable_until: Option<Duration>,
}

impl ResourceTokens {
    fn find(&self, resource: &str, session: &str, now: Duration) -> Option<String> {
        let tokens = self.tokens.borrow();
        let token = tokens.iter().find(|token| {
            token.resource == resource
                && token.session == session
                && token.usable_until.is_none_or(|until| now < until)
        });
        token.map(|token| token.access_token.clone())
    }

    /// Forgets a token that an API refused.
    pub(crate) fn forget(&self, access_token: &str) {
        self.tokens.borrow_mut().retain(|token| token.access_token != access_token);
    }

    fn keep(&self, token: ResourceToken) {
        let mut tokens = self.tokens.borrow_mut();
        // Those of an earlier session are of no use.
        tokens.retain(|own| own.resource != token.resource && own.session == token.session);
        if tokens.len() == REMEMBERED {
            drop(tokens.remove(0));
        }
        tokens.push(token);
    }
}

impl Client {
    /// Returns a valid token for this API. Callers at the same time share one request.
    pub(crate) async fn resource_token(self: &Rc<Self>, resource: &str) -> Result<String, Fault> {
        let session = self.users.get()?.ok_or(Error::NotSignedIn)?.stored.session_id();
        let now = self.ports.clock.monotonic();
        if let Some(token) = self.resources.find(resource, &session, now) {
            return Ok(token);
        }
        self.request_for(resource).outcome().await?;
        let now = self.ports.clock.monotonic();
        // A token that lives for less than `LEAD` is better than none.
        let token = self.resources.find(resource, &session, now.saturating_sub(LEAD));
        token.ok_or_else(|| Error::NotSignedIn.into())
    }

    /// The running request for a token of this API, or a new one.
    fn request_for(self: &Rc<Self>, resource: &str) -> SharedWork {
        let mut running = self.resources.running.borrow_mut();
        running.retain(|(_, work)| !work.is_done());
        if let Some((_, work)) = running.iter().find(|(own, _)| own == resource) {
            return work.clone();
        }
        let (client, of) = (Rc::clone(self), resource.to_owned());
        let request = Box::pin(async move { client.renew_alone(Some(&of)).await });
        let work = SharedWork::start(&*self.ports.timer, request);
        running.push((resource.to_owned(), work.clone()));
        work
    }

    /// Sends the refresh token for a token of this API.
    pub(crate) async fn redeem_for(
        &self,
        stored: &StoredUser,
        resource: &str,
    ) -> Result<Box<ReceivedTokens>, Fault> {
        let refresh_token = stored.user.refresh_token.as_deref().ok_or(Error::NoRefreshToken)?;
        let mut form = url::encoded(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
            ("resource", resource),
        ]);
        add_params(&mut form, &[], &self.settings.extra_token_params);
        self.tokens.grant(&form).await
    }

    /// Refuses the token of an answer that is for another API: a provider that does not know
    /// `resource` ignores it. The API that it is shown to could use it at the other one.
    pub(crate) async fn check_is_for(
        &self,
        stored: &StoredUser,
        resource: &str,
        answer: &ReceivedTokens,
    ) -> Result<(), Fault> {
        if may_be_for(&answer.access_token, &stored.user.access_token, resource) {
            return Ok(());
        }
        let url = self.metadata.endpoint(Endpoint::Token).await?;
        Err(unexpected(&url, "the token is not for the API that was asked for (resource)"))
    }

    /// Keeps the token of an answer for its API.
    pub(crate) fn keep_for(&self, session: &StoredSession, resource: &str, answer: ReceivedTokens) {
        let now = self.ports.clock.monotonic();
        let until = |life: u64| (now + Duration::from_secs(life)).saturating_sub(LEAD);
        self.resources.keep(ResourceToken {
            resource: resource.to_owned(),
            session: session.stored.session_id(),
            access_token: answer.access_token,
            usable_until: answer.expires_in.map(until),
        });
    }
}

/// Whether a token may be for this API. It is not if it is as the page's own token, `own`, and its
/// audience does not have the API's name, with or without a slash at the end. Another audience may
/// be the provider's name for the API (RFC 8707 section 2), and an opaque token does not tell.
fn may_be_for(access_token: &str, own: &str, resource: &str) -> bool {
    let names_api =
        |audience: &[String]| audience.iter().any(|name| plain(name) == plain(resource));
    match (audience(access_token), audience(own)) {
        (Some(audience), own) => names_api(&audience) || own.as_ref() != Some(&audience),
        (None, _) => access_token != own,
    }
}

/// The audience of a token. `None` if it is no JWT.
fn audience(token: &str) -> Option<Vec<String>> {
    let jws = UnverifiedJws::parse(token).ok()?;
    let claims = json::object(jws.unverified_payload()).unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Some(match claims.get("aud") {
        Some(Value::Array(all)) => all.iter().filter_map(text).collect(),
        one => one.and_then(text).into_iter().collect(),
    })
}

/// The name without a slash at its end.
fn plain(name: &str) -> &str {
    name.strip_suffix('/').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use doorward_protocol::base64url;
    use serde_json::json;

    use super::*;

    fn jwt(aud: &Value, sub: &str) -> String {
        let part = |value: Value| base64url::encode(value.to_string());
        let header = part(json!({"alg": "ES256"}));
        [&header, ".", &part(json!({"aud": aud, "sub": sub})), ".", "AAAA"].concat()
    }

    #[test]
    fn a_token_that_is_as_the_page_s_own_is_for_no_other_api() {
        let stock = "https://stock.example/";
        let own = jwt(&json!("https://orders.example/"), "alice");
        for other in [
            own.clone(),
            jwt(&json!("https://orders.example/"), "another token"),
            jwt(&json!(["https://orders.example/", 7]), "alice"),
        ] {
            assert!(!may_be_for(&other, &own, stock), "{other}");
        }
        assert!(!may_be_for("opaque", "opaque", stock));
        assert!(may_be_for("opaque", &own, stock));
        for aud in [
            json!(stock),
            json!("https://stock.example"),
            json!(["https://orders.example/", stock]),
            // What the provider calls the API.
            json!("stock-api"),
        ] {
            assert!(may_be_for(&jwt(&aud, "alice"), &own, stock), "{aud}");
        }
        let both = jwt(&json!(["https://orders.example/", stock]), "alice");
        assert!(may_be_for(&both, &both, stock), "one token for both");
    }
}
