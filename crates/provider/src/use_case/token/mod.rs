//! The token endpoint's use case (RFC 6749 section 3.2): one file for each grant.
//!
//! Each grant goes two steps. First pure checks turn what the store holds into a [`VerifiedGrant`].
//! Then one atomic command of the store records that the grant was used: a [`Recording`]. Tokens
//! are signed while the command runs ([`issue`]), and nobody gets them before it is durable.

mod authorization_code;
mod client_credentials;
mod device_code;
pub(crate) mod issue;
mod password;
pub(crate) mod refresh_token;
pub(crate) mod request;

use aws_lc_rs::hmac;
use doorward_protocol::{dpop::Proof, scope::OFFLINE_ACCESS, token::TokenResponse};

use self::issue::{Issued, TokenIssuer, VerifiedGrant};
pub use self::request::{GrantRequest, TokenRequest, grant_type_label};
use crate::{
    audit,
    model::{
        client::{Client, GrantType},
        grant::{Grant, RefreshToken},
        paths,
        second_factor::RequireSecondFactor,
        time::{Clock, Entropy, Seconds, Timestamp},
        token_handle::{Family, IssuedAt, TokenHandle},
        user::User,
    },
    store::{Codes, DeviceCodes, Factors, Grants, RefreshTokens, Users},
    use_case::{
        authenticate::AuthenticatedClient,
        client_directory::ClientDirectory,
        directory::DirectoryStates,
        dpop::{ProofVerifier, refresh_token_key},
        error::{GrantProblem, TokenError},
        sign_in::PasswordCheck,
    },
};

/// Answers token requests: what the grants read and change.
pub struct TokenEndpoint<'a> {
    pub(crate) codes: &'a dyn Codes,
    pub(crate) device_codes: &'a dyn DeviceCodes,
    pub(crate) grants: &'a dyn Grants,
    pub(crate) refresh_tokens: &'a dyn RefreshTokens,
    pub(crate) users: &'a dyn Users,
    pub(crate) factors: &'a dyn Factors,
    pub(crate) clients: ClientDirectory<'a>,
    pub(crate) issuer: &'a TokenIssuer,
    pub(crate) proofs: ProofVerifier<'a>,
    pub(crate) passwords: PasswordCheck<'a>,
    pub(crate) directories: DirectoryStates<'a>,
    /// Makes families of refresh tokens out of codes.
    pub(crate) families: &'a hmac::Key,
    /// How long a consumed refresh token is still answered with its unused successor.
    pub(crate) refresh_token_grace: Seconds,
    /// Who can't sign in by a password alone.
    pub(crate) require_second_factor: RequireSecondFactor,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) entropy: &'a dyn Entropy,
}

/// Where a token request comes from, and what it asks for beside its grant.
struct Asking<'a> {
    client: &'a AuthenticatedClient,
    /// The APIs that the access token is to be for (RFC 8707 section 2.2).
    resources: &'a [String],
    proof: Option<Proof>,
    /// The address of the peer, for throttling and audit.
    address: &'a str,
}

/// A grant that is exchanged for the first time, checked, and not yet recorded.
struct FirstExchange<'a> {
    client: &'a Client,
    grant: Grant,
    user: &'a User,
    family: Family,
    /// The APIs that the access token is to be for.
    resources: &'a [String],
    nonce: Option<String>,
    proof: Option<Proof>,
    now: Timestamp,
}

/// What the store records of a first exchange.
struct Recording {
    grant: Grant,
    /// From this timestamp on the grant can be forgotten.
    ends: Timestamp,
    refresh_token: Option<RefreshToken>,
}

impl TokenEndpoint<'_> {
    /// Answers a token request. `proof` is the `DPoP` header; `address` is the peer's, for
    /// throttling and audit.
    pub async fn exchange(
        &self,
        client: &AuthenticatedClient,
        request: TokenRequest,
        proof: Option<&str>,
        address: &str,
    ) -> Result<TokenResponse, TokenError> {
        let grant_type = request.grant.grant_type();
        let Issued { tokens, sub } = self.issue_for(client, request, proof, address).await?;
        let (sub, client_id) = (sub.as_ref(), &client.client_id);
        audit::Event::TokensIssued { sub, client_id, peer: address, grant_type }.log();
        self.clients.note_use(client).await;
        Ok(tokens)
    }

    async fn issue_for(
        &self,
        client: &AuthenticatedClient,
        request: TokenRequest,
        proof: Option<&str>,
        address: &str,
    ) -> Result<Issued, TokenError> {
        let proof = self.proofs.check(client, proof, ("POST", paths::TOKEN), None)?;
        let asking = Asking { client, resources: &request.resources, proof, address };
        match request.grant {
            GrantRequest::AuthorizationCode(sent) => {
                require(client, GrantType::AuthorizationCode)?;
                self.redeem_code(asking, sent).await
            }
            GrantRequest::RefreshToken { refresh_token, scope } => {
                self.refresh(asking, &refresh_token, scope).await
            }
            GrantRequest::ClientCredentials { scope } => {
                require(client, GrantType::ClientCredentials)?;
                self.client_credentials(asking, scope).await
            }
            GrantRequest::Password { username, password, scope } => {
                require(client, GrantType::Password)?;
                self.resource_owner_password(asking, &username, password, scope).await
            }
            GrantRequest::DeviceCode { device_code } => {
                require(client, GrantType::DeviceCode)?;
                self.poll_device_code(asking, &device_code).await
            }
        }
    }

    /// The end that all grants of a user have in common when they are exchanged for the first time:
    /// the client still knows the user by the same identifier, the grant loses what the client may
    /// not have any more, gets its identifier, its claims and its key, the proof is consumed, and
    /// the tokens are issued while `record` runs.
    async fn first_tokens<F>(
        &self,
        exchange: FirstExchange<'_>,
        record: impl FnOnce(Recording) -> F,
    ) -> Result<Issued, TokenError>
    where
        F: Future<Output = Result<(), TokenError>>,
    {
        let FirstExchange { client, mut grant, user, family, resources, nonce, proof, now } =
            exchange;
        if !client.keeps_subject_of(&grant) {
            return Err(GrantProblem::AnotherSubject.into());
        }
        self.issuer.keep_allowed(client, &mut grant);
        let targets =
            self.issuer.narrowed_targets(client, &grant.targets, resources, &grant.scope)?;
        grant.id = family.grant_id();
        grant.access_token_claims = self.issuer.access_token_user_claims(&grant.scope, user);
        grant.dpop_jkt = refresh_token_key(client, proof.as_ref());
        let binding = self.proofs.consume(proof).await?;
        let (handle, refresh_token) =
            self.first_refresh_token(client, &grant, &family, now).unzip();
        let ends = grant_end(client, refresh_token.as_ref(), now);
        let recording = record(Recording { grant: grant.clone(), ends, refresh_token });
        let verified = VerifiedGrant {
            client,
            grant: &grant,
            user,
            scope: grant.scope.clone(),
            targets,
            nonce,
            binding,
        };
        self.issuer.issue(async { recording.await.map(|()| handle) }, verified, now).await
    }

    /// A first refresh token of the family, for a grant with offline access.
    fn first_refresh_token(
        &self,
        client: &Client,
        grant: &Grant,
        family: &Family,
        now: Timestamp,
    ) -> Option<(TokenHandle, RefreshToken)> {
        if !grant.scope.contains(OFFLINE_ACCESS) {
            return None;
        }
        let issued_at = IssuedAt::milliseconds(self.clock.milliseconds());
        let token = TokenHandle::first_of(family, issued_at, self.entropy);
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
