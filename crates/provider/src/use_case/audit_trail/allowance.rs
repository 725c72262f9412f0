//! How many records of what anybody can cause are kept: a limited number of each kind within a
//! minute. Nobody must be able to fill the disk by them, or to hide one kind behind another.

use crate::{
    audit::{ActorKind, AtWill, Outcome, Record},
    model::{registration::registered_id, time::Timestamp},
};

/// As what a record is counted, if strangers can cause as many as they like.
pub(super) fn at_will(record: &Record) -> Option<AtWill> {
    let is_token = record.outcome == Outcome::Succeeded && is_of_a_stranger_alone(record);
    record.at_will().or_else(|| is_token.then_some(AtWill::Token))
}

/// Whether a client that registered itself did it, and no user takes part: it may get tokens about
/// itself again and again.
fn is_of_a_stranger_alone(record: &Record) -> bool {
    let name = record.actor.name.as_deref().filter(|_| record.actor.kind == ActorKind::Client);
    record.sub.is_none() && name.is_some_and(|name| registered_id(name).is_some())
}

/// What a process may still keep in this minute.
#[derive(Debug)]
pub(super) struct Allowance {
    per_minute: u32,
    minute: i64,
    kept: Kept,
    left_out: u32,
}

/// What was kept of each kind.
#[derive(Debug, Default)]
struct Kept {
    guesses: u32,
    refusals: u32,
    tokens: u32,
    acts: u32,
}

impl Kept {
    fn of(&mut self, kind: AtWill) -> &mut u32 {
        match kind {
            AtWill::Guess => &mut self.guesses,
            AtWill::Refusal => &mut self.refusals,
            AtWill::Token => &mut self.tokens,
            AtWill::Act => &mut self.acts,
        }
    }
}

impl Allowance {
    pub(super) fn new(per_minute: u32) -> Self {
        Self { per_minute, minute: i64::MIN, kept: Kept::default(), left_out: 0 }
    }

    /// Whether one more of this kind is kept.
    pub(super) fn admit(&mut self, kind: AtWill, now: Timestamp) -> bool {
        let minute = now.seconds().div_euclid(60);
        if minute != self.minute {
            (self.minute, self.kept) = (minute, Kept::default());
        }
        let kept = self.kept.of(kind);
        if *kept < self.per_minute {
            *kept += 1;
            return true;
        }
        self.left_out = self.left_out.saturating_add(1);
        false
    }

    /// How many were left out since this was asked before; 0 while their minute lasts.
    pub(super) fn left_out(&mut self, now: Timestamp) -> u32 {
        if now.seconds().div_euclid(60) == self.minute {
            return 0;
        }
        std::mem::take(&mut self.left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Actor;

    #[test]
    fn tokens_of_a_stranger_about_itself_are_at_will() {
        let issued = |client_id: &str| {
            let actor = Actor::new(ActorKind::Client, Some(client_id));
            Record::new("tokens_issued", Outcome::Succeeded, actor)
        };
        assert_eq!(at_will(&issued("registered-a")), Some(AtWill::Token));
        assert_eq!(at_will(&issued("page")), None);
        assert_eq!(at_will(&issued("registered-a").on_user("alice")), None);
    }

    #[test]
    fn so_many_are_kept_in_a_minute_and_the_rest_is_counted() {
        let at = Timestamp::from_seconds;
        let mut allowance = Allowance::new(2);
        let mut admit = |kind, second| allowance.admit(kind, at(second));
        let admitted: Vec<bool> =
            (0..5).map(|second| admit(AtWill::Refusal, 60 + second)).collect();
        assert_eq!(admitted, [true, true, false, false, false]);
        for kind in [AtWill::Guess, AtWill::Token, AtWill::Act] {
            assert!(admit(kind, 65), "{kind:?}: each kind has its own");
        }
        assert_eq!(allowance.left_out(at(119)), 0, "not before the minute is over");
        assert_eq!(allowance.left_out(at(120)), 3);
        assert_eq!(allowance.left_out(at(121)), 0);
        assert!(allowance.admit(AtWill::Refusal, at(121)));
    }
}
