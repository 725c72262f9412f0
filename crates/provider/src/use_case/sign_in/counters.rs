//! What an attempt to sign in is counted for.

use super::{PasswordCheck, SignInOrigin};
use crate::{
    model::{
        throttle::{self, ThrottleKey, ThrottlePolicy},
        user::User,
    },
    store::StoreError,
};

impl PasswordCheck<'_> {
    /// What this attempt is counted for. The owner of an account is known by a browser or an
    /// address that has signed it in before: only failures there hold them up.
    pub(super) async fn counters(
        &self,
        username: &str,
        user: Option<&User>,
        origin: SignInOrigin<'_>,
    ) -> Result<Counters, StoreError> {
        let (address, device) = match origin {
            SignInOrigin::Browser { address, device } => (address, device),
            SignInOrigin::Client { client_id } => {
                let own = ThrottleKey::account_at_client(username, client_id);
                return Ok(Counters::alone(own, throttle::PER_ACCOUNT_AND_CLIENT));
            }
        };
        // What failures in this browser are counted for, if it has signed the account in before.
        let known_device =
            user.zip(device).and_then(|(user, cookie)| self.devices.recognise(cookie, user));
        if let Some((user, browser)) = user.zip(known_device) {
            let in_a_row = InARow::at(user, &browser.key);
            let counters = Counters::alone(browser.key, throttle::PER_DEVICE);
            return Ok(Counters { in_a_row: Some(in_a_row), ..counters });
        }
        let here = ThrottleKey::account_at(username, address);
        // A name of nobody is looked for like that of a user, and is never known.
        let known = user.map_or(here.clone(), |user| ThrottleKey::known_at(user, address));
        let is_known = self.failures.has_signed_in(&[known], self.clock.now()).await?;
        let (own, wide, in_a_row) = match user {
            Some(user) if !is_known.is_empty() => {
                (here.while_known(), Vec::new(), InARow::at(user, &here))
            }
            user => {
                let mut wide = vec![(ThrottleKey::account(username), throttle::PER_ACCOUNT)];
                wide.extend(throttle::of_address(address));
                (here, wide, InARow::elsewhere(username, user))
            }
        };
        let own = (own, throttle::PER_ACCOUNT_AND_ADDRESS);
        Ok(Counters { own, wide, in_a_row: Some(in_a_row) })
    }
}

/// The keys that one attempt is counted for.
pub(super) struct Counters {
    /// The narrowest one, which a success clears.
    own: (ThrottleKey, ThrottlePolicy),
    wide: Vec<(ThrottleKey, ThrottlePolicy)>,
    /// Wrong passwords in a row; `None` for a client, which can't say where its users are.
    pub(super) in_a_row: Option<InARow>,
}

impl Counters {
    fn alone(own: ThrottleKey, policy: ThrottlePolicy) -> Self {
        Self { own: (own, policy), wide: Vec::new(), in_a_row: None }
    }

    /// The narrowest one.
    pub(super) fn own(&self) -> &ThrottleKey {
        &self.own.0
    }

    /// All of them, that of wrong passwords in a row last.
    pub(super) fn limits(&self) -> Vec<(ThrottleKey, ThrottlePolicy)> {
        let in_a_row = self.in_a_row.iter().map(|own| (own.key.clone(), own.policy));
        [self.own.clone()].into_iter().chain(self.wide.iter().cloned()).chain(in_a_row).collect()
    }

    /// The number of wrong passwords in a row among the counts of [`limits`](Self::limits).
    pub(super) fn in_a_row(&self, counts: &[u32]) -> u32 {
        self.in_a_row.as_ref().and(counts.last()).copied().unwrap_or_default()
    }

    /// What a success makes forgotten, the narrowest first.
    pub(super) fn cleared(&self) -> Vec<ThrottleKey> {
        let of_place = self.in_a_row.iter().filter(|own| own.is_of_a_place);
        [self.own.0.clone()].into_iter().chain(of_place.map(|own| own.key.clone())).collect()
    }

    /// From what a success takes its own failures back.
    pub(super) fn taken_back(&self) -> Vec<ThrottleKey> {
        let elsewhere = self.in_a_row.iter().filter(|own| !own.is_of_a_place);
        let wide = self.wide.iter().map(|(key, _)| key.clone());
        wide.chain(elsewhere.map(|own| own.key.clone())).collect()
    }

    pub(super) fn keys(&self) -> Vec<ThrottleKey> {
        self.limits().into_iter().map(|(key, _)| key).collect()
    }
}

/// Where wrong passwords in a row are counted: a place that is known for the account, or all others
/// together.
pub(super) struct InARow {
    pub(super) key: ThrottleKey,
    policy: ThrottlePolicy,
    /// Whether a success begins the count anew. Elsewhere a success takes back its own failures
    /// only: otherwise each sign-in of the owner would give a guesser as many guesses again.
    is_of_a_place: bool,
}

impl InARow {
    fn at(user: &User, place: &ThrottleKey) -> Self {
        let key = ThrottleKey::wrong_passwords(user, Some(place));
        Self { key, policy: throttle::WRONG_PASSWORDS, is_of_a_place: true }
    }

    fn elsewhere(username: &str, user: Option<&User>) -> Self {
        let (key, policy) = if let Some(user) = user {
            (ThrottleKey::wrong_passwords(user, None), throttle::WRONG_PASSWORDS)
        } else {
            let key = ThrottleKey::wrong_passwords_of_nobody(username);
            (key, throttle::WRONG_PASSWORDS_OF_NOBODY)
        };
        Self { key, policy, is_of_a_place: false }
    }
}
