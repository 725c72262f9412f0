//! Authenticator apps and recovery codes of one user: set up, confirmed, removed.

use doorward_protocol::{base64url, ids::Sub};

use crate::{
    keys::KeyRing,
    model::{
        account_notice::{AccountNotices, FactorAddition},
        factor::{RecoveryCode, StoredTotp},
        session::Authentication,
        signing_key::SealedKey,
        time::{Clock, Entropy},
        totp::TotpSecret,
    },
    store::{Factors, StoreError},
};

/// What the secrets are encrypted for.
pub const PURPOSE: &str = "totp";

/// Sets authenticator apps up: what it reads and changes.
#[derive(Clone, Copy)]
pub(crate) struct AuthenticatorApps<'a> {
    pub(crate) factors: &'a dyn Factors,
    pub(crate) keys: &'a KeyRing,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) entropy: &'a dyn Entropy,
}

impl AuthenticatorApps<'_> {
    /// The secret of an app that is being set up, and its encrypted form, which the user's form
    /// keeps: nobody else is ever shown it. A new one, unless `kept` is one of this user.
    pub(crate) fn being_set_up(
        &self,
        sub: &Sub,
        kept: Option<&str>,
    ) -> Result<(TotpSecret, String), StoreError> {
        if let Some((secret, sealed)) = kept.and_then(|kept| self.kept(sub, kept)) {
            return Ok((secret, base64url::encode(sealed.as_bytes())));
        }
        let secret = TotpSecret::generate(self.entropy);
        let sealed = self.keys.seal(PURPOSE, sub, secret.as_bytes());
        let sealed = sealed.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok((secret, base64url::encode(sealed.as_bytes())))
    }

    fn kept(&self, sub: &Sub, kept: &str) -> Option<(TotpSecret, SealedKey)> {
        let sealed = SealedKey::from_bytes(base64url::decode(kept).ok()?);
        let secret = self.keys.unseal(PURPOSE, sub, &sealed).ok()?;
        Some((TotpSecret::from_bytes(&secret)?, sealed))
    }

    /// Takes a code of the app whose encrypted secret the form has kept, and puts the app in use.
    /// Returns new recovery codes, which take the place of earlier ones; `None` if the code is
    /// wrong.
    pub(crate) async fn confirm(
        &self,
        sub: &Sub,
        kept: &str,
        typed: &str,
        addition: FactorAddition,
    ) -> Result<Option<Vec<RecoveryCode>>, StoreError> {
        let Some((secret, sealed)) = self.kept(sub, kept) else { return Ok(None) };
        let now = self.clock.now();
        let Some(step) = secret.step_of(typed, now) else { return Ok(None) };
        let codes = RecoveryCode::generate_all(self.entropy);
        let hashes: Vec<_> = codes.iter().map(|code| code.hash(sub)).collect();
        self.factors.set_up_totp(sub, sealed.clone(), now).await?;
        let confirmed = self.factors.confirm_totp(sub, &sealed, step, &hashes, addition).await?;
        Ok(confirmed.then_some(codes))
    }

    /// Makes new recovery codes in place of those that are there, and tells of it; none if the user
    /// has nothing that they stand in for, or the session has ended.
    pub(crate) async fn new_recovery_codes(
        &self,
        session: &Authentication,
        notices: AccountNotices,
    ) -> Result<Vec<RecoveryCode>, StoreError> {
        let codes = RecoveryCode::generate_all(self.entropy);
        let Authentication { sub, sid, .. } = session;
        let hashes: Vec<_> = codes.iter().map(|code| code.hash(sub)).collect();
        let are_kept = self.factors.put_recovery_codes(sub, sid, &hashes, notices).await?;
        Ok(if are_kept { codes } else { Vec::new() })
    }

    /// Decrypts the secret.
    pub(crate) fn open(&self, stored: &StoredTotp) -> Result<TotpSecret, StoreError> {
        let opened = self.keys.unseal(PURPOSE, &stored.sub, &stored.secret).ok();
        opened.and_then(|bytes| TotpSecret::from_bytes(&bytes)).ok_or_else(|| {
            let problem = "the secret of an authenticator app can't be decrypted: it belongs to \
                           another master key, or it is damaged";
            StoreError::Corrupt(problem.to_owned())
        })
    }
}
