//! What is logged, at the most talkative level, never holds a secret.

use std::{
    io,
    sync::{Mutex, PoisonError},
};

use serde_json::json;

use crate::support::{
    Browser, REDIRECT, Setup, World, authorize_url, basic, changed, client_settings, code_request, form_request,
    refresh_request, user, verifier, with_header,
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
        [PASSWORD, WRONG_PASSWORD, CLIENT_SECRET, WRONG_CLIENT_SECRET, verifier().expose()].map(str::to_owned).to_vec();
    let mut keep = |text: &str| secrets.push(text.to_owned());

    let mut browser = Browser::new(world);
    browser.sign_in("erin", WRONG_PASSWORD, None).await;
    browser.sign_in("erin", PASSWORD, None).await;
    keep(&browser.session().unwrap());
    keep(browser.cookie("doorward.form").unwrap());

    let wrong_verifier = "w".repeat(64);
    keep(&wrong_verifier);
    let code = browser.get(&authorize_url(&[("client_id", "Confidential")])).await.expect_code(REDIRECT);
    keep(&code);
    let request = changed(code_request(&code), &[("client_id", "")]);
    let (right, wrong) = (basic("Confidential", CLIENT_SECRET), basic("Confidential", WRONG_CLIENT_SECRET));
    keep(right.strip_prefix("Basic ").unwrap());
    keep(wrong.strip_prefix("Basic ").unwrap());
    world.token_as(&wrong, &request).await;
    world.token_as(&right, &changed(request.clone(), &[("code_verifier", &wrong_verifier)])).await;
    let tokens = world.token_as(&right, &request).await.json();
    let renew = changed(refresh_request(tokens["refresh_token"].as_str().unwrap()), &[("client_id", "")]);
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
    let revocation = form_request("/connect/revocation", &[("token", tokens["refresh_token"].as_str().unwrap())]);
    world.send(with_header(revocation, "authorization", &right)).await;
    let twice = form_request("/connect/token", &[("code", code.as_str()), ("code", code.as_str())]);
    world.send(with_header(twice, "authorization", &right)).await;
    browser.get(&format!("/connect/endsession?id_token_hint={hint}")).await;
    secrets
}

#[tokio::test]
async fn no_log_line_holds_a_token_a_code_a_password_a_verifier_or_a_cookie() {
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(|| Log);
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    tracing::trace!("the most talkative level");
    let client = client_settings(
        "Confidential",
        json!({
            "allowed_grant_types": ["authorization_code", "password"], "require_client_secret": true,
            "client_secrets": [{"plain": CLIENT_SECRET}],
        }),
    );
    let setup = Setup { users: vec![user("erin", PASSWORD, &[])], clients: vec![client], ..Setup::default() };
    let world = World::with(setup).await;
    let secrets = use_every_secret(&world).await;

    let log = String::from_utf8(LOG.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap();
    for event in ["the most talkative level", "signed_in", "sign_in_refused", "token_refused", "signed_out", "erin"] {
        assert!(log.contains(event), "the log says what happens: {event}");
    }
    assert!(secrets.len() > 15 && secrets.iter().all(|secret| secret.len() > 20));
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret} is logged");
    }
}
