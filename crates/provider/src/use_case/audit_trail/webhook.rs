//! Delivery of sealed records to a webhook, in their order.
//!
//! The store remembers how far the webhook has got, so a restart changes nothing, and of several
//! processes one at a time delivers. A batch is sent again only if its answer was lost, or if the
//! process died before it noted the answer.

use std::{
    sync::atomic::{AtomicI64, Ordering::Relaxed},
    time::Duration,
};

use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use doorward_protocol::secret::Secret;
use serde_json::Value;
use tokio::time::sleep;

use super::AuditTrail;
use crate::{
    audit::{Chain, SealedPlace},
    model::time::{Seconds, Timestamp},
    store::StoreError,
    use_case::backoff::Backoff,
};

/// Records in one request.
const AT_ONCE: u32 = 100;
/// What the records of one request say at most, in bytes, if they are more than one. Nobody can
/// make a request that the receiver finds too large by long records.
const MOST_BYTES: usize = 256 * 1024;
/// The bytes of a record without its data, about.
const AROUND_DATA: usize = 1024;
/// When a delivery that was taken is due again. No attempt takes as long.
const LEASE: Seconds = Seconds::new(120);
/// How often the chain is looked at.
const POLL: Duration = Duration::from_secs(2);
/// The waits between attempts.
const BACKOFF: Backoff = Backoff { first: 5, longest: 900 };

/// Records on their way.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The same for each attempt to send these records.
    pub id: String,
    /// When it is sent.
    pub at: Timestamp,
    /// The records as objects.
    pub records: Vec<Value>,
}

/// The way to the receiver. It sets a time limit of its own, of at most a minute.
#[async_trait]
pub trait AuditChannel: Send + Sync + 'static {
    /// Sends the records. `Ok`: the receiver has taken them.
    async fn send(&self, batch: &Batch) -> Result<(), ChannelError>;
}

/// The receiver has not taken the records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ChannelError(pub String);

/// The key that signs the requests, as [Standard Webhooks](https://www.standardwebhooks.com)
/// describes it.
#[derive(Debug, Clone)]
pub struct WebhookKey(hmac::Key);

/// The text is not a secret of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "give whsec_ and then 24 to 64 random bytes in base64, for example those of \
     \"openssl rand -base64 32\""
)]
pub struct InvalidWebhookSecret;

impl WebhookKey {
    /// Reads the key from its text form: `whsec_` and base64.
    pub fn parse(secret: &Secret) -> Result<Self, InvalidWebhookSecret> {
        let encoded = secret.expose().strip_prefix("whsec_").ok_or(InvalidWebhookSecret)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| InvalidWebhookSecret)?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(InvalidWebhookSecret);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The header `webhook-signature` of a request with this identifier, time and body.
    pub fn signature(&self, id: &str, at: Timestamp, body: &str) -> String {
        let signed = format!("{id}.{}.{body}", at.seconds());
        format!("v1,{}", STANDARD.encode(hmac::sign(&self.0, signed.as_bytes())))
    }
}

impl AuditTrail {
    /// Delivers records until it is dropped.
    pub async fn deliver(&self, channel: &dyn AuditChannel) {
        let reached = AtomicI64::new(i64::MIN);
        loop {
            match self.deliver_due(channel, &reached).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(%error, "audit records can't be delivered; it is tried again");
                }
            }
            sleep(POLL).await;
        }
    }

    /// Tries one batch, if there is any and it is due; returns whether one was taken. `reached` is
    /// the position up to which this process knows that all is delivered.
    pub async fn deliver_due(
        &self,
        channel: &dyn AuditChannel,
        reached: &AtomicI64,
    ) -> Result<bool, StoreError> {
        let Some(chain) = self.store.audit_chain().await? else { return Ok(false) };
        let head = chain.head.position;
        if head <= reached.load(Relaxed) {
            return Ok(false);
        }
        let now = self.clock.now();
        // The first delivery begins with what is kept.
        let begin = Chain::base_of(Some(&chain)).position;
        let claimed = self.store.claim_audit_delivery(begin, now, now.plus(LEASE)).await?;
        let Some(delivery) = claimed else { return Ok(false) };
        let mut places = self.store.sealed_audit_records(delivery.position, AT_ONCE).await?;
        places.truncate(fitting(&places));
        let Some((first, last)) = places.first().zip(places.last()) else {
            reached.store(delivery.position, Relaxed);
            self.store.audit_records_delivered(delivery.position, now).await?;
            return Ok(false);
        };
        let (first, last) = (first.seal.position, last.seal.position);
        if first > delivery.position.saturating_add(1) {
            let records = first - delivery.position - 1;
            tracing::error!(records, "audit records were removed before they were delivered");
        }
        let batch = Batch {
            id: format!("audit-{first}-{last}"),
            at: now,
            records: places.into_iter().filter_map(described).collect(),
        };
        let sent = channel.send(&batch).await;
        let outcome = if sent.is_ok() { "delivered" } else { "failed" };
        metrics::counter!("doorward_audit_deliveries_total", "outcome" => outcome).increment(1);
        match sent {
            Ok(()) => {
                self.store.audit_records_delivered(last, self.clock.now()).await?;
                Ok(true)
            }
            Err(error) => {
                let attempts = delivery.attempts;
                tracing::warn!(%error, attempts, first, last, "audit records are sent again later");
                let wait = BACKOFF.wait(attempts, &*self.entropy);
                self.store.audit_delivery_failed(self.clock.now().plus(wait)).await?;
                Ok(false)
            }
        }
    }
}

/// How many of the first places fit into one request: at least one.
fn fitting(places: &[SealedPlace]) -> usize {
    let mut bytes = 0;
    let fits = places.iter().take_while(|place| {
        let data = place.record.as_ref().map(|kept| kept.stamped.record.data.as_str().len());
        bytes += AROUND_DATA + data.unwrap_or_default();
        bytes <= MOST_BYTES
    });
    fits.count().max(1)
}

fn described(place: SealedPlace) -> Option<Value> {
    place.record.map(|record| record.to_json())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::audit::{Actor, ActorKind, ChainKey, Data, KeptRecord, Outcome, Record, Seal};

    /// The example of the specification's reference libraries.
    #[test]
    fn signs_as_the_specification_shows() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signature = WebhookKey::parse(&secret).unwrap().signature(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            Timestamp::from_seconds(1_614_265_330),
            "{\"test\": 2432232314}",
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn long_records_come_in_smaller_requests() {
        let place = |bytes: usize| {
            let mut record =
                Record::new("x", Outcome::Succeeded, Actor::new(ActorKind::User, None));
            record.data = Data::stored("x".repeat(bytes));
            let stamped = ChainKey::from_bytes(&[7; 32]).stamp(record, "id".to_owned(), now());
            let seal = Seal { position: 1, number: 1, link: [0; 32] };
            SealedPlace { seal, record: Some(KeptRecord { number: 1, stamped, seal: Some(seal) }) }
        };
        let many = |bytes: usize| vec![place(bytes); 100];
        assert_eq!(fitting(&many(100)), 100);
        assert_eq!(fitting(&many(32 * 1024)), 7);
        assert_eq!(fitting(&many(MOST_BYTES)), 1, "one is sent however long it is");
        let gone = SealedPlace { record: None, ..place(1) };
        assert_eq!(fitting(&[gone]), 1);
    }

    fn now() -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }

    #[test]
    fn other_secrets_are_refused() {
        for text in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_c2hvcnQ=", "whsec_%"]
        {
            assert!(WebhookKey::parse(&Secret::new(text)).is_err(), "{text}");
        }
    }
}
