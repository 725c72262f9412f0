//! How many refusals are kept: so many within a minute. Anybody can cause refusals, and must not be
//! able to fill the disk by them.

use crate::model::time::Timestamp;

/// What a process may still keep in this minute.
#[derive(Debug)]
pub(super) struct Allowance {
    per_minute: u32,
    minute: i64,
    kept: u32,
    left_out: u32,
}

impl Allowance {
    pub(super) fn new(per_minute: u32) -> Self {
        Self { per_minute, minute: i64::MIN, kept: 0, left_out: 0 }
    }

    /// Whether one more is kept.
    pub(super) fn admit(&mut self, now: Timestamp) -> bool {
        let minute = now.seconds().div_euclid(60);
        if minute != self.minute {
            (self.minute, self.kept) = (minute, 0);
        }
        if self.kept < self.per_minute {
            self.kept += 1;
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

    #[test]
    fn so_many_are_kept_in_a_minute_and_the_rest_is_counted() {
        let at = Timestamp::from_seconds;
        let mut allowance = Allowance::new(2);
        let admitted: Vec<bool> = (0..5).map(|second| allowance.admit(at(60 + second))).collect();
        assert_eq!(admitted, [true, true, false, false, false]);
        assert_eq!(allowance.left_out(at(119)), 0, "not before the minute is over");
        assert_eq!(allowance.left_out(at(120)), 3);
        assert_eq!(allowance.left_out(at(121)), 0);
        assert!(allowance.admit(at(121)));
    }
}
