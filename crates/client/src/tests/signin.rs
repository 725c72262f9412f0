//! The sign-in request.

use doorward_protocol::{metadata::ProviderMetadata, params::Params};
use serde_json::json;

use super::{
    provider::{Fault, ISSUER},
    world::{REDIRECT_URI, World},
};
use crate::{
    Error, ErrorKind, IdTokenError, Settings, SigninRequestArgs, SignoutRequestArgs,
    in_page::MemoryStorage,
    ports::{NetworkFailure, Redirect, Storage as _},
    settings::{ClientAuthentication, ResponseMode},
};

fn request(
    world: &World,
    settings: Settings,
    args: SigninRequestArgs,
) -> Result<(String, Params), Error> {
    let tab = world.tab_with(settings, MemoryStorage::default());
    let manager = tab.manager.clone();
    world.run(async move { manager.signin_redirect(args).await })?;
    let url = tab.navigator.gone_to.borrow_mut().pop().unwrap();
    let (endpoint, query) = url.split_once('?').unwrap();
    Ok((endpoint.to_owned(), Params::parse_with_repeatable(query, &["resource"]).unwrap()))
}

#[test]
fn the_request_has_pkce_state_and_nonce() {
    let world = World::new();
    let (endpoint, params) =
        request(&world, World::settings(), SigninRequestArgs::default()).unwrap();
    assert_eq!(endpoint, format!("{ISSUER}/authorize"));
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", REDIRECT_URI),
        ("scope", "openid profile"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(params.get(name), Some(value), "{name}");
    }
    let texts =
        ["state", "nonce", "code_challenge"].map(|name| params.get(name).unwrap().to_owned());
    assert!(texts.iter().all(|text| text.len() == 43));
    assert!(texts[0] != texts[1] && texts[1] != texts[2]);
    assert!(!params.is_sent("response_mode") && !params.is_sent("prompt"));
}

/// OIDC Core section 4.
#[test]
fn somebody_else_may_begin_a_sign_in() {
    let world = World::new();
    let tab = world.tab_with(World::settings(), MemoryStorage::default());
    let begin = |iss: &str, target: &str| {
        let pairs = [("iss", iss), ("target_link_uri", target), ("login_hint", "alice")];
        let query = doorward_protocol::params::encode(pairs);
        let url = format!("https://app.example/initiate-login?{query}");
        world.run(tab.manager.signin_initiated(&url))
    };
    for (iss, target) in [
        ("https://evil.example", "https://app.example/"),
        (ISSUER, "https://evil.example/"),
        (ISSUER, "//evil.example"),
    ] {
        assert!(begin(iss, target).is_err(), "{iss} {target}");
    }
    assert!(tab.navigator.gone_to.borrow().is_empty(), "nobody is asked");
    begin(ISSUER, "https://app.example/orders?open=1").unwrap();
    let address = tab.navigator.gone_to.borrow_mut().pop().unwrap();
    let sent = Params::parse(address.split_once('?').unwrap().1).unwrap();
    assert_eq!(sent.get("login_hint"), Some("alice"));
    assert!(!sent.is_sent("target_link_uri") && !sent.is_sent("iss"));
    let answer = world.provider.sign_in(&address, "alice");
    let outcome = world.callback(&tab, &format!("{REDIRECT_URI}?{answer}")).unwrap();
    assert_eq!(outcome.return_to.as_deref(), Some("/orders?open=1"));
}

#[test]
fn the_state_store_knows_what_was_sent_and_the_address_does_not() {
    let world = World::new();
    let args =
        SigninRequestArgs { state: Some(json!({"page": 7})), ..SigninRequestArgs::default() };
    let (_, params) = request(&world, World::settings(), args).unwrap();
    let key = format!("oidc.{}", params.get("state").unwrap());
    let stored: serde_json::Value =
        serde_json::from_str(&world.local_storage.get(&key).unwrap().unwrap()).unwrap();
    assert_eq!(stored["request_type"], "si:r");
    assert_eq!(stored["created"], world.clock.true_time());
    for (name, value) in [
        ("authority", ISSUER),
        ("client_id", "app"),
        ("scope", "openid profile"),
        ("response_mode", "query"),
        ("id", params.get("state").unwrap()),
    ] {
        assert_eq!(stored[name], value, "{name}");
    }
    assert_eq!(stored["data"], json!({"page": 7}));
    assert_eq!(stored["nonce"], params.get("nonce").unwrap());
    assert_eq!(stored["redirect_uri"], REDIRECT_URI);
    let verifier = stored["code_verifier"].as_str().unwrap();
    assert!((43..=128).contains(&verifier.len()));
    assert!(!params.encode().contains(verifier));
}

#[test]
fn settings_and_arguments_reach_the_request() {
    let world = World::new();
    let settings = Settings {
        prompt: Some("login".to_owned()),
        max_age: Some(60),
        resource: vec!["https://api/1".to_owned(), "https://api/2".to_owned()],
        extra_query_params: vec![("audience".to_owned(), "x y".to_owned())],
        ..World::settings()
    };
    let args = SigninRequestArgs {
        prompt: Some("consent".to_owned()),
        login_hint: Some("alice".to_owned()),
        url_state: Some("/a?b;c".to_owned()),
        response_mode: Some(ResponseMode::Fragment),
        nonce: Some("n".to_owned()),
        ..SigninRequestArgs::default()
    };
    let (_, params) = request(&world, settings, args).unwrap();
    assert_eq!(params.get("prompt"), Some("consent"));
    assert_eq!(params.get("max_age"), Some("60"));
    assert_eq!(params.get_all("resource").count(), 2);
    assert_eq!(params.get("audience"), Some("x y"));
    assert_eq!(params.get("login_hint"), Some("alice"));
    assert_eq!(params.get("response_mode"), Some("fragment"));
    assert_eq!(params.get("nonce"), Some("n"));
    assert!(params.get("state").unwrap().ends_with(";/a?b;c"));
}

#[test]
fn an_endpoint_with_a_query_keeps_it() {
    let world = World::new();
    world.provider.metadata.borrow_mut()["authorization_endpoint"] =
        json!(format!("{ISSUER}/authorize?tenant=1"));
    let (_, params) = request(&world, World::settings(), SigninRequestArgs::default()).unwrap();
    assert_eq!(params.get("tenant"), Some("1"));
    assert!(params.is_sent("state"));
}

#[test]
fn extra_parameters_do_not_replace_the_clients_own() {
    let world = World::new();
    let args = SigninRequestArgs {
        extra_query_params: vec![("state".to_owned(), "fixed".to_owned())],
        ..SigninRequestArgs::default()
    };
    assert!(matches!(request(&world, World::settings(), args), Err(Error::Settings(_))));
    assert_eq!(world.state_keys(), Vec::<String>::new());
}

#[test]
fn a_document_of_another_issuer_is_refused() {
    for (issuer, accepted) in [
        (ISSUER, true),
        ("https://op.example/", true),
        ("https://op.example//", false),
        ("https://evil.example", false),
        ("https://op.example/tenant", false),
        ("http://op.example", false),
    ] {
        let world = World::new();
        world.provider.metadata.borrow_mut()["issuer"] = json!(issuer);
        let result = request(&world, World::settings(), SigninRequestArgs::default());
        assert_eq!(result.is_ok(), accepted, "{issuer}");
        if let Err(error) = result {
            assert!(matches!(error, Error::IssuerMismatch { .. }));
            assert_eq!(error.kind(), ErrorKind::Configuration);
        }
    }
}

#[test]
fn endpoints_that_must_not_be_used_are_refused() {
    for endpoint in [
        json!(null),
        json!(""),
        json!("javascript:alert(1)"),
        json!("/authorize"),
        json!("http://op.example/authorize"),
        json!("https://user@op.example/authorize"),
        json!("https://op.example/auth\norize"),
    ] {
        let world = World::new();
        world.provider.metadata.borrow_mut()["authorization_endpoint"] = endpoint.clone();
        let result = request(&world, World::settings(), SigninRequestArgs::default());
        assert_eq!(result.unwrap_err(), Error::NoEndpoint("authorization_endpoint"), "{endpoint}");
    }
}

#[test]
fn a_provider_that_does_not_answer_is_told_from_one_that_answers_nonsense() {
    let world = World::new();
    let document = ".well-known/openid-configuration";
    world.provider.fault(document, Fault::NotSent(NetworkFailure::Timeout));
    world.provider.fault(document, Fault::Answer(503, json!({})));
    world.provider.fault(document, Fault::Answer(404, json!({})));
    world.provider.fault(document, Fault::Answer(200, json!(["no object"])));
    let kinds = [(); 4].map(|()| {
        request(&world, World::settings(), SigninRequestArgs::default()).unwrap_err().kind()
    });
    let expected =
        [ErrorKind::Retry, ErrorKind::Retry, ErrorKind::Configuration, ErrorKind::Configuration];
    assert_eq!(kinds, expected);
    assert!(request(&world, World::settings(), SigninRequestArgs::default()).is_ok());
}

#[test]
fn concurrent_requests_share_one_fetch_of_the_metadata() {
    let world = World::new();
    let tab = world.tab();
    let manager = tab.manager.clone();
    world.run(async move {
        let (first, second) = futures::join!(
            manager.signin_redirect(SigninRequestArgs::default()),
            manager.signin_redirect(SigninRequestArgs::default()),
        );
        first.unwrap();
        second.unwrap();
    });
    assert_eq!(world.provider.count(".well-known/openid-configuration"), 1);
    assert_eq!(world.state_keys().len(), 2);
}

#[test]
fn unusable_settings_are_named() {
    for (settings, name) in vec![
        (Settings::new("op.example", "app", REDIRECT_URI), "authority"),
        (Settings::new("https://op.example?x", "app", REDIRECT_URI), "authority"),
        (Settings::new(ISSUER, "", REDIRECT_URI), "client_id"),
        (Settings::new(ISSUER, "app", "/cb"), "redirect_uri"),
        (
            Settings { silent_redirect_uri: Some("/silent".to_owned()), ..World::settings() },
            "silent_redirect_uri",
        ),
        (
            Settings { client_secret: Some("s".to_owned().into()), ..World::settings() },
            "client_secret",
        ),
        (
            Settings {
                client_authentication: ClientAuthentication::ClientSecretPost,
                ..World::settings()
            },
            "client_secret",
        ),
        (Settings { scope: String::new(), ..World::settings() }, "scope"),
        (Settings { scope: "open\"id".to_owned(), ..World::settings() }, "scope"),
    ] {
        match settings.validate() {
            Err(Error::Settings(text)) => assert!(text.starts_with(name), "{text}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn settings_have_the_well_known_defaults() {
    let settings: Settings = serde_json::from_value(
        json!({"authority": ISSUER, "client_id": "app", "redirect_uri": REDIRECT_URI}),
    )
    .unwrap();
    assert_eq!(settings, Settings::new(ISSUER, "app", REDIRECT_URI));
    assert_eq!(settings.scope, "openid");
    assert_eq!(
        (settings.silent_request_timeout, settings.max_silent_renew_timeout_retries),
        (None, None)
    );
    assert!(settings.automatic_silent_renew && settings.validate_sub_on_silent_renew);
    assert!(!settings.monitor_session && !settings.include_id_token_in_silent_renew);
    assert_eq!(settings.check_session_interval, 2);
    assert_eq!((settings.clock_skew, settings.stale_state_age), (300, 900));
    assert_eq!(settings.access_token_expiring_notification_time, 60);
    let implicit =
        json!({"authority": "a", "client_id": "b", "redirect_uri": "c", "response_type": "token"});
    assert!(serde_json::from_value::<Settings>(implicit).is_err());
}

#[test]
fn the_seed_completes_the_metadata_and_replaces_nothing() {
    let world = World::new();
    world.provider.metadata.borrow_mut()["authorization_endpoint"] = json!(null);
    let mut seed = ProviderMetadata::new("https://seed.example");
    seed.authorization_endpoint = Some(format!("{ISSUER}/seeded"));
    seed.token_endpoint = Some(format!("{ISSUER}/elsewhere"));
    let settings = Settings { metadata_seed: Some(seed), ..World::settings() };
    let (endpoint, _) = request(&world, settings.clone(), SigninRequestArgs::default()).unwrap();
    assert_eq!(endpoint, format!("{ISSUER}/seeded"));
    *world.provider.metadata.borrow_mut() = json!({"issuer": "https://seed.example"});
    let result = request(&world, settings, SigninRequestArgs::default());
    assert!(matches!(result, Err(Error::IssuerMismatch { .. })));
}

#[test]
fn given_metadata_are_not_fetched() {
    let world = World::new();
    let metadata = serde_json::from_value(world.provider.metadata.borrow().clone()).unwrap();
    let settings = Settings { metadata: Some(metadata), ..World::settings() };
    assert!(request(&world, settings, SigninRequestArgs::default()).is_ok());
    assert_eq!(world.provider.count(".well-known/openid-configuration"), 0);
}

#[test]
fn given_keys_are_not_fetched_and_never_replaced() {
    let world = World::new();
    let keys = serde_json::from_value(world.provider.keys.borrow().clone()).unwrap();
    let settings = Settings { signing_keys: Some(keys), ..World::settings() };
    let tab = world.tab_with(settings, MemoryStorage::default());
    world.sign_in(&tab);
    *world.provider.signing_kid.borrow_mut() = "k2".to_owned();
    let url = world.callback_url(&tab, SigninRequestArgs::default());
    assert!(matches!(world.callback(&tab, &url), Err(Error::IdToken(IdTokenError::Key(_)))));
    assert_eq!(world.provider.count("jwks"), 0);
}

#[test]
fn extra_headers_and_token_parameters_are_sent() {
    let world = World::new();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let settings = Settings {
        extra_headers: vec![pair("x-tenant", "t")],
        extra_token_params: vec![pair("audience", "api")],
        load_user_info: true,
        ..World::settings()
    };
    let tab = world.tab_with(settings, MemoryStorage::default());
    let args = SigninRequestArgs {
        extra_token_params: vec![pair("more", "1")],
        ..SigninRequestArgs::default()
    };
    let url = world.callback_url(&tab, args);
    world.callback(&tab, &url).unwrap();
    world.run(tab.manager.signin_silent()).unwrap();
    let [exchange, refresh] = world.provider.requests("token").try_into().unwrap();
    assert_eq!((exchange.get("audience"), exchange.get("more")), (Some("api"), Some("1")));
    assert_eq!((refresh.get("audience"), refresh.get("more")), (Some("api"), None));
    let mut sent_to: Vec<_> =
        world.provider.headers("x-tenant").into_iter().map(|(endpoint, _)| endpoint).collect();
    sent_to.sort();
    assert_eq!(
        sent_to,
        [".well-known/openid-configuration", "jwks", "token", "token", "userinfo", "userinfo"]
    );
}

#[test]
fn the_page_is_left_as_the_caller_asks_for() {
    let world = World::new();
    let tab = world.tab();
    for redirect in [Redirect { replace: true, top: true }, Redirect::default()] {
        world.callback_url(&tab, SigninRequestArgs { redirect, ..SigninRequestArgs::default() });
        assert_eq!(tab.navigator.left_by.get(), redirect);
        let args = SignoutRequestArgs { redirect, ..SignoutRequestArgs::default() };
        tab.navigator.left_by.take();
        world.run(tab.manager.signout_redirect(args)).unwrap();
        assert_eq!(tab.navigator.left_by.get(), redirect);
    }
}

#[test]
fn the_client_authenticates_as_the_settings_say() {
    use ClientAuthentication as By;
    for (by, authorization, in_form) in [
        (By::None, None, (true, false)),
        // RFC 6749 section 2.3.1: both parts are form-encoded first.
        (By::ClientSecretBasic, Some("Basic YXBwOnMlMkYlM0FlK2NyZXQ="), (false, false)),
        (By::ClientSecretPost, None, (true, true)),
    ] {
        let world = World::new();
        let client_secret = (by != By::None).then(|| "s/:e cret".to_owned().into());
        let settings = Settings { client_authentication: by, client_secret, ..World::settings() };
        assert!(!format!("{settings:?}").contains("e cret"));
        let tab = world.tab_with(settings, MemoryStorage::default());
        world.sign_in(&tab);
        let manager = tab.manager.clone();
        world.run(async move { manager.revoke_tokens().await }).unwrap();
        for form in [&world.provider.requests("token")[0], &world.provider.requests("revoke")[0]] {
            assert_eq!(
                (form.is_sent("client_id"), form.is_sent("client_secret")),
                in_form,
                "{by:?}"
            );
        }
        let sent = world.provider.authorizations();
        assert_eq!(sent.first().map(String::as_str), authorization, "{by:?}");
    }
}
