//! The use cases of users and their accounts.

use super::Provider;
use crate::use_case::{
    access::UserAccess, accounts::Accounts, administration::notices::OperatorNotices,
    factors::UserFactors, passkeys::Passkeys, totp::AuthenticatorApps, user_data::UserData,
};

impl Provider {
    /// What users do with their accounts by themselves.
    pub fn accounts(&self) -> Accounts<'_> {
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
            directories: self.directories(),
            mail_queued: &self.mail.queued,
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

    /// What users do with their factors.
    pub fn factors(&self) -> UserFactors<'_> {
        UserFactors {
            users: &*self.store,
            factors: &*self.store,
            identities: &*self.store,
            apps: AuthenticatorApps {
                factors: &*self.store,
                keys: &self.keys,
                clock: &*self.clock,
                entropy: &*self.entropy,
            },
            passkeys: self.passkeys(),
            accounts: self.accounts(),
            providers: &self.identity_providers,
        }
    }

    /// Sign-ins by passkeys.
    pub fn passkeys(&self) -> Passkeys<'_> {
        Passkeys {
            table: &*self.store,
            users: &*self.store,
            tickets: &*self.store,
            failures: &*self.store,
            single_uses: &*self.store,
            verifier: &self.passkeys,
            keys: &self.keys,
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }

    /// Who has access to a user's data: clients, and the user's own sessions.
    pub fn access(&self) -> UserAccess<'_> {
        UserAccess {
            access: &*self.store,
            sessions: &*self.store,
            events: &*self.store,
            clients: self.client_directory(),
            resources: &self.resources,
            logout_queued: &self.logout.queued,
            issuer: &self.settings.issuer,
            clock: &*self.clock,
        }
    }

    /// The copy of their data that users download.
    pub fn user_data(&self) -> UserData<'_> {
        UserData {
            access: self.access(),
            identities: &*self.store,
            passkeys: &*self.store,
            factors: &*self.store,
        }
    }
}
