//! `grant_type=authorization_code` (RFC 6749 section 4.1.3, RFC 7636 section 4.6).

use doorward_protocol::{pkce::CodeVerifier, secret::Secret};

use super::{Asking, FirstExchange, Recording, TokenEndpoint, issue::Issued, request::SentCode};
use crate::{
    audit,
    model::{client::Client, grant::AuthorizationCode, token_handle::Family},
    store::Redemption,
    use_case::{
        dpop::is_made_by,
        error::{GrantProblem, TokenError},
    },
};

impl TokenEndpoint<'_> {
    pub(super) async fn redeem_code(
        &self,
        asking: Asking<'_>,
        sent: SentCode,
    ) -> Result<Issued, TokenError> {
        let Asking { client, resources, proof, address } = asking;
        let now = self.clock.now();
        let SentCode { code, redirect_uri, verifier } = sent;
        let hash = code.hash();
        let record = self.codes.code(hash).await?.ok_or(GrantProblem::UnknownCode)?;
        verify(&record, client, redirect_uri.as_deref(), verifier)?;
        if record.dpop_jkt.as_ref().is_some_and(|key| !is_made_by(proof.as_ref(), key)) {
            return Err(GrantProblem::CodeOfAnotherKey.into());
        }
        let user = self.users.user(&record.grant.authentication.sub).await?;
        let user = user.filter(|user| user.enabled).ok_or(GrantProblem::UserDisabled)?;
        if now >= record.expires_at {
            // A replay after the code's end is still a replay, and ends what was issued.
            self.grants.revoke_grant(&record.grant.id, now).await?;
            return Err(GrantProblem::ExpiredCode.into());
        }
        let AuthorizationCode { grant, nonce, .. } = record;
        let family = Family::of_code(&code, self.families);
        let exchange =
            FirstExchange { client, grant, user: &user, family, resources, nonce, proof, now };
        let user = &user;
        let record = |Recording { grant, ends, refresh_token }| async move {
            let (sub, client_id) = (&user.sub, &client.client_id);
            match self.codes.redeem_code(hash, grant, ends, refresh_token, now).await? {
                Redemption::Redeemed => Ok(()),
                Redemption::Replayed { revoked } => {
                    // Whoever has the code can send it as often as they like.
                    if revoked {
                        audit::Event::CodeReplayed { sub, client_id, peer: address }.log();
                    }
                    Err(GrantProblem::CodeReplayed.into())
                }
                Redemption::SessionEnded => Err(GrantProblem::SessionEnded.into()),
                Redemption::Unknown => Err(GrantProblem::UnknownCode.into()),
            }
        };
        self.first_tokens(exchange, record).await
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
