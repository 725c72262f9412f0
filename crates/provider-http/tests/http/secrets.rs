//! What is logged, at the most talkative level, never holds a secret.

use std::{
    io,
    sync::{Mutex, PoisonError},
};

use serde_json::json;

use crate::{
    device, par,
    support::{
        Browser, ProofKey, REDIRECT, Setup, World, authorize_url, basic, changed, client_settings,
        code_request, form_request, refresh_request, user, verifier, with_header,
    },
    token::private_key_jwt::{assertion, request as assertion_request},
};

/// Everything that is logged in this process from the start of the test on.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const PASSWORD: &str = "correct-horse-battery-staple";
const WRONG_PASSWORD: &str = "wrong-horse-battery-staple";
const CLIENT_SECRET: &str = "client-secret-of-the-test";
const WRONG_CLIENT_SECRET: &str = "wrong-client-secret-of-the-test";

/// Goes through everything that handles a secret, well and badly, and returns the secrets.
async fn use_every_secret(world: &World) -> Vec<String> {
    let mut secrets: Vec<String> =
        [PASSWORD, WRONG_PASSWORD, CLIENT_SECRET, WRONG_CLIENT_SECRET, verifier().expose()]
            .map(str::to_owned)
            .to_vec();
    let mut keep = |text: &str| secrets.push(text.to_owned());

    let mut browser = Browser::new(world);
    browser.sign_in("erin", WRONG_PASSWORD, None).await;
    browser.sign_in("erin", PASSWORD, None).await;
    keep(&browser.session().unwrap());
    keep(browser.cookie("doorward.form").unwrap());

    let wrong_verifier = "w".repeat(64);
    keep(&wrong_verifier);
    let code =
        browser.get(&authorize_url(&[("client_id", "Confidential")])).await.expect_code(REDIRECT);
    keep(&code);
    let request = changed(code_request(&code), &[("client_id", "")]);
    let (right, wrong) =
        (basic("Confidential", CLIENT_SECRET), basic("Confidential", WRONG_CLIENT_SECRET));
    keep(right.strip_prefix("Basic ").unwrap());
    keep(wrong.strip_prefix("Basic ").unwrap());
    world.token_as(&wrong, &request).await;
    world.token_as(&right, &changed(request.clone(), &[("code_verifier", &wrong_verifier)])).await;
    let tokens = world.token_as(&right, &request).await.json();
    let renew =
        changed(refresh_request(tokens["refresh_token"].as_str().unwrap()), &[("client_id", "")]);
    let renewed = world.token_as(&right, &renew).await.json();
    for answer in [&tokens, &renewed] {
        for name in ["access_token", "refresh_token", "id_token"] {
            keep(answer[name].as_str().unwrap());
        }
        world.userinfo(&answer["access_token"]).await;
    }

    let hint = tokens["id_token"].as_str().unwrap();
    browser.get(&authorize_url(&[("id_token_hint", hint), ("prompt", "none")])).await;
    let form_post = browser.get(&authorize_url(&[("response_mode", "form_post")])).await.page();
    keep(form_post.value("code").unwrap());
    // Replays, a refresh that is too late, a password in a grant, revocation, sign-out.
    world.token_as(&right, &request).await;
    world.token_as(&right, &renew).await;
    let grant = [("grant_type", "password"), ("username", "erin"), ("password", PASSWORD)];
    world.token_as(&right, &grant).await;
    let revocation = form_request(
        "/connect/revocation",
        &[("token", tokens["refresh_token"].as_str().unwrap())],
    );
    world.send(with_header(revocation, "authorization", &right)).await;
    let twice = form_request("/connect/token", &[("code", code.as_str()), ("code", code.as_str())]);
    world.send(with_header(twice, "authorization", &right)).await;
    browser.get(&format!("/connect/endsession?id_token_hint={hint}")).await;
    secrets
}

/// The same with pushed requests, signed assertions, proofs of possession, consent, devices and
/// tokens by reference.
async fn use_every_newer_secret(world: &World, key: &ProofKey) -> Vec<String> {
    let mut secrets = Vec::new();
    let mut keep = |text: &str| secrets.push(text.to_owned());
    let by_assertion = |key: &ProofKey| {
        let signed = assertion(key, &json!({"iss": "Modern", "sub": "Modern"}));
        (assertion_request(&signed).split_off(1), signed)
    };
    let mut browser = Browser::new(world);
    browser.sign_in("erin", PASSWORD, None).await;
    keep(&browser.session().unwrap());

    let (mut push, signed) = by_assertion(key);
    keep(&signed);
    let parameters =
        par::request(&[("client_id", "Modern"), ("state", "a state that nobody may see")]);
    for name in [
        "redirect_uri",
        "response_type",
        "scope",
        "code_challenge",
        "code_challenge_method",
        "state",
        "nonce",
    ] {
        push.push((name, parameters.iter().find(|(own, _)| own == name).unwrap().1.clone()));
    }
    keep("a state that nobody may see");
    let pushed = world.post("/connect/par", &push).await;
    keep(pushed.json()["request_uri"].as_str().unwrap().rsplit(':').next().unwrap());
    let question = browser.get(&par::opened_by("Modern", &pushed)).await.page();
    let code = browser.submit(&question, &[("action", "allow")]).await.expect_code(REDIRECT);
    keep(&code);

    let prove = |claims| key.proof_with(world, &json!({}), &claims);
    let (forged, forgery) = by_assertion(&ProofKey::es256());
    let redeem = changed(code_request(&code), &[("client_id", "")]);
    let (mut sent, signed) = by_assertion(key);
    let (wrong, right) = (prove(json!({"htm": "GET"})), prove(json!({})));
    for text in [&forgery, &signed, &wrong, &right] {
        keep(text);
    }
    world.token(&[redeem.clone(), forged].concat()).await;
    world.token_with_proof(&[redeem.clone(), sent.clone()].concat(), &wrong).await;
    sent = by_assertion(key).0;
    let tokens = world.token_with_proof(&[redeem, sent].concat(), &right).await.json();
    let token = |name: &str| tokens[name].as_str().unwrap().to_owned();
    assert!(!token("access_token").contains('.') && tokens["token_type"] == "DPoP", "{tokens}");
    for name in ["access_token", "refresh_token", "id_token"] {
        keep(&token(name));
    }
    let proof = key.userinfo_proof(world, &token("access_token"), &json!({}));
    keep(&proof);
    world.userinfo_by(&format!("DPoP {}", token("access_token")), &[&proof]).await;
    let ask = form_request("/connect/introspect", &[("token", token("access_token"))]);
    world.send(with_header(ask, "authorization", &basic("MyBackendApi2", "api-secret"))).await;

    // A refresh, and a thief who comes with the old token too late.
    let refresh = changed(refresh_request(&token("refresh_token")), &[("client_id", "")]);
    let renewed = world
        .token_with_proof(&[refresh.clone(), by_assertion(key).0].concat(), &prove(json!({})))
        .await
        .json();
    keep(renewed["refresh_token"].as_str().unwrap());
    world.clock.advance(11);
    world.token_with_proof(&[refresh, by_assertion(key).0].concat(), &prove(json!({}))).await;

    for action in ["allow", "deny"] {
        let scope = vec![("scope", "openid profile".to_owned())];
        let begun = world
            .post("/connect/deviceauthorization", &[scope, by_assertion(key).0].concat())
            .await
            .json();
        let (device_code, user_code) =
            (begun["device_code"].as_str().unwrap(), begun["user_code"].as_str().unwrap());
        keep(device_code);
        keep(user_code);
        let page = device::question(&mut browser, user_code).await;
        browser.submit(&page, &[("action", action)]).await;
        let poll =
            vec![("grant_type", device::GRANT.to_owned()), ("device_code", device_code.to_owned())];
        let polled = world.token(&[poll, by_assertion(key).0].concat()).await.json();
        if let Some(token) = polled["access_token"].as_str() {
            keep(token);
            let revoke = vec![("token", token.to_owned())];
            world
                .post("/connect/revocation", &[revoke.clone(), by_assertion(key).0].concat())
                .await;
            world
                .post("/connect/revocation", &[revoke, by_assertion(&ProofKey::es256()).0].concat())
                .await;
        }
    }

    let question = browser.get(&authorize_url(&[("client_id", "Modern")])).await.page();
    browser.submit(&question, &[("action", "deny")]).await;
    let mut stranger = Browser::new(world);
    let page = stranger.login_page(Some(&authorize_url(&[("client_id", "Modern")]))).await;
    stranger.submit(&page, &[("action", "cancel")]).await;
    let page = browser.get("/account/logout").await.page();
    browser.submit(&page, &[("action", "logout")]).await;
    secrets
}

/// The identifiers of the published keys.
async fn key_ids(world: &World) -> Vec<String> {
    let jwks = world.get("/.well-known/openid-configuration/jwks").await.json();
    jwks["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

/// An audit event of this name with these parts is in the log.
#[track_caller]
fn assert_told(log: &str, event: &str, parts: &[&str]) {
    let told = format!("doorward::audit: event=\"{event}\" ");
    let mut lines = log.lines().filter(|line| line.contains(&told));
    assert!(
        lines.any(|line| parts.iter().all(|part| line.contains(part))),
        "{event} with {parts:?}"
    );
}

#[track_caller]
fn assert_all_told(log: &str) {
    const HERE: &str = "peer=\"127.0.0.1\"";
    const ERIN: &str = "outcome=\"succeeded\" sub=\"erin\"";
    const DENIED: &str = "outcome=\"denied\" sub=\"erin\" client_id=\"Modern\"";
    const REFUSED: &str = "outcome=\"refused\" client_id=\"Modern\"";
    for (client, grant_type) in [
        ("Confidential", "authorization_code"),
        ("Confidential", "refresh_token"),
        ("Confidential", "password"),
        ("Modern", "authorization_code"),
        ("Modern", "refresh_token"),
        ("Modern", device::GRANT),
    ] {
        let (client, grant_type) =
            (format!("client_id=\"{client}\""), format!("grant_type=\"{grant_type}\""));
        assert_told(log, "tokens_issued", &[ERIN, &client, HERE, &grant_type]);
    }
    assert_told(
        log,
        "token_refused",
        &["outcome=\"refused\" client_id=\"Confidential\"", HERE, "cause=the client secret"],
    );
    assert_told(log, "token_refused", &[REFUSED, HERE, "cause="]);
    assert_told(
        log,
        "code_replayed",
        &["WARN", "outcome=\"replayed\" sub=\"erin\" client_id=\"Confidential\"", HERE],
    );
    assert_told(
        log,
        "refresh_token_replayed",
        &["WARN", "outcome=\"replayed\" sub=\"erin\" client_id=\"Modern\"", HERE],
    );
    for event in ["consent_given", "device_allowed"] {
        assert_told(log, event, &[ERIN, "client_id=\"Modern\"", HERE]);
    }
    assert_told(log, "token_revoked", &[ERIN, "client_id=\"Modern\"", HERE]);
    assert_told(log, "consent_denied", &[DENIED, HERE]);
    assert_told(log, "device_denied", &[DENIED, HERE]);
    assert_told(log, "sign_in_cancelled", &["outcome=\"denied\" client_id=\"Modern\"", HERE]);
    assert_told(log, "revocation_refused", &[REFUSED, HERE]);
    assert_told(log, "signed_in", &[ERIN, HERE]);
    assert_told(log, "sign_in_refused", &["outcome=\"refused\"", HERE]);
    assert_told(log, "signed_out", &[ERIN, HERE, "sid="]);
}

#[tokio::test]
async fn no_log_line_holds_a_token_a_code_a_password_a_verifier_or_a_cookie() {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(|| Log);
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    tracing::trace!("the most talkative level");
    let client = client_settings(
        "Confidential",
        json!({
            "allowed_grant_types": ["authorization_code", "password"],
            "require_client_secret": true, "client_secrets": [{"plain": CLIENT_SECRET}],
        }),
    );
    let key = ProofKey::es256();
    let modern = client_settings(
        "Modern",
        json!({
            "allowed_grant_types": ["authorization_code", "device_code"],
            "require_client_secret": true,
            "jwks": {"keys": [key.jwk]}, "access_token_type": "reference", "require_consent": true,
        }),
    );
    let setup = Setup {
        users: vec![user("erin", PASSWORD, &[])],
        clients: vec![client, modern],
        ..Setup::default()
    };
    let world = World::with(setup).await;
    let mut secrets = use_every_secret(&world).await;
    secrets.extend(use_every_newer_secret(&world, &key).await);
    let first = key_ids(&world).await;
    world.clock.advance(76 * 86_400);
    world.provider.upkeep().maintain().await.unwrap();
    let announced: Vec<String> =
        key_ids(&world).await.into_iter().filter(|kid| !first.contains(kid)).collect();
    world.clock.advance(28 * 86_400);
    world.provider.upkeep().maintain().await.unwrap();

    let log =
        String::from_utf8(LOG.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap();
    assert!(log.contains("the most talkative level"));
    assert_all_told(&log);
    for (event, kids) in [("signing_key_announced", &announced), ("signing_key_retired", &first)] {
        assert_eq!(kids.len(), 2);
        for kid in kids {
            assert_told(&log, event, &["outcome=\"succeeded\"", &format!("kid=\"{kid}\"")]);
        }
    }
    // User codes are the shortest.
    assert!(secrets.len() > 30 && secrets.iter().all(|secret| secret.len() >= 9));
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret} is logged");
    }
}
