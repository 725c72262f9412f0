//! How many requests a caller may send in a minute.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use doorward_provider::model::time::Timestamp;

/// Counts the requests of each caller in the present minute. Callers are authenticated, so there
/// are few, and all are forgotten with the minute.
pub struct RateLimit {
    most: u32,
    minute: Mutex<Minute>,
}

#[derive(Default)]
struct Minute {
    number: i64,
    counts: HashMap<String, u32>,
}

impl RateLimit {
    pub fn new(most: u32) -> Self {
        Self { most, minute: Mutex::default() }
    }

    /// Counts a request. If it is one too many: after how many seconds the caller may try again.
    pub fn admit(&self, caller: &str, now: Timestamp) -> Result<(), u32> {
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        let number = now.seconds().div_euclid(60);
        if minute.number != number {
            *minute = Minute { number, counts: HashMap::new() };
        }
        let count = minute.counts.entry(caller.to_owned()).or_default();
        if *count >= self.most {
            return Err(u32::try_from(60 - now.seconds().rem_euclid(60)).unwrap_or(60));
        }
        *count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_so_many_in_a_minute() {
        let (limit, at) = (RateLimit::new(2), Timestamp::from_seconds);
        assert_eq!(limit.admit("a", at(70)), Ok(()));
        assert_eq!(limit.admit("a", at(80)), Ok(()));
        assert_eq!(limit.admit("a", at(90)), Err(30));
        assert_eq!(limit.admit("b", at(90)), Ok(()));
        assert_eq!(limit.admit("a", at(120)), Ok(()));
    }
}
