//! What users do with their accounts by themselves.

use doorward_protocol::{ids::Sub, secret::Secret};

use super::Provider;
use crate::{
    model::{
        account_settings::AccountSettings, email::EmailAddress,
        identity_provider::IdentityProvider, password::PasswordHash, password_rules::AboutUser,
        registration::RegistrationMode, token_handle::TokenHandle, user::User,
    },
    store::StoreError,
    use_case::{
        accounts::{
            AccountError, Accounts, Asker, PendingAddress, PendingRegistration, RegistrationForm,
            RegistrationLink, ResetLink, SendLinkError,
        },
        administration::notices::OperatorNotices,
        new_password::NewPasswordError,
    },
};

impl Provider {
    pub(super) fn accounts(&self) -> Accounts<'_> {
        Accounts {
            users: &*self.store,
            tickets: &*self.store,
            events: &*self.store,
            failures: &*self.store,
            devices: &self.devices,
            settings: &self.settings.accounts,
            keys: &self.keys,
            issuer: &self.settings.issuer,
            new_passwords: &self.new_passwords,
            passwords: &self.passwords,
            directories: self.directory_states(),
            mail_queued: &self.mail_queued,
            logout_queued: &self.logout.queued,
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }

    /// What tells users of changes by operators and administrators.
    pub fn operator_notices(&self) -> OperatorNotices<'_> {
        OperatorNotices {
            accounts: &self.settings.accounts,
            master: Some(self.keys.master()),
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }

    /// The settings of accounts.
    pub fn account_settings(&self) -> &AccountSettings {
        &self.settings.accounts
    }

    /// The other providers and the directories by which users sign in.
    pub fn ways_in_elsewhere(&self) -> Vec<IdentityProvider> {
        self.vouching().ways_in()
    }

    /// Who may register clients.
    pub fn registration_mode(&self) -> RegistrationMode {
        self.settings.registration.mode
    }

    /// Checks a password that a user chose, and hashes it. The user may be one who is about to be
    /// added.
    pub async fn hash_new_password(
        &self,
        password: Secret,
        user: &User,
    ) -> Result<PasswordHash, NewPasswordError> {
        let about = AboutUser::of(user, self.accounts().service());
        self.new_passwords.hash(password, about, &self.passwords).await
    }

    /// Sends a link to set another password to the user who is named by user name or address.
    /// Whether there is one is not told. `device` is the device cookie of the browser.
    pub async fn forgot_password(
        &self,
        typed: &str,
        return_url: Option<String>,
        device: Option<&TokenHandle>,
        asker: Asker<'_>,
    ) -> Result<(), AccountError> {
        self.accounts().forgot_password(typed, return_url, device, asker).await
    }

    /// Sends a link to set another password to this user because an administrator says so, whose
    /// name is the address of `asker`. Returns where it goes.
    pub async fn send_reset_link(
        &self,
        user: &User,
        asker: Asker<'_>,
    ) -> Result<EmailAddress, SendLinkError> {
        self.accounts().send_reset_link_for_administrator(user, asker).await
    }

    /// Looks at a link to set another password.
    pub async fn reset_link(&self, handle: &TokenHandle) -> Result<ResetLink, AccountError> {
        self.accounts().reset_link(handle).await
    }

    /// Sets another password by a link. All sessions and grants of the user end.
    pub async fn reset_password(
        &self,
        handle: &TokenHandle,
        password: Secret,
        asker: Asker<'_>,
    ) -> Result<ResetLink, AccountError> {
        self.accounts().reset_password(handle, password, asker).await
    }

    /// The device cookie for a browser in which this user has just set a password by a link; `None`
    /// if the user was removed. With it, guesses that others make do not delay the sign-in here.
    pub async fn device_cookie(&self, sub: &Sub) -> Result<Option<TokenHandle>, StoreError> {
        let user = self.store.user(sub).await?;
        Ok(user.map(|user| self.devices.issue_by_link(&user, &*self.entropy)))
    }

    /// Sends a link to register to an address. Whether somebody has the address is not told.
    pub async fn register(
        &self,
        typed: &str,
        return_url: Option<String>,
        asker: Asker<'_>,
    ) -> Result<(), AccountError> {
        self.accounts().register(typed, return_url, asker).await
    }

    /// Looks at a link to register, or at an invitation.
    pub async fn pending_registration(
        &self,
        link: RegistrationLink,
        handle: &TokenHandle,
    ) -> Result<PendingRegistration, AccountError> {
        self.accounts().pending_registration(link, handle).await
    }

    /// Adds a user by a link to register, or by an invitation.
    pub async fn finish_registration(
        &self,
        link: RegistrationLink,
        handle: &TokenHandle,
        form: RegistrationForm,
        asker: Asker<'_>,
    ) -> Result<User, AccountError> {
        self.accounts().finish_registration(link, handle, form, asker).await
    }

    /// Sends a link to an address that a signed-in user says is theirs, by which it becomes their
    /// verified address.
    pub async fn confirm_address(
        &self,
        user: &User,
        address: &EmailAddress,
        asker: Asker<'_>,
    ) -> Result<(), AccountError> {
        self.accounts().confirm_address(user, address, asker).await
    }

    /// Looks at a link that confirms an address.
    pub async fn pending_address(
        &self,
        handle: &TokenHandle,
    ) -> Result<PendingAddress, AccountError> {
        self.accounts().pending_address(handle).await
    }

    /// Makes an address the user's own by a link.
    pub async fn take_address(
        &self,
        handle: &TokenHandle,
        asker: Asker<'_>,
    ) -> Result<PendingAddress, AccountError> {
        self.accounts().take_address(handle, asker).await
    }
}
