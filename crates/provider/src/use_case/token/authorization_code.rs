//! `grant_type=authorization_code` (RFC 6749 section 4.1.3, RFC 7636 section 4.6).

use doorward_protocol::{dpop::Proof, pkce::CodeVerifier, secret::Secret};

use super::grant_end;
use crate::{
    Provider, audit,
    model::{
        client::Client,
        grant::AuthorizationCode,
        token_handle::{Family, TokenHandle},
    },
    store::Redemption,
    use_case::{
        authenticate::AuthenticatedClient,
        dpop::{is_made_by, refresh_token_key},
        error::{GrantProblem, TokenError},
        token::issue::{Issued, VerifiedGrant},
    },
};

/// What a client sends to redeem a code.
pub(super) struct SentCode {
    pub(super) code: TokenHandle,
    pub(super) redirect_uri: Option<String>,
    pub(super) verifier: Option<Secret>,
}

impl Provider {
    pub(super) async fn redeem_code(
        &self,
        client: &AuthenticatedClient,
        sent: SentCode,
        resources: &[String],
        proof: Option<Proof>,
        address: &str,
    ) -> Result<Issued, TokenError> {
        let now = self.now();
        let SentCode { code, redirect_uri, verifier } = sent;
        let hash = code.hash();
        let record = self.store.code(hash).await?.ok_or(GrantProblem::UnknownCode)?;
        verify(&record, client, redirect_uri.as_deref(), verifier)?;
        if record.dpop_jkt.as_ref().is_some_and(|key| !is_made_by(proof.as_ref(), key)) {
            return Err(GrantProblem::CodeOfAnotherKey.into());
        }
        let user = self.store.user(&record.grant.authentication.sub).await?;
        let user = user.filter(|user| user.enabled).ok_or(GrantProblem::UserDisabled)?;
        if now >= record.expires_at {
            // Replayed after its end it is a replay still: whatever was issued from it ends.
            self.store.revoke_grant(&record.grant.id, now).await?;
            return Err(GrantProblem::ExpiredCode.into());
        }

        let mut grant = record.grant;
        let family = Family::begun_by(&code, &self.families);
        grant.id = family.grant_id();
        let targets = self.narrowed_targets(client, &grant.targets, resources, &grant.scope)?;
        grant.access_token_claims = self.access_token_user_claims(&grant.scope, &user.claims);
        grant.dpop_jkt = refresh_token_key(client, proof.as_ref());
        let binding = self.use_up(proof).await?;
        let (handle, refresh_token) =
            self.first_refresh_token(client, &grant, &family, now).unzip();
        let end = grant_end(client, refresh_token.as_ref(), now);
        let redeeming = async {
            match self.store.redeem_code(hash, grant.clone(), end, refresh_token, now).await? {
                Redemption::Redeemed => Ok(handle),
                Redemption::Replayed => {
                    audit::Event {
                        event: "code_replayed",
                        outcome: audit::Outcome::Replayed,
                        sub: Some(&grant.authentication.sub),
                        client_id: Some(&client.client_id),
                        peer: Some(address),
                        ..audit::Event::default()
                    }
                    .log();
                    Err(GrantProblem::CodeReplayed.into())
                }
                Redemption::SessionEnded => Err(GrantProblem::SessionEnded.into()),
                Redemption::Unknown => Err(GrantProblem::UnknownCode.into()),
            }
        };
        let scope = grant.scope.clone();
        let verified = VerifiedGrant {
            client,
            grant: &grant,
            user: &user,
            scope,
            targets,
            nonce: record.nonce,
            binding,
        };
        self.issue(redeeming, verified, now).await
    }
}

/// The conditions of the code that can't change between this check and the redemption.
fn verify(
    code: &AuthorizationCode,
    client: &Client,
    redirect_uri: Option<&str>,
    verifier: Option<Secret>,
) -> Result<(), GrantProblem> {
    if code.grant.client_id != client.client_id {
        return Err(GrantProblem::CodeOfAnotherClient);
    }
    let redirect_uri_holds = match redirect_uri {
        Some(sent) => sent == code.redirect_uri,
        None => !code.redirect_uri_was_sent,
    };
    if !redirect_uri_holds {
        return Err(GrantProblem::RedirectUriMismatch);
    }
    match (&code.code_challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(GrantProblem::VerifierWithoutChallenge),
        (Some(_), None) => Err(GrantProblem::VerifierMissing),
        (Some(challenge), Some(verifier)) => {
            let verifier = CodeVerifier::parse(verifier.into_exposed())?;
            if challenge.matches(&verifier) { Ok(()) } else { Err(GrantProblem::VerifierMismatch) }
        }
    }
}
