//! What a mail says is encrypted while it waits in the outbox: many have a link, which is a
//! credential until it is used. Whoever reads the database, or a copy of it, reads no link.

use doorward_protocol::base64url;
use serde_json::{Map, Value};

use super::{MasterKey, UnsealError};
use crate::model::{outbox::OutboxMail, signing_key::SealedKey};

/// The one value of a mail whose data is encrypted.
const SEALED: &str = "sealed";

/// Encrypts what a mail says. The key is bound to this mail.
pub fn seal(master: &MasterKey, mail: OutboxMail) -> Result<OutboxMail, UnsealError> {
    let text = Value::Object(mail.data.clone()).to_string();
    let sealed = master.seal(&purpose(&mail), text.as_bytes())?;
    let sealed = Value::from(base64url::encode(sealed.as_bytes()));
    Ok(OutboxMail { data: Map::from_iter([(SEALED.to_owned(), sealed)]), ..mail })
}

/// Decrypts what a mail says. One that was queued before mails were encrypted is left as it is.
pub fn open(master: &MasterKey, mail: OutboxMail) -> Result<OutboxMail, UnsealError> {
    let Some(sealed) = mail.data.get(SEALED).and_then(Value::as_str) else { return Ok(mail) };
    let sealed = base64url::decode(sealed).map_err(|_| UnsealError)?;
    let text = master.unseal(&purpose(&mail), &SealedKey::from_bytes(sealed))?;
    let data = serde_json::from_slice(&text).map_err(|_| UnsealError)?;
    Ok(OutboxMail { data, ..mail })
}

fn purpose(mail: &OutboxMail) -> String {
    format!("outbox:{}", mail.id)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::{outbox::MailKind, time::Timestamp};

    #[test]
    fn only_the_same_mail_is_opened_by_the_same_key() {
        let mail = OutboxMail {
            id: "1".to_owned(),
            to: "ada@example.com".to_owned(),
            kind: MailKind::ResetPassword,
            language: "en".to_owned(),
            data: Map::from_iter([("link".to_owned(), "https://op.example/?token=x".into())]),
            sub: None,
            client_id: None,
            created_at: Timestamp::from_seconds(0),
            expires_at: Timestamp::from_seconds(1),
        };
        let key = MasterKey::from_bytes(&[1; 32]).unwrap();
        let sealed = seal(&key, mail.clone()).unwrap();
        assert!(!Value::Object(sealed.data.clone()).to_string().contains("token"));
        assert_eq!(open(&key, sealed.clone()).unwrap(), mail);
        assert_eq!(open(&key, mail.clone()).unwrap(), mail, "of an earlier version");
        let other = MasterKey::from_bytes(&[2; 32]).unwrap();
        assert!(open(&other, sealed.clone()).is_err());
        assert!(open(&key, OutboxMail { id: "2".to_owned(), ..sealed }).is_err());
    }
}
