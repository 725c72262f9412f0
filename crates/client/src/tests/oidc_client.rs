//! The protocol without a window and without a stored user.

use std::rc::Rc;

use doorward_protocol::params::Params;
use serde_json::json;

use super::{
    provider::{Fault, ISSUER, key},
    world::{FakeNavigator, REDIRECT_URI, World},
};
use crate::{
    Error, ErrorKind, OidcClient, Settings, SigninOutcome, SigninRequestArgs, SignoutRequestArgs,
    in_page::MemoryStorage,
    ports::{NetworkFailure, Storage as _},
    settings::TokenType,
};

struct Alone {
    world: World,
    client: OidcClient,
    navigator: Rc<FakeNavigator>,
    user_store: MemoryStorage,
}

impl Alone {
    fn new() -> Self {
        let (world, navigator, user_store) =
            (World::new(), Rc::default(), MemoryStorage::default());
        let home = Some("https://app.example/".to_owned());
        let settings = Settings { post_logout_redirect_uri: home, ..World::settings() };
        let client = OidcClient::new(settings, world.ports(&navigator, &user_store)).unwrap();
        Self { world, client, navigator, user_store }
    }

    /// The URL with the provider's response.
    fn response(&self, args: SigninRequestArgs) -> String {
        let address = self.world.run(self.client.create_signin_request(args)).unwrap();
        format!("{REDIRECT_URI}?{}", self.world.provider.sign_in(&address, "alice"))
    }

    fn process(&self, url: &str) -> Result<SigninOutcome, Error> {
        self.world.run(self.client.process_signin_response(url))
    }
}

#[test]
fn it_signs_in_renews_revokes_and_signs_out_and_the_caller_keeps_the_user() {
    let alone = Alone::new();
    let args = SigninRequestArgs {
        state: Some(json!(7)),
        url_state: Some("u".to_owned()),
        ..SigninRequestArgs::default()
    };
    let outcome = alone.process(&alone.response(args)).unwrap();
    assert_eq!(
        (outcome.user.sub(), &outcome.state, outcome.url_state.as_deref()),
        ("alice", &Some(json!(7)), Some("u"))
    );

    alone.world.pass_seconds(10_000);
    assert_eq!(alone.world.provider.count("token"), 1, "nothing is renewed by itself");
    let renewed =
        alone.world.run(alone.client.use_refresh_token(outcome.user.clone(), &[])).unwrap();
    assert_eq!(
        (renewed.access_token.as_str(), renewed.refresh_token.as_deref()),
        ("access-2", Some("refresh-2"))
    );
    assert_eq!((renewed.sub(), &renewed.state), ("alice", &Some(json!(7))));

    alone
        .world
        .run(alone.client.revoke_token(&renewed.access_token, TokenType::AccessToken))
        .unwrap();
    let form = &alone.world.provider.requests("revoke")[0];
    assert_eq!(
        (form.get("token"), form.get("token_type_hint")),
        (Some("access-2"), Some("access_token"))
    );

    let args = SignoutRequestArgs {
        id_token_hint: renewed.id_token.clone(),
        state: Some(json!("bye")),
        ..SignoutRequestArgs::default()
    };
    let address = alone.world.run(alone.client.create_signout_request(args)).unwrap();
    let (endpoint, query) = address.split_once('?').unwrap();
    let request = Params::parse(query).unwrap();
    assert_eq!(endpoint, format!("{ISSUER}/endsession"));
    assert_eq!(request.get("id_token_hint"), renewed.id_token.as_deref());
    let back = format!("https://app.example/?state={}", request.get("state").unwrap());
    assert_eq!(alone.client.process_signout_response(&back).unwrap().state, Some(json!("bye")));

    assert!(
        alone.user_store.keys().unwrap().is_empty() && alone.navigator.gone_to.borrow().is_empty()
    );
}

#[test]
fn a_response_is_good_once_and_not_lost_to_the_network() {
    let alone = Alone::new();
    let url = alone.response(SigninRequestArgs::default());
    for _ in 0..5 {
        alone.world.provider.fault("jwks", Fault::NotSent(NetworkFailure::Timeout));
    }
    assert_eq!(alone.process(&url).unwrap_err().kind(), ErrorKind::Retry);
    assert!(alone.process(&url).is_ok());
    assert_eq!(alone.world.provider.count("token"), 1);
    assert_eq!(alone.world.state_keys(), Vec::<String>::new());
    assert_eq!(alone.process(&url).unwrap_err(), Error::NoMatchingState { signed_in: false });
}

#[test]
fn tokens_of_each_user_wait_until_they_can_be_verified() {
    let alone = Alone::new();
    let sign_in = || alone.process(&alone.response(SigninRequestArgs::default())).unwrap().user;
    let users = [sign_in(), sign_in()];
    *alone.world.provider.keys.borrow_mut() = json!({ "keys": [key("k2")] });
    *alone.world.provider.signing_kid.borrow_mut() = "k2".to_owned();
    for _ in 0..8 {
        alone.world.provider.fault("jwks", Fault::Answer(503, json!({})));
    }
    let refresh = |user| alone.world.run(alone.client.use_refresh_token(user, &[]));
    for user in users.clone() {
        assert!(refresh(user).unwrap_err().is_transient());
    }
    assert_eq!(alone.world.provider.count("token"), 4);
    for user in users {
        assert!(refresh(user).is_ok());
    }
    assert_eq!(alone.world.provider.count("token"), 4, "each refresh token is sent once");
}

#[test]
fn the_new_refresh_token_is_there_before_anything_can_fail() {
    let alone = Alone::new();
    let user = alone.process(&alone.response(SigninRequestArgs::default())).unwrap().user;
    let redeemed = alone.world.run(alone.client.redeem_refresh_token(user.clone(), &[])).unwrap();
    assert_eq!(redeemed.refresh_token(), Some("refresh-2"));
    assert!(!format!("{redeemed:?}").contains("refresh-2"));
    let renewed = alone.world.run(alone.client.verify_renewal(user, redeemed)).unwrap();
    assert_eq!((&*renewed.access_token, renewed.sub()), ("access-2", "alice"));
}

/// RFC 8707 section 2.2.
#[test]
fn a_renewal_is_for_the_apis_of_the_sign_in() {
    let alone = Alone::new();
    let orders = ["https://orders.example".to_owned()];
    let args = SigninRequestArgs { resource: orders.to_vec(), ..SigninRequestArgs::default() };
    let user = alone.process(&alone.response(args)).unwrap().user;
    let user = alone.world.run(alone.client.use_refresh_token(user, &orders)).unwrap();
    alone.world.run(alone.client.redeem_refresh_token(user, &orders)).unwrap();
    let forms = alone.world.provider.requests("token");
    let sent: Vec<_> = forms.iter().map(|form| form.get("resource")).collect();
    assert_eq!(sent, [Some(&*orders[0]); 3]);
}

/// OIDC Core section 12.2.
#[test]
fn a_renewed_token_that_says_less_of_the_sign_in_takes_nothing_away() {
    let alone = Alone::new();
    alone.world.provider.alter_claims(|claims| {
        claims.insert("sid".to_owned(), json!("sid-1"));
        claims.insert("nickname".to_owned(), json!("Al"));
    });
    let user = alone.process(&alone.response(SigninRequestArgs::default())).unwrap().user;
    alone.world.provider.alter_claims(|_| ());
    let renewed = alone.world.run(alone.client.use_refresh_token(user, &[])).unwrap();
    assert_eq!((renewed.claim("sid"), renewed.claim("nickname")), (Some("sid-1"), None));
}

#[test]
fn a_gateway_that_answers_for_the_token_endpoint_ends_no_grant() {
    let alone = Alone::new();
    let user = alone.process(&alone.response(SigninRequestArgs::default())).unwrap().user;
    alone.world.provider.fault("token", Fault::Answer(401, json!({})));
    let refused = alone.world.run(alone.client.use_refresh_token(user, &[])).unwrap_err();
    assert!(matches!(refused, Error::Http { status: 401, .. }), "{refused}");
}

#[test]
fn tokens_of_somebody_else_are_refused() {
    let alone = Alone::new();
    let user = alone.process(&alone.response(SigninRequestArgs::default())).unwrap().user;
    alone.world.provider.alter_claims(|claims| {
        claims.insert("sub".to_owned(), json!("bob"));
    });
    let refresh = |user| alone.world.run(alone.client.use_refresh_token(user, &[]));
    assert_eq!(refresh(user.clone()), Err(Error::RenewedTokenDiffers("sub")));
    assert_eq!(refresh(crate::User { refresh_token: None, ..user }), Err(Error::NoRefreshToken));
}

#[test]
fn unusable_settings_are_refused() {
    let world = World::new();
    let settings = Settings { scope: String::new(), ..World::settings() };
    let refused = OidcClient::new(settings, world.ports(&Rc::default(), &MemoryStorage::default()));
    assert!(matches!(refused.map(drop), Err(Error::Settings(_))));
}
