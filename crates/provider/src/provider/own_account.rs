//! What signed-in users do with their own accounts.

use doorward_protocol::{
    ids::{ClientId, SessionId, Sub},
    secret::Secret,
};
use serde_json::{Value, json};

use super::Provider;
use crate::{
    audit,
    model::{
        account_event::{AccountEvent, AccountEventKind, KeptEvent, MOST_PER_USER},
        account_notice::AccountNotices,
        directory::{AccountProblem, Directory},
        editable_claim::EditableClaim,
        external_identity::StoredIdentity,
        factor::StoredPasskey,
        outbox::MailKind,
        session::{Authentication, Device, Session},
        time::Timestamp,
        token_handle::TokenHandle,
        user::User,
    },
    store::StoreError,
    use_case::{
        access::ClientWithAccess,
        accounts::{AccountError, Asker, Told},
        directory::{FirstChange, PasswordChangeError},
        sign_in::{Beginning, SignIn, SignInBrowser, SignInError, SignInOrigin, StartedSession},
    },
};

impl Provider {
    /// The user of a session; `None` if the user was removed.
    pub async fn own_user(&self, session: &Authentication) -> Result<Option<User>, StoreError> {
        self.store.user(&session.sub).await
    }

    /// Sets these claims of the session's user, or takes those away that have no value.
    pub async fn change_profile(
        &self,
        session: &Authentication,
        changes: &[(EditableClaim, Option<String>)],
        asker: Asker<'_>,
    ) -> Result<(), AccountError> {
        self.accounts().change_profile(&session.sub, changes, asker).await
    }

    /// Checks the present password of a user who wants another one. A user without a password needs
    /// none. Failures are counted as those at the login page. The user is the one of the session,
    /// whether or not the user name is what people sign in with.
    pub async fn verify_own_password(
        &self,
        user: &User,
        password: Option<Secret>,
        address: &str,
        device: Option<&TokenHandle>,
    ) -> Result<(), SignInError> {
        if user.password_hash.is_none() {
            return Ok(());
        }
        let password = password.ok_or(SignInError::WrongPassword)?;
        let origin = SignInOrigin::Browser { address, device };
        self.password_check().verify_of(user.clone(), password, origin).await.map(|_| ())
    }

    /// Sets another password of a user whose present one was verified. All sessions and grants of
    /// the user end, and the user is told by mail.
    pub async fn change_password(
        &self,
        user: &User,
        password: Secret,
        asker: Asker<'_>,
    ) -> Result<User, AccountError> {
        self.accounts().change_password(user, password, asker).await
    }

    /// The directory that has the user's password, if one has.
    pub async fn directory_of(&self, sub: &Sub) -> Result<Option<&Directory>, StoreError> {
        let found = self.directories().of_user(&*self.store, sub).await?;
        Ok(found.map(|(directory, _)| directory))
    }

    /// Changes the user's password in the directory that has it, and ends all sessions and grants
    /// of the user. `None` if no directory has it, or the directory's setting does not allow it.
    pub async fn change_directory_password(
        &self,
        user: &User,
        present: &Secret,
        new: &Secret,
        device: Option<&TokenHandle>,
        asker: Asker<'_>,
    ) -> Result<Option<Result<(), PasswordChangeError>>, SignInError> {
        let origin = SignInOrigin::Browser { address: asker.address, device };
        let check = self.password_check();
        let changed =
            check.change_in_directory(user, present, new, origin, self.directory_states()).await?;
        if changed == Some(Ok(())) {
            let sub = &user.sub;
            audit::Event::PasswordChanged { sub, peer: asker.address }.log();
            self.accounts().note(sub, AccountEventKind::PasswordChanged, asker, None).await;
        }
        Ok(changed)
    }

    /// Whether somebody whom a directory does not let in for this reason may change the password
    /// there first.
    pub fn may_change_password_first(&self, username: &str, problem: AccountProblem) -> bool {
        self.password_check().may_change_first(username, problem)
    }

    /// Changes the password of somebody whom a directory lets in only then, and ends all sessions
    /// and grants of the user. The present password is tried as at a sign-in.
    pub async fn change_password_first(
        &self,
        username: &str,
        present: &Secret,
        new: &Secret,
        device: Option<&TokenHandle>,
        asker: Asker<'_>,
    ) -> Result<FirstChange, SignInError> {
        let origin = SignInOrigin::Browser { address: asker.address, device };
        let (check, states) = (self.password_check(), self.directory_states());
        let changed = check.change_first(username, present, new, origin, states).await?;
        let peer = asker.address;
        match &changed {
            FirstChange::Changed { sub: Some(sub), .. } => {
                audit::Event::PasswordChanged { sub, peer }.log();
                self.accounts().note(sub, AccountEventKind::PasswordChanged, asker, None).await;
            }
            FirstChange::Changed { sub: None, directory, entry } => {
                audit::Event::DirectoryPasswordChanged { directory, entry, peer }.log();
            }
            FirstChange::NotNeeded | FirstChange::Refused(_) => {}
        }
        Ok(changed)
    }

    /// Takes the password of a user away who can sign in without it, and ends all sessions and
    /// grants of the user. Returns `false` if there is no other way to sign in.
    pub async fn remove_password(
        &self,
        user: &User,
        asker: Asker<'_>,
    ) -> Result<bool, AccountError> {
        let providers = self.vouching().ways_in();
        self.accounts().remove_password(user, &providers, asker).await
    }

    /// Removes a user with everything that is stored about them.
    pub async fn delete_account(&self, user: &User, asker: Asker<'_>) -> Result<(), AccountError> {
        self.accounts().delete_account(user, asker).await
    }

    /// At most `limit` events of a user's account, the latest first, those before this number.
    pub async fn account_events(
        &self,
        sub: &Sub,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<KeptEvent>, StoreError> {
        self.store.account_events(sub, before, limit).await
    }
}

/// Sessions of users as they end them themselves, and what is kept of their sign-ins.
impl Provider {
    /// Goes on with a session whose user has just set another password, in a new one. The user has
    /// signed in when they did, and not again.
    pub async fn go_on_signed_in(
        &self,
        user: &User,
        session: &Session,
        device: Device,
    ) -> Result<StartedSession, SignInError> {
        // A session that is not remembered never lasts longer from now on. Its sign-in says nothing
        // of that: it may have been elsewhere, and long ago.
        let left = session.expires_at.since(self.now());
        let remember = left > i64::from(self.settings.session_lifetime);
        let amr = session.authentication.amr.clone();
        let sign_in = SignIn::by_password_and(user, amr).ok_or(SignInError::WrongPassword)?;
        let beginning = Beginning {
            sign_in: SignIn { auth_time: Some(session.authentication.auth_time), ..sign_in },
            remember,
            device,
            replaces: None,
            notices: AccountNotices::default(),
        };
        self.sessions().start(user, beginning).await
    }

    /// Ends one other session of this session's user, and notifies its clients.
    pub async fn end_one_session(
        &self,
        session: &Authentication,
        sid: &SessionId,
        device: Device,
    ) -> Result<(), StoreError> {
        let address = device.address.clone().unwrap_or_default();
        self.end_other_session(session, sid, &address).await?;
        self.note(&session.sub, AccountEventKind::SessionEnded, device).await
    }

    /// Takes a client's access back, and keeps that for the user to see.
    pub async fn take_access_back(
        &self,
        session: &Authentication,
        client_id: &ClientId,
        device: Device,
    ) -> Result<(), StoreError> {
        let address = device.address.clone().unwrap_or_default();
        self.user_access().revoke_access(session, client_id, &address).await?;
        let detail = Some(client_id.to_string());
        let (sub, at, kind) = (session.sub.clone(), self.now(), AccountEventKind::AccessRevoked);
        self.store.add_account_event(AccountEvent { sub, at, kind, device, detail }).await
    }

    /// Ends all other sessions of this session's user, and notifies their clients.
    pub async fn end_all_other_sessions(
        &self,
        session: &Authentication,
        device: Device,
    ) -> Result<(), StoreError> {
        let address = device.address.clone().unwrap_or_default();
        let mut after = None;
        loop {
            let (page, next) = self.sessions_of(&session.sub, after.as_ref()).await?;
            for other in page.iter().map(|other| &other.authentication.sid) {
                if *other != session.sid {
                    self.end_other_session(session, other, &address).await?;
                }
            }
            if next.is_none() {
                break;
            }
            after = next;
        }
        self.note(&session.sub, AccountEventKind::SessionEnded, device).await
    }

    /// Starts a session under a new identifier, in place of the browser's earlier one, and keeps
    /// the sign-in for the user to see. Signed in with a browser whose device cookie is not known,
    /// the user is told by mail, unless it is the first sign-in that is known of.
    pub async fn begin_session(
        &self,
        user: &User,
        sign_in: SignIn,
        remember: bool,
        browser: SignInBrowser<'_>,
    ) -> Result<StartedSession, SignInError> {
        let SignInBrowser { device, session, known_by, language } = browser;
        let is_known = known_by.and_then(|cookie| self.devices.recognise(cookie, user));
        // A browser in which a password was set by a link may be that of somebody who reads the
        // owner's mail.
        let is_known = is_known.is_some_and(|browser| browser.has_signed_in);
        let is_first = self.store.account_events(&user.sub, None, 1).await?.is_empty();
        let (kind, event) = if is_known || is_first {
            (None, AccountEventKind::SignedIn)
        } else {
            (Some(MailKind::NewDevice), AccountEventKind::SignedInFromNewDevice)
        };
        let asker = Asker {
            address: device.address.as_deref().unwrap_or_default(),
            browser: device.browser.as_deref(),
            language,
            mark: None,
        };
        let notices = self.accounts().notices(user, kind, Told::new(event), asker)?;
        let replaces = session;
        let beginning = Beginning { sign_in, remember, device, replaces, notices };
        let started = self.sessions().start(user, beginning).await?;
        self.mail_queued.notify_waiters();
        Ok(started)
    }

    /// What is stored about a user, but for secrets.
    pub async fn data_of(&self, user: &User, asker: Asker<'_>) -> Result<Value, StoreError> {
        let (mut sessions, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = self.sessions_of(&user.sub, after.as_ref()).await?;
            sessions.extend(page.iter().map(described_session));
            if next.is_none() {
                break;
            }
            after = next;
        }
        let (mut applications, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = self.clients_with_access(&user.sub, after.as_ref()).await?;
            applications.extend(page.into_iter().map(described_client));
            if next.is_none() {
                break;
            }
            after = next;
        }
        let identities = self.store.external_identities(&user.sub).await?;
        let passkeys = self.store.passkeys(&user.sub).await?;
        let factors = self.store.factors(&user.sub).await?;
        let events = self.store.account_events(&user.sub, None, MOST_PER_USER).await?;
        let device = Device {
            address: Some(asker.address.to_owned()),
            browser: asker.browser.map(str::to_owned),
        };
        audit::Event::DataDownloaded { sub: &user.sub, peer: asker.address }.log();
        self.note(&user.sub, AccountEventKind::DataDownloaded, device).await?;
        Ok(json!({
            "sub": user.sub,
            "username": user.username,
            "claims": user.all_claims(|name| self.resources.is_list_claim(name)).0,
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

    async fn note(
        &self,
        sub: &Sub,
        kind: AccountEventKind,
        device: Device,
    ) -> Result<(), StoreError> {
        let (sub, at) = (sub.clone(), self.now());
        self.store.add_account_event(AccountEvent { sub, at, kind, device, detail: None }).await
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
