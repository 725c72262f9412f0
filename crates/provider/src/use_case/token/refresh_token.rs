//! `grant_type=refresh_token` (RFC 6749 section 6, RFC 9700 section 4.14).

use doorward_protocol::{
    dpop::Proof,
    ids::{ClientId, GrantId, Sub},
    scope::{OFFLINE_ACCESS, Scope},
};

use super::{Asking, TokenEndpoint, grant_end};
use crate::{
    audit,
    model::{
        client::{Client, RefreshTokenExpiration, RefreshTokenUsage},
        grant::{Grant, RefreshToken, RefreshTokenState},
        time::Timestamp,
        token_handle::{IssuedAt, SuccessorSeed, TokenHandle},
        user::User,
    },
    store::{RefreshTokenRecord, RotateRefreshToken, Rotation, StoreError},
    use_case::{
        directory::Standing,
        dpop::is_made_by,
        error::{GrantProblem, TokenError},
        token::issue::{Issued, VerifiedGrant},
    },
};

impl TokenEndpoint<'_> {
    pub(super) async fn refresh(
        &self,
        asking: Asking<'_>,
        presented: &TokenHandle,
        scope: Option<Scope>,
    ) -> Result<Issued, TokenError> {
        let Asking { client, resources, proof, address } = asking;
        let now = self.clock.now();
        let Some(record) = self.refresh_tokens.refresh_token(presented.hash()).await? else {
            return Err(self
                .detect_replay(client, presented, proof.as_ref(), address)
                .await?
                .into());
        };
        let (mut grant, user) = verify(&record, client, proof.as_ref())?;
        // The store judges it, too. Here it keeps one that has ended from using up proofs, as many
        // as anybody likes to make for it.
        if record.state == RefreshTokenState::Unused && now >= record.token.expires_at {
            return Err(GrantProblem::UnknownRefreshToken.into());
        }
        let user = self.confirmed(user).await?;
        self.issuer.keep_allowed(client, &mut grant);
        let scope = narrowed(&grant.scope, scope)?;
        let targets = self.issuer.narrowed_targets(client, &grant.targets, resources, &scope)?;
        let binding = self.proofs.consume(proof).await?;
        // A token that was used when tokens were still replaced is a repetition or a replay,
        // whatever the client's setting is by now.
        let (grant_id, whose) = (grant.id.clone(), whose(client, &user, address));
        let renewing = async {
            let handle = match (client.refresh_token_usage, record.state) {
                (RefreshTokenUsage::Reuse, RefreshTokenState::Unused) => {
                    self.reuse(client, presented, &record.token, now).await?
                }
                _ => self.rotate(client, presented, &record.token, &grant_id, now, whose).await?,
            };
            Ok(Some(handle))
        };
        if client.update_claims_on_refresh {
            grant.access_token_claims = self.issuer.access_token_user_claims(&grant.scope, &user);
        }
        let verified = VerifiedGrant {
            client,
            grant: &grant,
            user: &user,
            scope,
            targets,
            nonce: None,
            binding,
        };
        self.issuer.issue(renewing, verified, now).await
    }

    /// The user, as the directory says by now whose user it is, if it is one's.
    async fn confirmed(&self, user: User) -> Result<User, TokenError> {
        match self.directories.confirm(&user.sub).await? {
            Standing::AsBefore | Standing::Unknown => Ok(user),
            Standing::Untrusted => Err(TokenError::DirectoryUnavailable),
            Standing::Ended(_) => Err(GrantProblem::UserDisabled.into()),
            Standing::Confirmed => {
                let user = self.users.user(&user.sub).await?.filter(|user| user.enabled);
                Ok(user.ok_or(GrantProblem::UserDisabled)?)
            }
        }
    }

    async fn rotate(
        &self,
        client: &Client,
        presented: &TokenHandle,
        token: &RefreshToken,
        grant_id: &GrantId,
        now: Timestamp,
        whose: Whose<'_>,
    ) -> Result<TokenHandle, TokenError> {
        let seed = SuccessorSeed::generate(
            IssuedAt::milliseconds(self.clock.milliseconds()),
            self.entropy,
        );
        let handle = presented.successor(seed);
        let successor = RefreshToken {
            hash: handle.hash(),
            first_issued_at: token.first_issued_at,
            expires_at: expiry(client, token.first_issued_at, now),
        };
        let grace = self.refresh_token_grace;
        let rotation = RotateRefreshToken {
            presented: presented.hash(),
            seed,
            grant_expires_at: grant_end(client, Some(&successor), now),
            successor,
            forgettable: presented.family().is_some(),
            now,
            grace,
        };
        match self.refresh_tokens.rotate_refresh_token(rotation).await? {
            Rotation::Rotated => Ok(handle),
            Rotation::Repeated { seed, .. } => {
                let Whose { sub, client_id, peer } = whose;
                audit::Event::RefreshTokenRepeated { sub, client_id, peer }.log();
                Ok(presented.successor(seed))
            }
            Rotation::Replayed => Err(replayed(whose).into()),
            // Used and forgotten since it was read.
            Rotation::Unknown
                if self.refresh_tokens.refresh_token(presented.hash()).await?.is_none() =>
            {
                Err(self.revoke_forgotten(grant_id, now, whose).await?.into())
            }
            Rotation::Unknown => Err(GrantProblem::UnknownRefreshToken.into()),
        }
    }

    /// Handles a token that is no longer stored. If it names the family of a live grant that can be
    /// renewed, it was rotated out at least twice, so this is a replay (RFC 9700 section 4.14.2).
    async fn detect_replay(
        &self,
        client: &Client,
        presented: &TokenHandle,
        proof: Option<&Proof>,
        address: &str,
    ) -> Result<GrantProblem, StoreError> {
        let now = self.clock.now();
        let Some(family) = presented.family() else { return Ok(GrantProblem::UnknownRefreshToken) };
        let Some((grant, user)) = self.grants.live_grant(&family.grant_id(), now).await? else {
            return Ok(GrantProblem::UnknownRefreshToken);
        };
        match verify_holder(&grant, client, proof) {
            Ok(()) => self.revoke_forgotten(&grant.id, now, whose(client, &user, address)).await,
            Err(problem) => Ok(problem),
        }
    }

    async fn revoke_forgotten(
        &self,
        grant_id: &GrantId,
        now: Timestamp,
        whose: Whose<'_>,
    ) -> Result<GrantProblem, StoreError> {
        let revoked = self.grants.revoke_renewable_grant(grant_id, now).await?;
        Ok(if revoked { replayed(whose) } else { GrantProblem::UnknownRefreshToken })
    }

    async fn reuse(
        &self,
        client: &Client,
        presented: &TokenHandle,
        token: &RefreshToken,
        now: Timestamp,
    ) -> Result<TokenHandle, TokenError> {
        let extended = RefreshToken {
            expires_at: expiry(client, token.first_issued_at, now),
            ..token.clone()
        };
        let grant_expires_at = grant_end(client, Some(&extended), now);
        if self
            .refresh_tokens
            .extend_refresh_token(extended.hash, extended.expires_at, grant_expires_at, now)
            .await?
        {
            Ok(presented.clone())
        } else {
            Err(GrantProblem::UnknownRefreshToken.into())
        }
    }
}

/// Whose refresh token was presented, for audit events.
#[derive(Clone, Copy)]
struct Whose<'a> {
    sub: &'a Sub,
    client_id: &'a ClientId,
    /// The address that it came from.
    peer: &'a str,
}

fn whose<'a>(client: &'a Client, user: &'a User, peer: &'a str) -> Whose<'a> {
    Whose { sub: &user.sub, client_id: &client.client_id, peer }
}

fn replayed(Whose { sub, client_id, peer }: Whose<'_>) -> GrantProblem {
    audit::Event::RefreshTokenReplayed { sub, client_id, peer }.log();
    GrantProblem::RefreshTokenReplayed
}

/// When a refresh token used (or first issued) now will end.
pub(super) fn expiry(client: &Client, first_issued_at: Timestamp, now: Timestamp) -> Timestamp {
    let absolute = first_issued_at.plus(client.absolute_refresh_token_lifetime);
    match client.refresh_token_expiration {
        RefreshTokenExpiration::Absolute => absolute,
        RefreshTokenExpiration::Sliding => {
            let sliding = now.plus(client.sliding_refresh_token_lifetime);
            if client.absolute_refresh_token_lifetime.is_zero() {
                sliding
            } else {
                sliding.min(absolute)
            }
        }
    }
}

/// The conditions that can't change between this check and the store's command, which judges use
/// and expiry itself.
fn verify(
    record: &RefreshTokenRecord,
    client: &Client,
    proof: Option<&Proof>,
) -> Result<(Grant, User), GrantProblem> {
    let (grant, user) = standing_grant(record, client)?;
    verify_key(grant, proof)?;
    Ok((grant.clone(), user.clone()))
}

/// The grant that a refresh token of this client gives, and its user, if that still stands: whoever
/// presents the token, and whether or not it was used or has expired. The token endpoint and
/// introspection must agree on it.
pub(crate) fn standing_grant<'a>(
    record: &'a RefreshTokenRecord,
    client: &Client,
) -> Result<(&'a Grant, &'a User), GrantProblem> {
    let grant = record.grant.as_deref().ok_or(GrantProblem::UnknownRefreshToken)?;
    verify_client(grant, client)?;
    if !client.allow_offline_access || !grant.scope.contains(OFFLINE_ACCESS) {
        return Err(GrantProblem::OfflineAccessWithdrawn);
    }
    if !client.accepts_level(&grant.authentication) {
        return Err(GrantProblem::SignInTooWeak);
    }
    if !client.keeps_subject_of(grant) {
        return Err(GrantProblem::AnotherSubject);
    }
    let user = record.user.as_ref().filter(|user| user.enabled);
    Ok((grant, user.ok_or(GrantProblem::UserDisabled)?))
}

/// Only the client that a token was issued to, with the key that it is bound to, can use it, or
/// replay it.
fn verify_holder(
    grant: &Grant,
    client: &Client,
    proof: Option<&Proof>,
) -> Result<(), GrantProblem> {
    verify_client(grant, client)?;
    verify_key(grant, proof)
}

fn verify_client(grant: &Grant, client: &Client) -> Result<(), GrantProblem> {
    if grant.client_id == client.client_id {
        Ok(())
    } else {
        Err(GrantProblem::RefreshTokenOfAnotherClient)
    }
}

fn verify_key(grant: &Grant, proof: Option<&Proof>) -> Result<(), GrantProblem> {
    if grant.dpop_jkt.as_ref().is_some_and(|key| !is_made_by(proof, key)) {
        return Err(GrantProblem::RefreshTokenOfAnotherKey);
    }
    Ok(())
}

/// The scope asked for, which must not go beyond the granted one (RFC 6749 section 6).
fn narrowed(granted: &Scope, requested: Option<Scope>) -> Result<Scope, TokenError> {
    match requested {
        None => Ok(granted.clone()),
        Some(requested) if requested.is_subset_of(granted) => Ok(requested),
        Some(_) => Err(TokenError::InvalidScope),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn client(expiration: &str, absolute: i64, sliding: i64) -> Client {
        let settings = serde_json::from_value(json!({
            "client_id": "app", "require_client_secret": false,
            "allowed_grant_types": ["authorization_code"],
            "redirect_uris": ["https://app.example/"], "refresh_token_expiration": expiration,
            "absolute_refresh_token_lifetime": absolute, "sliding_refresh_token_lifetime": sliding,
        }));
        Client::from_settings(settings.unwrap(), false).unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn absolute_counts_from_the_first_issue() {
        assert_eq!(expiry(&client("absolute", 1000, 10), at(0), at(500)), at(1000));
    }

    #[test]
    fn sliding_counts_from_use_up_to_the_absolute_end() {
        let sliding = client("sliding", 1000, 100);
        assert_eq!(expiry(&sliding, at(0), at(500)), at(600));
        assert_eq!(expiry(&sliding, at(0), at(950)), at(1000));
        assert_eq!(expiry(&client("sliding", 0, 100), at(0), at(5000)), at(5100));
    }

    #[test]
    fn scope_only_narrows() {
        let granted: Scope = "openid api".parse().unwrap();
        assert_eq!(narrowed(&granted, None).unwrap(), granted);
        assert_eq!(narrowed(&granted, Some("api".parse().unwrap())).unwrap().to_string(), "api");
        assert!(matches!(
            narrowed(&granted, Some("api more".parse().unwrap())),
            Err(TokenError::InvalidScope)
        ));
    }
}
