//! Where a further request finds a place that waits for its user: the rule that both stores share.

use doorward_provider::model::throttle::WaitingBound;

/// A table of requests that wait for their users.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Waiting {
    PushedRequests,
    DeviceCodes,
}

/// Where a further request goes.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nowhere.
    Nowhere,
    /// There is a place.
    Free,
    /// One of this address or site must make room.
    InPlaceOf(Vec<u8>),
}

impl Waiting {
    pub(crate) fn table(self) -> &'static str {
        match self {
            Self::PushedRequests => "pushed_requests",
            Self::DeviceCodes => "device_codes",
        }
    }

    /// The order in which rows make room: last those with which a user has begun.
    pub(crate) fn order(self) -> &'static str {
        match self {
            Self::PushedRequests => "held, expires_at",
            Self::DeviceCodes => "answer IS NOT NULL, claimed_by IS NOT NULL, expires_at",
        }
    }
}

/// Whether a further request has a place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// There is one.
    Free,
    /// The client has as many as it may. One from the address or site that holds most can go.
    Taken,
    /// There is none.
    Refused,
}

/// What waits already.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    /// From the same address.
    pub(crate) of_origin: i64,
    /// From the same site.
    pub(crate) of_site: i64,
    /// Whether the client has as many as it may.
    pub(crate) is_full: bool,
}

impl Counted {
    pub(crate) fn place(self, bound: &WaitingBound) -> Place {
        let is_within = bound.origin.as_ref().is_none_or(|origin| {
            let site_has_place =
                origin.site.is_none() || self.of_site < i64::from(origin.most_of_site());
            self.of_origin < i64::from(origin.most) && site_has_place
        });
        match (is_within, self.is_full) {
            (false, _) => Place::Refused,
            (true, false) => Place::Free,
            (true, true) => Place::Taken,
        }
    }

    /// Whether one of an address or site that holds so many makes room: only for who holds less.
    pub(crate) fn is_less_than(self, held: i64, bound: &WaitingBound) -> bool {
        let has_site = bound.origin.as_ref().is_some_and(|origin| origin.site.is_some());
        let own = if has_site { self.of_site } else { self.of_origin };
        own < held
    }
}
