//! What is over while rows of it are still there: a disabled user, whose sessions end in pages, and
//! a removed client, of which everything is removed in pages. The server does so, page by page; the
//! rules of it are the same for both stores.

use doorward_protocol::ids::{ClientId, Sub};
use doorward_provider::{
    model::time::{Seconds, Timestamp},
    store::StoreError,
};

use crate::{
    pages,
    row::{ColumnError, Row},
};

/// How long after a client's last row it is looked at once more. A process may know the client for
/// a second after its removal, and what it answers meanwhile may leave rows.
const LOOKED_AT_AGAIN_AFTER: Seconds = Seconds::new(60);

/// How long what can't be removed is put off. A client that was put off for so long needs no second
/// look.
const PUT_OFF_FOR: Seconds = LOOKED_AT_AGAIN_AFTER;

/// Whose rows are left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LeftBehind {
    /// The sessions of a user who was disabled. There will be no further ones until the user is
    /// enabled.
    User(Sub),
    /// Everything of a client that was removed.
    Client(ClientId),
}

impl LeftBehind {
    /// Its column `kind`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Client(_) => "client",
        }
    }

    /// Its column `id`.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::User(sub) => sub.as_str(),
            Self::Client(client_id) => client_id.as_str(),
        }
    }

    /// Rows that a page of it has.
    fn page(&self) -> u32 {
        match self {
            Self::User(_) => pages::SESSIONS,
            Self::Client(_) => pages::ROWS,
        }
    }
}

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) whose: LeftBehind,
    due_at: i64,
}

/// What becomes of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The next page is due.
    Page,
    /// It is looked at once more.
    LookAt(Timestamp),
    /// It is removed.
    End,
}

/// Until when what is due first is put off after this error: it would keep the rest waiting.
pub(crate) fn put_off_until(error: &StoreError, now: Timestamp) -> Option<Timestamp> {
    let is_its_own = !matches!(error, StoreError::Unavailable(_));
    is_its_own.then(|| now.plus(PUT_OFF_FOR))
}

impl Entry {
    /// Reads `kind, id, due_at`.
    pub(crate) fn read(row: &impl Row) -> Result<Self, ColumnError> {
        let whose = match row.text(0, "left_behind.kind")? {
            "user" => LeftBehind::User(row.id(1, "left_behind.id")?),
            "client" => LeftBehind::Client(row.id(1, "left_behind.id")?),
            _ => return Err(ColumnError::Unreadable("left_behind.kind")),
        };
        Ok(Self { whose, due_at: row.integer(2, "left_behind.due_at")? })
    }

    /// What becomes of it after a page of so many rows.
    pub(crate) fn after(&self, rows: u64, now: Timestamp) -> Next {
        match self.whose {
            _ if rows >= u64::from(self.whose.page()) => Next::Page,
            LeftBehind::Client(_) if self.due_at == 0 => {
                Next::LookAt(now.plus(LOOKED_AT_AGAIN_AFTER))
            }
            LeftBehind::User(_) | LeftBehind::Client(_) => Next::End,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_user_is_done_with_the_last_page_and_a_client_a_minute_later() {
        let now = Timestamp::from_seconds(1_000);
        let entry = |whose: &LeftBehind, due_at: i64| Entry { whose: whose.clone(), due_at };
        let user = LeftBehind::User("alice".parse().unwrap());
        let client = LeftBehind::Client("app".parse().unwrap());
        for (whose, page) in [(&user, pages::SESSIONS), (&client, pages::ROWS)] {
            assert_eq!(entry(whose, 0).after(page.into(), now), Next::Page);
            assert_eq!(entry(whose, 940).after(page.into(), now), Next::Page);
        }
        assert_eq!(entry(&user, 0).after(u64::from(pages::SESSIONS) - 1, now), Next::End);
        let again = Next::LookAt(Timestamp::from_seconds(1_060));
        assert_eq!(entry(&client, 0).after(u64::from(pages::ROWS) - 1, now), again);
        assert_eq!(entry(&client, 0).after(0, now), again);
        assert_eq!(entry(&client, 940).after(3, now), Next::End);
    }

    #[test]
    fn what_can_not_be_removed_is_put_off_but_a_store_that_is_away_is_asked_again() {
        let now = Timestamp::from_seconds(1_000);
        let corrupt = StoreError::Corrupt("a row".to_owned());
        assert_eq!(put_off_until(&corrupt, now), Some(Timestamp::from_seconds(1_060)));
        assert_eq!(put_off_until(&StoreError::Unavailable("away".to_owned()), now), None);
    }
}
