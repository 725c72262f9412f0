//! What a renewal brings: verified, and put into the user (OIDC Core section 12.2).

use std::rc::Rc;

use doorward_protocol::{json, jws::UnverifiedJws};
use serde_json::{Map, Value};

use crate::{
    Error, Fault, User,
    client::Client,
    flow::{claims, tokens::ReceivedTokens},
    id_token::{Nonce, RequiredSignIn, VerifiedIdToken},
    settings::MergeClaims,
    user_store::StoredUser,
};

/// Claims about the sign-in. A renewed ID token is about the same one, whether it says so or not.
const OF_THE_SIGN_IN: [&str; 4] = ["acr", "amr", "auth_time", "sid"];

impl Client {
    /// Verifies a renewal and returns the user with the new tokens.
    pub(crate) async fn verified_renewal(
        &self,
        stored: &StoredUser,
        response: &ReceivedTokens,
    ) -> Result<Rc<StoredUser>, Fault> {
        let id_token = match self.verify_renewed(response, &stored.user).await {
            Ok(id_token) => id_token,
            Err(error) => {
                if !error.is_transient() {
                    self.forget_unverified(response);
                }
                return Err(error);
            }
        };
        let profile = self.renewed_profile(stored, response, id_token.as_ref()).await;
        Ok(Rc::new(renewed(stored, response, id_token.is_some(), profile)))
    }

    /// The profile follows the renewed ID token and userinfo: what the provider took away is gone,
    /// but for what is known of the sign-in (OIDC Core section 12.2).
    /// A failure of userinfo does not fail the renewal, whose refresh token is spent. The old
    /// profile is kept then, with the claims of the new ID token.
    async fn renewed_profile(
        &self,
        stored: &StoredUser,
        response: &ReceivedTokens,
        id_token: Option<&VerifiedIdToken>,
    ) -> Map<String, Value> {
        let kept = &stored.user.profile;
        let profile = id_token.map_or_else(
            || kept.clone(),
            |id_token| {
                let mut claims = id_token.claims.clone();
                for name in OF_THE_SIGN_IN {
                    if let (None, Some(known)) = (claims.get(name), kept.get(name)) {
                        claims.insert(name.to_owned(), known.clone());
                    }
                }
                claims::filtered(claims, &self.settings.filter_protocol_claims)
            },
        );
        let sub = id_token.map_or(stored.user.sub(), VerifiedIdToken::sub);
        let with_user_info = self.with_user_info(profile.clone(), &response.access_token, sub);
        if let Ok(profile) = with_user_info.await {
            return profile;
        }
        let mut kept = kept.clone();
        claims::merge(&mut kept, profile, MergeClaims::Replace);
        kept
    }

    /// Verifies a renewed ID token, if there is one. It must belong to the same user and sign-in
    /// (OIDC Core section 12.2).
    async fn verify_renewed(
        &self,
        answer: &ReceivedTokens,
        user: &User,
    ) -> Result<Option<VerifiedIdToken>, Fault> {
        let before = user.id_token.as_deref().map_or_else(Map::new, stored_claims);
        let nonce = Nonce::AbsentOr(before.get("nonce").and_then(Value::as_str));
        let Some(verified) = self.verify_id_token(answer, nonce, RequiredSignIn::default()).await?
        else {
            return Ok(None);
        };
        let differs = |name: &str| {
            let before = before.get(name).or_else(|| user.profile.get(name));
            before.is_some() && before != verified.claims.get(name)
        };
        let checks_sub = self.settings.validate_sub_on_silent_renew;
        let other_party = before.get("azp") != verified.claims.get("azp") && !before.is_empty();
        let checks_time = self.settings.validate_auth_time_on_silent_renew
            && verified.claims.contains_key("auth_time");
        let trace = self.metadata.trace();
        for (name, differs) in [
            ("iss", differs("iss")),
            ("sub", checks_sub && differs("sub")),
            ("azp", other_party),
            ("auth_time", checks_time && differs("auth_time")),
        ] {
            // The claim of this name must not have changed.
            if !trace.check("unchanged", &name, &name, !differs) {
                return Err(Error::RenewedTokenDiffers(name).into());
            }
        }
        Ok(Some(verified))
    }
}

/// The claims of the stored ID token, which was verified before it was stored.
pub(crate) fn stored_claims(id_token: &str) -> Map<String, Value> {
    let token = UnverifiedJws::parse(id_token).ok();
    token.and_then(|token| json::object(token.unverified_payload())).unwrap_or_default()
}

/// Returns the user with the new tokens. Values that the response lacks are kept.
fn renewed(
    before: &StoredUser,
    response: &ReceivedTokens,
    has_id_token: bool,
    profile: Map<String, Value>,
) -> StoredUser {
    let response = response.clone();
    let mut user = before.user.clone();
    user.access_token = response.access_token;
    user.token_type = response.token_type;
    user.expires_at = response.expires_at;
    user.refresh_token = response.refresh_token.or(user.refresh_token);
    user.scope = response.scope.or(user.scope);
    user.session_state = response.session_state.or(user.session_state);
    user.extra.extend(response.extra);
    user.profile = profile;
    if has_id_token {
        user.id_token = response.unverified_id_token;
    }
    StoredUser { user, lifetime: response.expires_in, ..before.clone() }
}
