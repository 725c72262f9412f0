//! The use cases of sign-ins, here and elsewhere, and of the sessions that come of them.

use std::sync::Arc;

use super::Provider;
use crate::{
    model::vouching::Vouching,
    use_case::{
        directory::{Directories, DirectoryStates},
        end_session::EndSession,
        external_sign_in::ExternalSignIns,
        identity_provider_registry::IdentityProviderRegistry,
        second_step::SecondSteps,
        sign_in::{PasswordCheck, SessionLifetimes, Sessions, SignIns},
        upstream::UpstreamSignIns,
    },
};

impl Provider {
    /// The check of passwords, and their changes in directories.
    pub fn passwords(&self) -> PasswordCheck<'_> {
        PasswordCheck {
            users: &*self.store,
            identities: &*self.store,
            directories: self.directories().directories,
            asks_directories: true,
            failures: &*self.store,
            passwords: &self.passwords,
            devices: &self.devices,
            sign_in_with: self.settings.accounts.sign_in_with,
            most_wrong: self.settings.accounts.most_wrong_attempts,
            accounts: self.accounts(),
            outbox: &*self.store,
            clock: &*self.clock,
        }
    }

    /// What comes after the first step of a sign-in.
    pub fn second_steps(&self) -> SecondSteps<'_> {
        SecondSteps {
            users: &*self.store,
            factors: &*self.store,
            failures: &*self.store,
            single_uses: &*self.store,
            passwords: self.passwords(),
            own: self.factors(),
            devices: &self.devices,
            browsers: &self.browsers,
            settings: &self.settings.second_factor,
            most_wrong: self.settings.accounts.most_wrong_attempts,
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }

    /// The sessions of sign-ins: how they begin, and what their users are told.
    pub fn sign_ins(&self) -> SignIns<'_> {
        SignIns { sessions: self.sessions(), accounts: self.accounts() }
    }

    /// The sessions of browsers.
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions {
            table: &*self.store,
            clients: &self.clients,
            lifetimes: SessionLifetimes {
                plain: self.settings.session_lifetime,
                remembered: self.settings.remember_me_lifetime,
            },
            devices: &self.devices,
            directories: self.directories(),
            issuer: &self.settings.issuer,
            logout_queued: &self.logout.queued,
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }

    /// Requests of clients to sign a user out.
    pub fn end_session_requests(&self) -> EndSession<'_> {
        EndSession {
            clients: self.client_directory(),
            keys: &self.keys,
            issuer: &self.settings.issuer,
        }
    }

    /// The directories by which users sign in, and what they say of them.
    pub fn directories(&self) -> DirectoryStates<'_> {
        DirectoryStates {
            directories: Directories {
                settings: &self.settings.directories,
                clients: &self.directory_clients,
            },
            identities: &*self.store,
            access: &self.access_of_users,
            clock: &*self.clock,
        }
    }

    /// The way to other providers and back.
    pub fn upstream(&self) -> UpstreamSignIns<'_> {
        UpstreamSignIns {
            vouching: self.vouching(),
            clients: self.identity_providers.clients(),
            keys: &self.keys,
            single_uses: &*self.store,
            failures: &*self.store,
            sessions: &*self.store,
            logout_queued: &self.logout.queued,
            clock: &*self.clock,
        }
    }

    /// Sign-ins for which another provider vouches, and the identities that users link.
    pub fn external_sign_ins(&self) -> ExternalSignIns<'_> {
        ExternalSignIns {
            identities: &*self.store,
            external_ids: &*self.store,
            users: &*self.store,
            factors: &*self.store,
            tickets: &*self.store,
            accounts: self.accounts(),
            vouching: self.vouching(),
            directories: &self.settings.directories,
            clock: &*self.clock,
            entropy: &*self.entropy,
        }
    }

    /// Who vouches for users now: the other providers by which they may sign in, and the
    /// directories.
    pub fn vouching(&self) -> Arc<Vouching> {
        self.identity_providers.vouching()
    }

    /// The other providers in use, for those who administer them.
    pub fn identity_providers(&self) -> &IdentityProviderRegistry {
        &self.identity_providers
    }
}
