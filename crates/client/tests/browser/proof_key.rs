//! The DPoP key, with Web Cryptography and IndexedDB.

use doorward_client::{
    Settings,
    browser::{ProofKey, WebCrypto},
    ports::{ProofSigner, SignatureError, SignatureVerifier},
};
use doorward_protocol::jose::SigningAlgorithm;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::javascript;

const ES256: SigningAlgorithm = SigningAlgorithm::Es256;

fn proof_key(client_id: &str) -> ProofKey {
    ProofKey::of(&Settings::new("https://op.example", client_id, "https://app.example/cb"))
}

#[wasm_bindgen_test]
async fn it_signs_and_is_kept_for_its_client() {
    let first = proof_key("kept");
    let jwk = first.public_key().await.unwrap();
    assert!(jwk.thumbprint().is_some(), "{jwk:?}");
    let signature = first.sign(b"input").await.unwrap();
    assert_eq!(WebCrypto.verify(&jwk, ES256, b"input", &signature).await, Ok(()));
    assert_eq!(
        WebCrypto.verify(&jwk, ES256, b"other", &signature).await,
        Err(SignatureError::Mismatch)
    );
    // Like after a reload of the page, and for another client.
    assert_eq!(proof_key("kept").public_key().await.unwrap(), jwk);
    assert_ne!(proof_key("other").public_key().await.unwrap(), jwk);
}

#[wasm_bindgen_test]
async fn two_tabs_that_make_it_at_once_get_the_same() {
    let (first, second) = (proof_key("raced"), proof_key("raced"));
    let (one, other) = futures::join!(first.public_key(), second.public_key());
    let jwk = one.unwrap();
    assert_eq!(other.unwrap(), jwk);
    let signature = second.sign(b"input").await.unwrap();
    assert_eq!(WebCrypto.verify(&jwk, ES256, b"input", &signature).await, Ok(()));
}

#[wasm_bindgen_test]
async fn its_private_half_can_not_be_read() {
    proof_key("sealed").public_key().await.unwrap();
    let told = javascript(
        r#"const open = indexedDB.open("oidc.dpop", 1);
        const database = await new Promise(
          (resolve) => (open.onsuccess = () => resolve(open.result)));
        const get = database.transaction("keys").objectStore("keys")
          .get("https://op.example sealed");
        const pair = await new Promise((resolve) => (get.onsuccess = () => resolve(get.result)));
        database.close();
        const exported = await crypto.subtle.exportKey("jwk", pair.privateKey)
          .catch((error) => error.name);
        return `${pair.privateKey.extractable} ${exported}`;"#,
    )
    .await;
    assert_eq!(told, "false InvalidAccessError");
}
