//! Userinfo that the provider signs (OIDC Core section 5.3.2).

use doorward_axum::{MemorySessions, SigningAlgorithm};
use serde_json::{Value, json};

use crate::support::{CLIENT, World};

#[tokio::test]
async fn names_come_from_signed_userinfo() {
    let world = World::new().await;
    world.provider.change(|rules| rules.signs_user_info = true);
    assert_eq!(world.signed_in().await.open("/me").await.body, "alice Alice Archer");
}

#[tokio::test]
async fn what_is_signed_for_another_client_signs_nobody_in() {
    let world = World::new().await;
    world.provider.change(|rules| {
        rules.signs_user_info = true;
        rules.user_info = json!({"aud": "other"});
    });
    refuses(&world).await;
}

#[tokio::test]
async fn who_registered_signed_userinfo_takes_no_other() {
    let world = World::with(MemorySessions::default(), |settings| {
        settings.protocol(|own| own.userinfo_signed_response_alg(SigningAlgorithm::Es256))
    })
    .await;
    refuses(&world).await;
    world.provider.change(|rules| {
        rules.signs_user_info = true;
        rules.user_info = json!({"aud": CLIENT, "name": "Alice Archer", "iss": Value::Null});
    });
    refuses(&world).await;
    world.provider.change(|rules| rules.user_info = json!({"name": "Alice Archer"}));
    assert_eq!(world.signed_in().await.open("/me").await.body, "alice Alice Archer");
}

async fn refuses(world: &World) {
    let browser = world.browser();
    let to_provider = browser.open("/me").await.location().to_owned();
    let answer = browser.open(&world.provider.authorize(&to_provider)).await;
    assert!(answer.status.is_client_error() || answer.status.is_server_error());
    assert_eq!(browser.open("/").await.body, "nobody");
}
