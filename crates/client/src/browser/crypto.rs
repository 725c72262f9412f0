//! Signatures by Web Cryptography: RSASSA-PKCS1-v1_5, RSA-PSS, ECDSA and Ed25519.

use async_trait::async_trait;
use doorward_protocol::{jose::SigningAlgorithm, jwk::Jwk};
use js_sys::{Array, Object, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto};

use crate::ports::{SignatureError, SignatureVerifier};

/// 2048 bits in base64url: RFC 7518 section 3.3 forbids smaller RSA keys.
const SMALLEST_MODULUS: usize = 342;

/// The window's `crypto.subtle`. It exists only in secure contexts.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "it stands for itself")]
pub struct WebCrypto;

#[async_trait(?Send)]
impl SignatureVerifier for WebCrypto {
    async fn verify(
        &self,
        key: &Jwk,
        algorithm: SigningAlgorithm,
        input: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let subtle = subtle().ok_or(SignatureError::Unavailable)?;
        if !key.can_verify(algorithm)
            || key.n.as_ref().is_some_and(|modulus| modulus.len() < SMALLEST_MODULUS)
        {
            return Err(SignatureError::InvalidKey);
        }
        let mut blamed = SignatureError::InvalidKey;
        match is_signed(&subtle, key, algorithm, input, signature, &mut blamed).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(SignatureError::Mismatch),
            Err(error) => Err(failure(&error, blamed)),
        }
    }
}

/// Asks the browser. If it throws, `blamed` is the reason.
async fn is_signed(
    subtle: &SubtleCrypto,
    key: &Jwk,
    algorithm: SigningAlgorithm,
    input: &[u8],
    signature: &[u8],
    blamed: &mut SignatureError,
) -> Result<bool, JsValue> {
    let params = parameters(algorithm);
    // Only the key itself: browsers interpret alg, use and key_ops differently, and they were
    // checked already.
    let parts = object(&[
        ("kty", Some(&key.kty)),
        ("n", key.n.as_deref()),
        ("e", key.e.as_deref()),
        ("crv", key.crv.as_deref()),
        ("x", key.x.as_deref()),
        ("y", key.y.as_deref()),
    ]);
    let usages = Array::of1(&JsValue::from_str("verify"));
    let key =
        settled(subtle.import_key_with_object("jwk", &parts, &params, false, &usages)?).await?;
    let key: CryptoKey = key.unchecked_into();
    *blamed = SignatureError::Mismatch;
    let verified =
        subtle.verify_with_object_and_u8_array_and_u8_array(&params, &key, signature, input)?;
    Ok(settled(verified).await?.is_truthy())
}

/// Parameters for both import and verification. Each reads the members it needs.
fn parameters(algorithm: SigningAlgorithm) -> Object {
    use SigningAlgorithm as A;
    let (hash, length) = match algorithm {
        A::Rs256 | A::Ps256 | A::Es256 => ("SHA-256", 32),
        A::Rs384 | A::Ps384 | A::Es384 => ("SHA-384", 48),
        A::Rs512 | A::Ps512 | A::Es512 | A::EdDsa => ("SHA-512", 64),
    };
    let name = match algorithm {
        A::Rs256 | A::Rs384 | A::Rs512 => "RSASSA-PKCS1-v1_5",
        A::Ps256 | A::Ps384 | A::Ps512 => "RSA-PSS",
        A::Es256 | A::Es384 | A::Es512 => "ECDSA",
        A::EdDsa => "Ed25519",
    };
    let params =
        object(&[("name", Some(name)), ("hash", Some(hash)), ("namedCurve", algorithm.curve())]);
    set(&params, "saltLength", &JsValue::from(length));
    params
}

pub(super) fn object(members: &[(&str, Option<&str>)]) -> Object {
    let object = Object::new();
    for (name, text) in members {
        if let Some(text) = text {
            set(&object, name, &JsValue::from_str(text));
        }
    }
    object
}

pub(super) fn set(object: &Object, name: &str, value: &JsValue) {
    // A plain object accepts every member.
    let _ = Reflect::set(object, &JsValue::from_str(name), value);
}

pub(super) fn subtle() -> Option<SubtleCrypto> {
    let crypto = web_sys::window()?.crypto().ok()?;
    let subtle: JsValue = crypto.subtle().into();
    // In an insecure context the member is undefined, despite the binding's type.
    subtle.is_object().then(|| subtle.unchecked_into())
}

pub(super) fn settled(promise: Promise) -> JsFuture {
    JsFuture::from(promise)
}

/// A browser that does not support the algorithm throws `NotSupportedError`. All else is the given
/// error.
fn failure(error: &JsValue, other: SignatureError) -> SignatureError {
    let name = Reflect::get(error, &JsValue::from_str("name")).ok();
    match name.and_then(|name| name.as_string()).as_deref() {
        Some("NotSupportedError") => SignatureError::UnsupportedAlgorithm,
        _ => other,
    }
}
