//! The token endpoint's use case (RFC 6749 section 3.2): one file for each grant.

mod authorization_code;
mod client_credentials;
mod device_code;
pub(crate) mod issue;
mod password;
mod refresh_token;
pub(crate) mod request;

use doorward_protocol::{scope::Scope, token::TokenResponse};

use self::authorization_code::SentCode;
pub use self::request::TokenRequest;
use crate::{
    Provider, audit,
    model::{
        client::{Client, GrantType},
        grant::{Grant, RefreshToken},
        paths,
        time::Timestamp,
        token_handle::{Family, Place, TokenHandle},
    },
    use_case::{authenticate::AuthenticatedClient, error::TokenError, token::issue::Issued},
};

/// What a request without a grant of its own asks for.
struct Asked {
    scope: Option<Scope>,
    resources: Vec<String>,
}

impl Provider {
    /// Answers a token request. `proof` is the `DPoP` header; `address` is the peer's, for
    /// throttling and audit.
    pub async fn exchange(
        &self,
        client: &AuthenticatedClient,
        request: TokenRequest,
        proof: Option<&str>,
        address: &str,
    ) -> Result<TokenResponse, TokenError> {
        let grant_type = request.grant_type();
        let Issued { tokens, sub } = self.answer(client, request, proof, address).await?;
        audit::Event {
            event: "tokens_issued",
            sub: sub.as_deref(),
            client_id: Some(&client.client_id),
            peer: Some(address),
            grant_type: Some(grant_type),
            ..audit::Event::default()
        }
        .log();
        Ok(tokens)
    }

    async fn answer(
        &self,
        client: &AuthenticatedClient,
        request: TokenRequest,
        proof: Option<&str>,
        address: &str,
    ) -> Result<Issued, TokenError> {
        let proof = self.check_proof(client, proof, ("POST", paths::TOKEN), None)?;
        match request {
            TokenRequest::AuthorizationCode { code, redirect_uri, code_verifier, resources } => {
                require(client, GrantType::AuthorizationCode)?;
                let sent = SentCode { code, redirect_uri, verifier: code_verifier };
                self.redeem_code(client, sent, &resources, proof, address).await
            }
            TokenRequest::RefreshToken { refresh_token, scope, resources } => {
                self.refresh(client, &refresh_token, scope, &resources, proof, address).await
            }
            TokenRequest::ClientCredentials { scope, resources } => {
                require(client, GrantType::ClientCredentials)?;
                self.client_credentials(client, scope, &resources, proof).await
            }
            TokenRequest::Password { username, password, scope, resources } => {
                require(client, GrantType::Password)?;
                let asked = Asked { scope, resources };
                self.resource_owner_password(client, &username, password, asked, proof, address)
                    .await
            }
            TokenRequest::DeviceCode { device_code, resources } => {
                require(client, GrantType::DeviceCode)?;
                self.poll_device_code(client, &device_code, &resources, proof).await
            }
        }
    }

    /// A first refresh token of the family, for a grant with offline access.
    fn first_refresh_token(
        &self,
        client: &Client,
        grant: &Grant,
        family: &Family,
        now: Timestamp,
    ) -> Option<(TokenHandle, RefreshToken)> {
        if !grant.scope.contains(doorward_protocol::scope::OFFLINE_ACCESS) {
            return None;
        }
        let token =
            TokenHandle::first_of(family, Place::at(self.clock.milliseconds()), &*self.entropy);
        let record = RefreshToken {
            hash: token.hash(),
            first_issued_at: now,
            expires_at: refresh_token::expiry(client, now, now),
        };
        Some((token, record))
    }
}

fn require(client: &Client, grant_type: GrantType) -> Result<(), TokenError> {
    if client.grant_types.contains(&grant_type) {
        Ok(())
    } else {
        Err(TokenError::GrantTypeNotAllowed)
    }
}

/// When a grant can be forgotten: when neither its access token nor its refresh token lives.
fn grant_end(client: &Client, refresh_token: Option<&RefreshToken>, now: Timestamp) -> Timestamp {
    let access_token_ends = now.plus(client.access_token_lifetime);
    refresh_token.map_or(access_token_ends, |token| token.expires_at.max(access_token_ends))
}
