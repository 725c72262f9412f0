//! An authenticator with one passkey, as far as the provider sees it (Web Authentication Level 3
//! section 6).

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use doorward_protocol::base64url;
use serde_json::{Value, json};

use super::{ISSUER, fixtures::merge};

/// The user is present.
const PRESENT: u8 = 0x01;
/// The user is verified.
pub const VERIFIED: u8 = 0x04;
/// The passkey may be copied to other devices.
pub const BACKUP_ELIGIBLE: u8 = 0x08;
/// There is attested credential data.
const ATTESTED: u8 = 0x40;

/// An authenticator and its passkey. A test changes what it says.
pub struct Authenticator {
    key: EcdsaKeyPair,
    pub credential_id: Vec<u8>,
    /// What the passkey belongs to.
    pub user_handle: String,
    /// The flags beside the presence of the user (section 6.1).
    pub flags: u8,
    /// The signature counter.
    pub counter: u32,
    /// What the client data says otherwise.
    pub client_data: Value,
    /// The host that the passkey is for.
    pub rp_id: String,
}

impl Authenticator {
    pub fn new(number: u8) -> Self {
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            credential_id: vec![number; 32],
            user_handle: String::new(),
            flags: VERIFIED,
            counter: 0,
            client_data: json!({}),
            rp_id: "localhost".to_owned(),
        }
    }

    /// The answer to a question for a new passkey, as the script posts it.
    pub fn register(&mut self, question: &Value) -> String {
        let key = &question["publicKey"];
        key["user"]["id"].as_str().unwrap().clone_into(&mut self.user_handle);
        let mut data = self.data(ATTESTED);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.credential_id.len()).unwrap().to_be_bytes());
        data.extend(&self.credential_id);
        data.extend(self.cose_key());
        let mut object = vec![0xa3];
        object.extend(cbor_text("fmt"));
        object.extend(cbor_text("none"));
        object.extend(cbor_text("attStmt"));
        object.push(0xa0);
        object.extend(cbor_text("authData"));
        object.push(0x59);
        object.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend(data);
        self.answer(&json!({
            "clientDataJSON": base64url::encode(self.client_data("webauthn.create", key)),
            "attestationObject": base64url::encode(object),
        }))
    }

    /// The answer to a question at a sign-in, as the script posts it.
    pub fn sign_in(&self, question: &Value) -> String {
        let client_data = self.client_data("webauthn.get", &question["publicKey"]);
        let data = self.data(0);
        let message = [data.as_slice(), digest(&SHA256, &client_data).as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &message).unwrap();
        self.answer(&json!({
            "clientDataJSON": base64url::encode(client_data),
            "authenticatorData": base64url::encode(data),
            "signature": base64url::encode(signature),
            "userHandle": self.user_handle,
        }))
    }

    fn answer(&self, response: &Value) -> String {
        let id = base64url::encode(&self.credential_id);
        let answer = json!({
            "id": id, "rawId": id, "type": "public-key", "extensions": {}, "response": response,
        });
        answer.to_string()
    }

    /// Section 5.8.1.
    fn client_data(&self, kind: &str, key: &Value) -> Vec<u8> {
        let mut data = json!({
            "type": kind, "challenge": key["challenge"], "origin": ISSUER, "crossOrigin": false,
        });
        merge(&mut data, self.client_data.clone());
        data.to_string().into_bytes()
    }

    /// Section 6.1.
    fn data(&self, flags: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, self.rp_id.as_bytes()).as_ref().to_vec();
        data.push(PRESENT | self.flags | flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// The public key for ES256 (RFC 9053 section 7.1.1).
    fn cose_key(&self) -> Vec<u8> {
        let (x, y) = self.key.public_key().as_ref()[1..].split_at(32);
        let head = [0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        [&head[..], x, &[0x22, 0x58, 0x20], y].concat()
    }
}

/// A text of less than 24 bytes.
fn cbor_text(text: &str) -> Vec<u8> {
    [&[0x60 | u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}
