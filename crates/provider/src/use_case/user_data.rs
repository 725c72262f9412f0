//! The copy of their data that users download.

use serde_json::{Value, json};

use crate::{
    audit,
    model::{
        account_event::{AccountEventKind, KeptEvent, MOST_PER_USER},
        external_identity::StoredIdentity,
        factor::StoredPasskey,
        session::{Device, Session},
        time::Timestamp,
        user::User,
    },
    store::{ExternalIdentities, Factors, Passkeys, StoreError},
    use_case::{
        access::{ClientWithAccess, UserAccess},
        accounts::Asker,
    },
};

/// Gathers what is stored about a user: what it reads for that.
pub struct UserData<'a> {
    pub(crate) access: UserAccess<'a>,
    pub(crate) identities: &'a dyn ExternalIdentities,
    pub(crate) passkeys: &'a dyn Passkeys,
    pub(crate) factors: &'a dyn Factors,
}

impl UserData<'_> {
    /// What is stored about a user, but for secrets.
    pub async fn data_of(&self, user: &User, asker: Asker<'_>) -> Result<Value, StoreError> {
        let (mut sessions, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = self.access.sessions_of(&user.sub, after.as_ref()).await?;
            sessions.extend(page.iter().map(described_session));
            if next.is_none() {
                break;
            }
            after = next;
        }
        let (mut applications, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = self.access.clients_with_access(&user.sub, after.as_ref()).await?;
            applications.extend(page.into_iter().map(described_client));
            if next.is_none() {
                break;
            }
            after = next;
        }
        let identities = self.identities.external_identities(&user.sub).await?;
        let passkeys = self.passkeys.passkeys(&user.sub).await?;
        let factors = self.factors.factors(&user.sub).await?;
        let events = self.access.events.account_events(&user.sub, None, MOST_PER_USER).await?;
        let device = Device {
            address: Some(asker.address.to_owned()),
            browser: asker.browser.map(str::to_owned),
        };
        audit::Event::DataDownloaded { sub: &user.sub, peer: asker.address }.log();
        self.access.note(&user.sub, AccountEventKind::DataDownloaded, device, None).await?;
        Ok(json!({
            "sub": user.sub,
            "username": user.username,
            "claims": user.all_claims(|name| self.access.resources.is_list_claim(name)).0,
            "has_password": user.password_hash.is_some(),
            "passkeys": passkeys.iter().map(described_passkey).collect::<Vec<_>>(),
            "authenticator_app_since": factors.totp_since.map(Timestamp::seconds),
            "recovery_codes": factors.recovery_codes,
            "sessions": sessions,
            "applications": applications,
            "linked_accounts": identities.iter().map(described_identity).collect::<Vec<_>>(),
            "activity": events.iter().map(described_event).collect::<Vec<_>>(),
        }))
    }
}

fn described_session(session: &Session) -> Value {
    json!({
        "signed_in": session.authentication.auth_time.seconds(),
        "expires": session.expires_at.seconds(),
        "address": session.device.address,
        "browser": session.device.browser,
    })
}

fn described_client(client: ClientWithAccess) -> Value {
    let scopes = client.scopes.into_iter().map(|scope| scope.name);
    json!({
        "client_id": client.client_id,
        "name": client.name,
        "scopes": scopes.collect::<Vec<_>>(),
        "since": client.used.map(|used| used.since.seconds()),
        "last_used": client.used.map(|used| used.last.seconds()),
    })
}

fn described_identity(identity: &StoredIdentity) -> Value {
    json!({
        "issuer": identity.id.issuer,
        "subject": identity.id.subject,
        "provider": identity.provider,
        "name": identity.shown,
        "claims": identity.mapped,
        "since": identity.created_at.seconds(),
        "last_used": identity.used_at.map(Timestamp::seconds),
    })
}

fn described_passkey(passkey: &StoredPasskey) -> Value {
    json!({
        "name": passkey.name,
        "may_be_copied": passkey.backup_eligible,
        "since": passkey.created_at.seconds(),
        "last_used": passkey.used_at.map(Timestamp::seconds),
    })
}

fn described_event(kept: &KeptEvent) -> Value {
    let event = &kept.event;
    json!({
        "at": event.at.seconds(),
        "event": event.kind.as_str(),
        "address": event.device.address,
        "browser": event.device.browser,
        "detail": event.detail,
    })
}
