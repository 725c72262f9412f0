//! A bounded pool that verifies passwords.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::hmac;
use doorward_protocol::secret::Secret;
use tokio::sync::Semaphore;

use crate::{
    model::password::PasswordHash,
    store::{StoreError, Users},
    use_case::turns::Turns,
};

/// More passwords wait to be verified than there are places: try again soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many sign-ins at the moment; try again in a few seconds")]
pub struct Busy;

/// How many sign-ins may wait for each one that is being computed: about a second's worth.
const WAITING_FOR_EACH: usize = 48;

/// How many new passwords may wait for each hash that is being computed.
const NEW_FOR_EACH: usize = 8;

/// How many kinds of hashes decoys are made for.
const MOST_COSTS: u32 = 16;

/// Verifies passwords on blocking threads, a few at a time, so that a rush of sign-ins neither
/// takes all memory nor starves the token endpoint.
#[derive(Debug, Clone)]
pub struct PasswordVerifier {
    permits: Arc<Semaphore>,
    /// Places to wait in; without a bound, a flood of guesses would hold up every real sign-in.
    places: Arc<Semaphore>,
    /// New passwords are checked and hashed behind these: so few at a time that sign-ins, which
    /// share the threads, wait for one of them at most.
    new_permits: Arc<Semaphore>,
    /// Places for them to wait in.
    new_places: Arc<Semaphore>,
    /// A decoy is verified in place of the hash of a user that does not exist, so that both cases
    /// take the same time. There is one for each cost that users' hashes were seen to have.
    decoys: Arc<Mutex<Vec<PasswordHash>>>,
    /// Chooses the decoy of a name: the same name always costs the same.
    choice: hmac::Key,
    /// Attempts that are under way, each in its place.
    turns: Arc<Turns>,
}

impl PasswordVerifier {
    /// A pool that computes `parallel` hashes at a time.
    #[must_use]
    pub fn new(parallel: usize) -> Self {
        let parallel = parallel.max(1);
        Self {
            permits: Arc::new(Semaphore::new(parallel)),
            places: Arc::new(Semaphore::new(parallel * WAITING_FOR_EACH)),
            new_permits: Arc::new(Semaphore::new((parallel / 2).max(1))),
            new_places: Arc::new(Semaphore::new(parallel * NEW_FOR_EACH)),
            decoys: Arc::new(Mutex::new(vec![PasswordHash::usual_decoy()])),
            choice: hmac::Key::new(hmac::HMAC_SHA256, &rand::random::<[u8; 32]>()),
            turns: Arc::default(),
        }
    }

    /// Where attempts at the same time wait for one another.
    pub(crate) fn turns(&self) -> &Turns {
        &self.turns
    }

    /// Makes a decoy of the cost of this hash, if there is none yet. Attempts are not counted: a
    /// guesser must not choose what names of nobody cost.
    pub fn learn(&self, hash: &PasswordHash) {
        let mut decoys = self.decoys.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = decoys.iter().any(|own| own.cost() == hash.cost());
        if !is_known && decoys.len() < MOST_COSTS as usize {
            decoys.push(hash.decoy());
        }
    }

    /// Makes decoys of the costs of all users. So they are there before the first sign-in.
    pub(crate) async fn learn_all(&self, users: &dyn Users) -> Result<(), StoreError> {
        for hash in users.password_costs(MOST_COSTS).await? {
            self.learn(&hash);
        }
        Ok(())
    }

    /// The decoy of a name that nobody has: each cost is as frequent among such names.
    fn decoy(&self, username: &str) -> Option<PasswordHash> {
        let decoys = self.decoys.lock().unwrap_or_else(PoisonError::into_inner);
        // The highest number wins, so that a new decoy changes few names, and only to itself.
        let number = |decoy: &&PasswordHash| {
            let mut context = hmac::Context::with_key(&self.choice);
            context.update(username.as_bytes());
            context.update(decoy.as_str().as_bytes());
            context.sign().as_ref().to_vec()
        };
        decoys.iter().max_by_key(number).cloned()
    }

    /// Whether the password belongs to the hash of the user with this name. Without a hash the
    /// answer is `false` after the work of a user's hash.
    pub async fn verify(
        &self,
        username: &str,
        hash: Option<&PasswordHash>,
        password: Secret,
    ) -> Result<bool, Busy> {
        let (hash, exists) = match hash {
            Some(hash) => (Some(hash.clone()), true),
            None => (self.decoy(username), false),
        };
        let computed = self.run(move || hash.is_some_and(|hash| hash.verify(&password))).await?;
        Ok(computed.unwrap_or(false) && exists)
    }

    /// A new hash of a password that was verified, by the parameters of today.
    pub async fn rehash(&self, password: Secret) -> Result<Option<PasswordHash>, Busy> {
        Ok(self.run(move || PasswordHash::compute(&password).ok()).await?.flatten())
    }

    /// Runs work for a new password, which must not hold sign-ins up.
    pub(crate) async fn run_for_new<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, Busy> {
        let _place = self.new_places.try_acquire().map_err(|_| Busy)?;
        let permit = Arc::clone(&self.new_permits).acquire_owned().await.map_err(|_| Busy)?;
        // The work keeps the permit: it goes on when its caller hangs up.
        self.run(move || {
            let _permit = permit;
            work()
        })
        .await
    }

    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Option<T>, Busy> {
        let _place = self.places.try_acquire().map_err(|_| Busy)?;
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Busy)?;
        let computed = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        Ok(computed.await.ok())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn an_unknown_user_is_refused_even_with_the_decoys_password() {
        let verifier = PasswordVerifier::new(1);
        assert!(
            !verifier
                .verify("nobody", None, Secret::new("no user has this password"))
                .await
                .unwrap()
        );
        let hash = PasswordHash::compute(&Secret::new("a")).unwrap();
        assert!(verifier.verify("a", Some(&hash), Secret::new("a")).await.unwrap());
    }

    #[test]
    fn names_of_nobody_cost_what_users_cost_and_each_always_the_same() {
        let verifier = PasswordVerifier::new(1);
        let cost = |cost: &str| {
            let text = format!("$argon2id$v=19${cost}${}${}", "A".repeat(22), "E".repeat(43));
            PasswordHash::parse(&text).unwrap()
        };
        let (cheap, dear) = (cost("m=4096,t=1,p=1"), cost("m=65536,t=3,p=4"));
        for _ in 0..50 {
            verifier.learn(&cheap);
        }
        verifier.learn(&dear);
        let names: Vec<String> = (0..400).map(|index| format!("nobody-{index}")).collect();
        let costs: Vec<PasswordHash> =
            names.iter().map(|name| verifier.decoy(name).unwrap()).collect();
        let count =
            |hash: &PasswordHash| costs.iter().filter(|decoy| decoy.cost() == hash.cost()).count();
        assert!((100..300).contains(&count(&cheap)), "{}", count(&cheap));
        assert!((100..300).contains(&count(&dear)), "{}", count(&dear));
        let again: Vec<PasswordHash> =
            names.iter().map(|name| verifier.decoy(name).unwrap()).collect();
        assert_eq!(again, costs);

        // Another cost takes some of the names, and moves none between the others.
        let new = cost("m=8192,t=2,p=1");
        verifier.learn(&new);
        let moved = names.iter().zip(&costs).filter(|(name, before)| {
            let now = verifier.decoy(name).unwrap();
            assert!(now == **before || now.cost() == new.cost());
            now != **before
        });
        assert!((50..200).contains(&moved.count()));
    }

    #[tokio::test]
    async fn new_passwords_take_no_place_of_sign_ins() {
        let verifier = PasswordVerifier::new(1);
        let (started, release) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let work = || {
            let (started, release) = (Arc::clone(&started), Arc::clone(&release));
            move || {
                started.add_permits(1);
                while release.try_acquire().map(tokio::sync::SemaphorePermit::forget).is_err() {
                    std::thread::yield_now();
                }
            }
        };
        let registrations =
            futures::future::join_all((0..100).map(|_| verifier.run_for_new(work())));
        let signing_in = async {
            // One registration is being computed; all others wait, or are told to come back.
            started.acquire().await.unwrap().forget();
            let mut sign_in = Box::pin(verifier.verify("nobody", None, Secret::new("guess")));
            assert!(futures::poll!(&mut sign_in).is_pending(), "it has a place");
            release.add_permits(1);
            // Done when a single further registration may have begun: the places are its own.
            let answer = sign_in.await;
            release.add_permits(100);
            answer
        };
        let (answers, answer) = futures::join!(registrations, signing_in);
        assert_eq!(answer, Ok(false));
        let refused = answers.iter().filter(|answer| **answer == Err(Busy)).count();
        assert_eq!(refused, 100 - NEW_FOR_EACH);
    }

    #[tokio::test]
    async fn more_sign_ins_than_places_are_told_to_come_back() {
        let verifier = PasswordVerifier::new(1);
        let attempt = || Box::pin(verifier.verify("nobody", None, Secret::new("guess")));
        // None is computed before all have their places.
        let computing = Arc::clone(&verifier.permits).acquire_owned().await.unwrap();
        let mut waiting: Vec<_> = (0..WAITING_FOR_EACH).map(|_| attempt()).collect();
        for attempt in &mut waiting {
            assert!(futures::poll!(attempt).is_pending());
        }
        assert_eq!(attempt().await, Err(Busy));
        drop(computing);
        for attempt in waiting {
            assert_eq!(attempt.await, Ok(false));
        }
        assert_eq!(verifier.verify("nobody", None, Secret::new("later")).await, Ok(false));
    }
}
