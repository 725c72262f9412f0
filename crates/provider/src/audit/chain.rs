//! The chain of records: what shows that one was removed, altered, inserted or moved.
//!
//! Whoever writes a record adds a code over it. Later one process at a time seals what was written:
//! it gives each record a position, and a link that is a code over the link before, the position,
//! the number and the code of the record. The [`Chain`] says where the chain begins and ends, and
//! has a code of its own. All codes are HMAC-SHA-256 under a key that is not in the database in the
//! clear, so whoever has the database alone can't make one (`docs/adr`, decision 40).

use aws_lc_rs::hmac;
use doorward_protocol::time::Timestamp;

use super::record::{KeptRecord, Record, Seal, StampedRecord};

/// A position and its link. The one before the first record is position 0 with a link of zeroes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Anchor {
    /// The position.
    pub position: i64,
    /// The link of the record there.
    pub link: [u8; 32],
}

/// Where the chain begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    /// The last record that was removed for its age.
    pub base: Anchor,
    /// The last record that was sealed.
    pub head: Anchor,
    /// The code over both.
    pub proof: [u8; 32],
}

impl Chain {
    /// The base of a chain that may not be there yet.
    pub fn base_of(chain: Option<&Self>) -> Anchor {
        chain.map(|chain| chain.base).unwrap_or_default()
    }

    /// The head of a chain that may not be there yet.
    pub fn head_of(chain: Option<&Self>) -> Anchor {
        chain.map(|chain| chain.head).unwrap_or_default()
    }
}

/// The key of the codes.
#[derive(Debug, Clone)]
pub struct ChainKey(hmac::Key);

/// What a code is over. Each kind begins with another byte, so that none can stand for another.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Record = 1,
    Link = 2,
    Chain = 3,
}

impl ChainKey {
    /// Takes a key that serves nothing else.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// Stamps a record.
    pub fn stamp(&self, record: Record, id: String, at: Timestamp) -> StampedRecord {
        let record = record.cleaned();
        let mac = self.sign(&content(&id, at, &record));
        StampedRecord { id, at, record, mac }
    }

    /// Whether a record is as it was stamped.
    pub fn is_as_stamped(&self, stamped: &StampedRecord) -> bool {
        let StampedRecord { id, at, record, mac } = stamped;
        hmac::verify(&self.0, &content(id, *at, record), mac).is_ok()
    }

    /// The seal of the record that comes after `before`.
    pub fn seal(&self, before: Anchor, number: i64, mac: [u8; 32]) -> Seal {
        let position = before.position.saturating_add(1);
        let mut message = vec![Kind::Link as u8];
        message.extend(before.link);
        message.extend(position.to_be_bytes());
        message.extend(number.to_be_bytes());
        message.extend(mac);
        Seal { position, number, link: self.sign(&message) }
    }

    /// The chain from one anchor to another.
    pub fn chain(&self, base: Anchor, head: Anchor) -> Chain {
        Chain { base, head, proof: self.sign(&ends(base, head)) }
    }

    /// Whether the ends of the chain are as they were written.
    pub fn is_chain(&self, chain: &Chain) -> bool {
        hmac::verify(&self.0, &ends(chain.base, chain.head), &chain.proof).is_ok()
    }

    fn sign(&self, message: &[u8]) -> [u8; 32] {
        let mut mac = [0; 32];
        mac.copy_from_slice(hmac::sign(&self.0, message).as_ref());
        mac
    }
}

impl Seal {
    /// The record's place as the anchor of what follows it.
    pub fn anchor(&self) -> Anchor {
        Anchor { position: self.position, link: self.link }
    }
}

fn ends(base: Anchor, head: Anchor) -> Vec<u8> {
    let mut message = vec![Kind::Chain as u8];
    for anchor in [base, head] {
        message.extend(anchor.position.to_be_bytes());
        message.extend(anchor.link);
    }
    message
}

/// Everything that a record says. Each text has its length before it, and one that is not there has
/// another mark than an empty one, so no two records have the same content.
fn content(id: &str, at: Timestamp, record: &Record) -> Vec<u8> {
    let mut message = vec![Kind::Record as u8];
    message.extend(at.seconds().to_be_bytes());
    let object = record.object.as_ref();
    let texts = [
        Some(id),
        Some(record.event.as_str()),
        Some(record.outcome.as_str()),
        Some(record.actor.kind.as_str()),
        record.actor.name.as_deref(),
        record.sub.as_deref(),
        object.map(|object| object.kind.as_str()),
        object.map(|object| object.name.as_str()),
        record.client_id.as_deref(),
        record.address.as_deref(),
        record.user_agent.as_deref(),
        record.request_id.as_deref(),
        Some(record.data.as_str()),
    ];
    for text in texts {
        match text {
            None => message.push(0),
            Some(text) => {
                message.push(1);
                message.extend((text.len() as u64).to_be_bytes());
                message.extend(text.as_bytes());
            }
        }
    }
    message
}

/// A sealed place, and the record that the store has for it: `None` if it is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedPlace {
    /// The seal.
    pub seal: Seal,
    /// The record with the seal's number.
    pub record: Option<KeptRecord>,
}

/// What is wrong at a place of the chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// The ends of the chain are not as they were written.
    #[error("the ends of the chain were altered")]
    Ends,
    /// There are records, but nothing says where the chain begins and ends.
    #[error("the ends of the chain were removed")]
    NoEnds,
    /// The next place has another position than it must have.
    #[error("position {expected}: the seal was removed or moved; the next one is {found}")]
    Position {
        /// The position that comes next.
        expected: i64,
        /// The position that is there.
        found: i64,
    },
    /// The record is gone.
    #[error("position {position}: the record was removed")]
    RecordRemoved {
        /// Its position.
        position: i64,
    },
    /// The record does not say what it said.
    #[error("position {position} (record {id}): the record was altered, or somebody else wrote it")]
    RecordAltered {
        /// Its position.
        position: i64,
        /// Its identifier.
        id: String,
    },
    /// The link does not tie the record to the one before.
    #[error(
        "position {position}: the link is not the one that was made: records were exchanged, \
             moved or altered"
    )]
    Link {
        /// Its position.
        position: i64,
    },
    /// The chain ends elsewhere than its head says.
    #[error(
        "the chain ends at position {found}, but {expected} were sealed: the last records \
             were removed or exchanged"
    )]
    Head {
        /// The position of the head.
        expected: i64,
        /// The position of the last seal.
        found: i64,
    },
    /// The chain is another one than it was when its head was noted.
    #[error("position {position}: the chain is another one than it was when its head was noted")]
    Known {
        /// The position that was noted.
        position: i64,
    },
    /// A record is in no chain.
    #[error("record {id} was not sealed: somebody else wrote it, or took its seal away")]
    Unsealed {
        /// Its identifier.
        id: String,
    },
}

/// Walks the chain from its base to its head, and notes what is wrong.
#[derive(Debug)]
pub struct Verification<'a> {
    key: &'a ChainKey,
    chain: Chain,
    reached: Anchor,
    /// What is wrong so far.
    pub breaks: Vec<Break>,
}

impl<'a> Verification<'a> {
    /// Begins at the base of the chain.
    pub fn begin(key: &'a ChainKey, chain: Chain) -> Self {
        let breaks = if key.is_chain(&chain) { Vec::new() } else { vec![Break::Ends] };
        Self { key, reached: chain.base, chain, breaks }
    }

    /// The last position that was looked at.
    pub fn reached(&self) -> Anchor {
        self.reached
    }

    /// Looks at the next place. After a break the walk goes on from what is there, so that one
    /// break is not told again for every record that follows.
    pub fn next(&mut self, place: &SealedPlace) {
        let SealedPlace { seal, record } = place;
        let (expected, position) = (self.reached.position.saturating_add(1), seal.position);
        if position != expected {
            self.breaks.push(Break::Position { expected, found: position });
        }
        match record {
            None => self.breaks.push(Break::RecordRemoved { position }),
            Some(KeptRecord { stamped, number, .. }) => {
                if !self.key.is_as_stamped(stamped) {
                    let id = stamped.id.clone();
                    self.breaks.push(Break::RecordAltered { position, id });
                }
                let must_be = self.key.seal(self.reached, *number, stamped.mac);
                if position == expected && must_be.link != seal.link {
                    self.breaks.push(Break::Link { position });
                }
            }
        }
        self.reached = seal.anchor();
    }

    /// Compares the end with the head of the chain; returns what is wrong in all.
    pub fn end(mut self) -> Vec<Break> {
        if self.reached != self.chain.head {
            let (expected, found) = (self.chain.head.position, self.reached.position);
            self.breaks.push(Break::Head { expected, found });
        }
        self.breaks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::record::{Actor, ActorKind, Outcome};

    fn key() -> ChainKey {
        ChainKey::from_bytes(&[7; 32])
    }

    fn record(number: i64) -> StampedRecord {
        let actor = Actor::new(ActorKind::User, Some("alice"));
        let record = Record::new("signed_in", Outcome::Succeeded, actor).on_user("alice");
        key().stamp(record, format!("id-{number}"), Timestamp::from_seconds(number))
    }

    /// A chain of this many records, whose numbers are ten times their positions.
    fn chain(count: i64) -> (Chain, Vec<SealedPlace>) {
        let mut anchor = Anchor::default();
        let mut places = Vec::new();
        for number in (1..=count).map(|position| position * 10) {
            let stamped = record(number);
            let seal = key().seal(anchor, number, stamped.mac);
            anchor = seal.anchor();
            let record = Some(KeptRecord { number, stamped, seal: Some(seal) });
            places.push(SealedPlace { seal, record });
        }
        (key().chain(Anchor::default(), anchor), places)
    }

    fn verify(chain: Chain, places: &[SealedPlace]) -> Vec<Break> {
        let key = key();
        let mut verification = Verification::begin(&key, chain);
        for place in places {
            verification.next(place);
        }
        verification.end()
    }

    #[test]
    fn an_untouched_chain_holds() {
        let (chain, places) = chain(5);
        assert_eq!(verify(chain, &places), []);
        assert_eq!(verify(key().chain(Anchor::default(), Anchor::default()), &[]), []);
    }

    #[test]
    fn what_was_removed_at_the_beginning_is_known_by_the_base() {
        let (whole, places) = chain(5);
        let rest = key().chain(places[1].seal.anchor(), whole.head);
        assert_eq!(verify(rest, &places[2..]), []);
        assert_eq!(
            verify(whole, &places[2..]),
            [Break::Position { expected: 1, found: 3 }],
            "without the base it is a break"
        );
        let forged = Chain { base: places[1].seal.anchor(), ..whole };
        assert_eq!(verify(forged, &places[2..]), [Break::Ends], "nobody else can move the base");
    }

    #[test]
    fn every_alteration_of_a_record_shows() {
        type Change = fn(&mut StampedRecord);
        let changes: [Change; 9] = [
            |stamped| stamped.id.push('x'),
            |stamped| stamped.at = stamped.at.plus(1),
            |stamped| stamped.record.event = "signed_out".to_owned(),
            |stamped| stamped.record.outcome = Outcome::Refused,
            |stamped| stamped.record.actor.kind = ActorKind::Operator,
            |stamped| stamped.record.sub = None,
            |stamped| stamped.record.address = Some(String::new()),
            |stamped| {
                stamped.record.data = super::super::record::Data::stored("{ }".to_owned());
            },
            |stamped| stamped.mac[0] ^= 1,
        ];
        for change in changes {
            let (chain, mut places) = chain(3);
            let Some(kept) = &mut places[1].record else { continue };
            change(&mut kept.stamped);
            assert!(!verify(chain, &places).is_empty());
        }
    }

    #[test]
    fn removals_insertions_and_moves_show() {
        let (whole, places) = chain(5);
        let mut removed = places.clone();
        removed[2].record = None;
        assert_eq!(verify(whole, &removed), [Break::RecordRemoved { position: 3 }]);
        let without = [&places[..2], &places[3..]].concat();
        assert_eq!(verify(whole, &without), [Break::Position { expected: 3, found: 4 }]);

        let mut exchanged = places.clone();
        let third = exchanged[2].record.take();
        exchanged[2].record = exchanged[3].record.take();
        exchanged[3].record = third;
        let breaks = verify(whole, &exchanged);
        assert_eq!(breaks, [Break::Link { position: 3 }, Break::Link { position: 4 }]);

        let cut = verify(whole, &places[..4]);
        assert_eq!(cut, [Break::Head { expected: 5, found: 4 }]);

        let mut inserted = places.clone();
        let foreign = ChainKey::from_bytes(&[8; 32]);
        let stamped = foreign.stamp(record(60).record, "id".to_owned(), Timestamp::from_seconds(9));
        let seal = foreign.seal(places[4].seal.anchor(), 60, stamped.mac);
        let kept = KeptRecord { number: 60, stamped, seal: Some(seal) };
        inserted.push(SealedPlace { seal, record: Some(kept) });
        let breaks = verify(whole, &inserted);
        assert_eq!(breaks.len(), 3, "the record, its link and the head: {breaks:?}");
    }
}
