//! Authorization requests that are pushed to the provider (RFC 9126).

use doorward_axum::MemorySessions;

use crate::support::World;

#[tokio::test]
async fn the_browser_carries_a_reference_only() {
    let world = World::with(MemorySessions::default(), |settings| {
        settings.push_authorization_requests(true)
    })
    .await;
    let browser = world.browser();
    let to_provider = browser.open("/me").await.location().to_owned();
    let query = to_provider.split_once('?').unwrap().1;
    assert!(query.starts_with("client_id=shop&request_uri=urn"), "{query}");
    assert!(!query.contains("state"), "{query}");
    let form = &world.provider.forms("par")[0];
    assert!(form.contains_key("code_challenge") && form.contains_key("nonce"));
    assert!(world.provider.authorization("par").starts_with("Basic "));
    let callback = world.provider.authorize(&to_provider);
    assert_eq!(browser.open(&callback).await.location(), "/me");
}
