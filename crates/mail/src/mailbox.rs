//! Messages that are kept in memory instead of being sent, for demo mode.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::Message;

/// Older messages make room for newer ones.
const MOST_KEPT: usize = 100;

/// A message that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptMessage {
    /// Counted from 1 since the start.
    pub number: u64,
    /// Whom it would have gone to.
    pub to: String,
    /// When, in seconds since 1970.
    pub at: i64,
    /// The message.
    pub message: Message,
}

/// The last messages of this process.
#[derive(Debug, Default)]
pub struct DemoMailbox(Mutex<VecDeque<KeptMessage>>);

impl DemoMailbox {
    /// Keeps a message. `at` is in seconds since 1970.
    pub fn keep(&self, to: &str, at: i64, message: Message) {
        let mut kept = self.lock();
        let number = kept.back().map_or(1, |last| last.number + 1);
        if kept.len() == MOST_KEPT {
            kept.pop_front();
        }
        kept.push_back(KeptMessage { number, to: to.to_owned(), at, message });
    }

    /// The messages, the latest first.
    pub fn messages(&self) -> Vec<KeptMessage> {
        self.lock().iter().rev().cloned().collect()
    }

    /// The message with this number, if it is still there.
    pub fn message(&self, number: u64) -> Option<KeptMessage> {
        self.lock().iter().find(|kept| kept.number == number).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<KeptMessage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_latest_come_first_and_the_oldest_go() {
        let mailbox = DemoMailbox::default();
        let text = |subject: &str| Message {
            subject: subject.to_owned(),
            text: String::new(),
            html: String::new(),
        };
        for number in 1..=MOST_KEPT + 5 {
            mailbox.keep("alice@example.com", 0, text(&number.to_string()));
        }
        let kept = mailbox.messages();
        assert_eq!((kept.len(), kept[0].number), (MOST_KEPT, 105));
        assert_eq!(kept[0].message.subject, "105");
        assert_eq!(mailbox.message(5), None);
        assert_eq!(mailbox.message(6).unwrap().message.subject, "6");
    }
}
