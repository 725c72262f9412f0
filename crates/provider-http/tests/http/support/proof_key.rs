//! A client's key and the proofs that it makes (RFC 9449).

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::{
    body::Body,
    http::{HeaderValue, Request},
};
use doorward_protocol::{base64url, dpop::access_token_hash, jose::SigningAlgorithm, jwk::Jwk};
use doorward_provider::keys::SigningKey;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::{Answer, ISSUER, World, form_request, with_header};

/// A key pair of a client.
pub struct ProofKey {
    private: EncodingKey,
    algorithm: Algorithm,
    pub jwk: Value,
}

impl ProofKey {
    pub fn es256() -> Self {
        Self::new(SigningAlgorithm::Es256)
    }

    /// ES384, which the provider checks and does not sign by.
    pub fn es384() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(48);
        let jwk = json!({
            "kty": "EC", "crv": "P-384", "x": base64url::encode(x), "y": base64url::encode(y),
        });
        let private = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
        Self { private, algorithm: Algorithm::ES384, jwk }
    }

    /// RS256, PS256, ES256 or EdDSA.
    pub fn new(algorithm: SigningAlgorithm) -> Self {
        let pkcs8 = SigningKey::generate_pkcs8(algorithm).unwrap();
        let mut jwk = SigningKey::from_pkcs8("k", algorithm, &pkcs8).unwrap().public_jwk().clone();
        for name in ["kid", "alg", "use"] {
            jwk.as_object_mut().unwrap().remove(name);
        }
        let private = match algorithm {
            SigningAlgorithm::Es256 => EncodingKey::from_ec_der(&pkcs8),
            SigningAlgorithm::EdDsa => EncodingKey::from_ed_der(&pkcs8),
            _ => EncodingKey::from_rsa_pem(&pem(&pkcs8)).unwrap(),
        };
        Self { private, algorithm: algorithm.as_str().parse().unwrap(), jwk }
    }

    pub fn thumbprint(&self) -> String {
        let jwk: Jwk = serde_json::from_value(self.jwk.clone()).unwrap();
        jwk.thumbprint().unwrap().to_string()
    }

    /// A compact JWS by this key, whatever the header says.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_bytes(header.to_string().as_bytes(), claims.to_string().as_bytes())
    }

    /// The same for what need not be JSON.
    pub fn sign_bytes(&self, header: &[u8], claims: &[u8]) -> String {
        let message = format!("{}.{}", base64url::encode(header), base64url::encode(claims));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.private, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    /// A good proof for the token endpoint, with these members in place of its own; `null` takes
    /// one out.
    pub fn proof_with(&self, world: &World, header: &Value, claims: &Value) -> String {
        static JTI: AtomicU64 = AtomicU64::new(0);
        let mut own_header = json!({"typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.jwk});
        let mut own_claims = json!({
            "jti": format!("jti-{}", JTI.fetch_add(1, Ordering::Relaxed)), "htm": "POST",
            "htu": format!("{ISSUER}/connect/token"), "iat": world.clock.seconds(),
        });
        change(&mut own_header, header);
        change(&mut own_claims, claims);
        self.sign(&own_header, &own_claims)
    }

    /// A good proof for the token endpoint.
    pub fn proof(&self, world: &World) -> String {
        self.proof_with(world, &json!({}), &json!({}))
    }

    /// A good proof for a `GET` of userinfo with this token.
    pub fn userinfo_proof(&self, world: &World, access_token: &str, changes: &Value) -> String {
        let mut claims = json!({
            "htm": "GET", "htu": format!("{ISSUER}/connect/userinfo"),
            "ath": access_token_hash(access_token),
        });
        change(&mut claims, changes);
        self.proof_with(world, &json!({}), &claims)
    }
}

/// Puts each member of `changes` in the place of its own; `null` takes one out, where it stands.
fn change(value: &mut Value, changes: &Value) {
    let members = value.as_object_mut().unwrap();
    for (name, change) in changes.as_object().unwrap() {
        if change.is_null() && members.contains_key(name) {
            members.remove(name);
        } else {
            members.insert(name.clone(), change.clone());
        }
    }
}

fn pem(pkcs8: &[u8]) -> Vec<u8> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pkcs8))
        .into_bytes()
}

impl World {
    /// A token request with a proof.
    pub async fn token_with_proof<S: AsRef<str>>(
        &self,
        pairs: &[(&str, S)],
        proof: &str,
    ) -> Answer {
        self.send(with_header(form_request("/connect/token", pairs), "dpop", proof)).await
    }

    /// A `GET` of userinfo with these headers.
    pub async fn userinfo_by(&self, authorization: &str, proofs: &[&str]) -> Answer {
        let mut request = Request::get("/connect/userinfo").header("authorization", authorization);
        for proof in proofs {
            request = request.header("dpop", HeaderValue::from_str(proof).unwrap());
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }
}
