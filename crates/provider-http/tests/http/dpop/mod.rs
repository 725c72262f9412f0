//! DPoP (RFC 9449) at the token endpoint, with pushed requests and at userinfo.

mod binding;
mod nonce;
mod par;
mod proof;
mod userinfo;

use crate::support::{Answer, ProofKey, World};

/// A token request of a client without a user: the cheapest to try a proof on.
const MACHINE: [(&str, &str); 3] =
    [("grant_type", "client_credentials"), ("client_id", "Resources"), ("client_secret", "secret")];

async fn machine_token(world: &World, proof: &str) -> Answer {
    world.token_with_proof(&MACHINE, proof).await
}

/// An access token bound to the key, for Alice.
async fn bound_token(world: &World, key: &ProofKey) -> String {
    let code = crate::support::Browser::signed_in(world, "alice").await.code(&[]).await;
    let answer =
        world.token_with_proof(&crate::support::code_request(&code), &key.proof(world)).await;
    answer.json()["access_token"].as_str().unwrap().to_owned()
}
