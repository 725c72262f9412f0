//! APIs that need another sign-in (RFC 9470).

use doorward_protocol::params::Params;
use serde_json::json;

use super::{
    provider::Fault,
    world::{REDIRECT_URI, Tab, World},
};
use crate::{ApiRequest, ApiResponse, Error, ErrorKind, IdTokenError, SigninRequestArgs, StepUp};

/// RFC 9470 section 3, figures 2 and 3 (folded lines joined).
const LEVEL: &str = r#"Bearer error="insufficient_user_authentication", error_description="A different authentication level is required", acr_values="myACR""#;
const AGE: &str = r#"Bearer error="insufficient_user_authentication", error_description="More recent authentication is required", max_age="5""#;

pub fn call(world: &World, tab: &Tab) -> Result<ApiResponse, Error> {
    let manager = tab.manager.clone();
    world.run(async move { manager.fetch(ApiRequest::get("https://api.example/x")).await })
}

/// The sign-in that an API asks for by this challenge.
pub fn asked_by(world: &World, tab: &Tab, challenge: &'static str) -> StepUp {
    world.provider.fault("x", Fault::Challenge(challenge));
    let error = call(world, tab).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StepUp);
    let Error::StepUp { step_up, response } = error else { panic!("{error}") };
    assert_eq!(response.status, 401);
    assert_eq!(response.header("www-authenticate"), Some(challenge));
    step_up
}

#[test]
fn the_challenge_says_which_sign_in_is_needed() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    let level = asked_by(&world, &tab, LEVEL);
    assert_eq!((level.acr_values.as_deref(), level.max_age), (Some("myACR"), None));
    let age = asked_by(&world, &tab, AGE);
    assert_eq!((age.acr_values, age.max_age), (None, Some(5)));
    let both = r#"DPoP algs="ES256", error="insufficient_user_authentication", acr_values="2 3", max_age=0, Bearer realm="x""#;
    let both = asked_by(&world, &tab, both);
    assert_eq!((both.acr_values.as_deref(), both.max_age), (Some("2 3"), Some(0)));
    let nothing = asked_by(&world, &tab, r#"Bearer error="insufficient_user_authentication""#);
    assert_eq!(nothing.signin_args().prompt.as_deref(), Some("login"));
    assert_eq!(both.signin_args().prompt, None);
    assert_eq!(world.provider.count("token"), 1, "another token of this sign-in would not help");
}

#[test]
fn after_a_new_sign_in_the_page_knows_what_to_repeat() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    world.pass_seconds(100);
    let step_up = asked_by(&world, &tab, AGE);
    let args = step_up.signin_args().state(json!({ "pay": 7 }));
    world.run(tab.manager.signin_redirect(args)).unwrap();
    let address = tab.navigator.gone_to.borrow().last().unwrap().clone();
    let request = Params::parse(address.split_once('?').unwrap().1).unwrap();
    assert_eq!((request.get("max_age"), request.get("acr_values")), (Some("5"), None));
    let url = format!("{REDIRECT_URI}?{}", world.provider.sign_in(&address, "alice"));
    // Another tab, after the redirect.
    let later = world.tab();
    let outcome = world.callback(&later, &url).unwrap();
    assert_eq!(outcome.state, Some(json!({ "pay": 7 })));
    assert_eq!(call(&world, &later).unwrap().status, 404);
    assert_eq!(world.provider.authorizations().last().unwrap(), "Bearer access-2");
}

#[test]
fn a_sign_in_that_is_older_than_asked_for_is_not_accepted() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    let step_up = asked_by(&world, &tab, AGE);
    world.provider.alter_claims(|claims| {
        claims.insert("auth_time".to_owned(), json!(1000));
    });
    let url = world.callback_url(&tab, step_up.signin_args());
    let error = world.callback(&tab, &url).unwrap_err();
    assert!(matches!(error, Error::IdToken(_)), "{error}");
    assert_eq!(world.user(&tab).unwrap().access_token, "access-1", "the user stays signed in");
}

#[test]
fn other_answers_are_left_to_the_page() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    world.provider.fault("x", Fault::Answer(403, json!({"error": "access_denied"})));
    assert_eq!(call(&world, &tab).unwrap().status, 403);
    // A code that is not a challenge is not a challenge.
    let body = json!({"error": "insufficient_user_authentication"});
    world.provider.fault("x", Fault::Answer(401, body));
    assert_eq!(call(&world, &tab).unwrap().status, 401);
}

#[test]
fn a_user_who_can_not_is_told_so() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    let url = world.callback_url(&tab, SigninRequestArgs::default().state(json!("kept")));
    let refused = url.replace("code=", "error=unmet_authentication_requirements&x=");
    let Err(Error::Authorization(error)) = world.callback(&tab, &refused) else { panic!() };
    assert_eq!(error.state, Some(json!("kept")));
    assert_eq!(Error::Authorization(error).kind(), ErrorKind::Refused);
}

/// The scope of the authorization request.
fn scope_of_request(world: &World, tab: &Tab, args: SigninRequestArgs) -> String {
    world.run(tab.manager.signin_redirect(args)).unwrap();
    let address = tab.navigator.gone_to.borrow_mut().pop().unwrap();
    let request = Params::parse(address.split_once('?').unwrap().1).unwrap();
    request.get("scope").unwrap().to_owned()
}

/// Entra ID names the scope of the access token alone.
#[test]
fn a_step_up_asks_for_the_scope_of_the_sign_in_whatever_was_granted() {
    let world = World::new();
    world.provider.alter_answer(|answer| {
        answer.insert("scope".to_owned(), json!("api://x/read"));
    });
    let tab = world.tab();
    let asked = SigninRequestArgs::default().scope("openid offline_access api://x/read");
    let url = world.callback_url(&tab, asked);
    let user = world.callback(&tab, &url).unwrap().user;
    assert_eq!(user.scope.as_deref(), Some("api://x/read"));
    let challenge = r#"Bearer error="insufficient_user_authentication", scope="api://x/pay""#;
    let args = asked_by(&world, &tab, challenge).signin_args_for(&user);
    let expected = "openid offline_access api://x/read api://x/pay";
    assert_eq!(scope_of_request(&world, &tab, args.clone()), expected);
    let own = args.scope("openid");
    assert_eq!(scope_of_request(&world, &tab, own), "openid api://x/read api://x/pay");
}

#[test]
fn a_level_and_an_age_are_proved_by_an_id_token_or_not_at_all() {
    let world = World::new();
    world.provider.alter_answer(|answer| {
        answer.remove("id_token");
    });
    let tab = world.tab();
    let bare = || SigninRequestArgs::default().scope("profile");
    for args in [bare().required_acr("2"), bare().max_age(5)] {
        let url = world.callback_url(&tab, args);
        let error = world.callback(&tab, &url).unwrap_err();
        assert_eq!(error, Error::IdToken(IdTokenError::Missing));
    }
    let url = world.callback_url(&tab, bare());
    assert!(world.callback(&tab, &url).is_ok(), "nothing is to be proved");
}

#[test]
fn a_step_up_is_for_the_same_user_and_keeps_the_scope() {
    let world = World::new();
    let tab = world.tab();
    world.sign_in(&tab);
    let user = world.user(&tab).unwrap();
    let challenge =
        r#"Bearer error="insufficient_user_authentication", acr_values="2", scope="orders openid""#;
    let step_up = asked_by(&world, &tab, challenge);
    let args = step_up.signin_args_for(&user);
    assert_eq!(args.id_token_hint, user.id_token);
    assert_eq!(scope_of_request(&world, &tab, args.clone()), "openid profile orders");
    assert_eq!((args.acr_values.as_deref(), args.required_acr.as_deref()), (Some("2"), Some("2")));
}
