//! The trace of a sign-in (feature `trace`).

use std::{cell::RefCell, rc::Rc};

use doorward_protocol::params::Params;
use serde_json::json;

use super::{
    provider::{Fault, ISSUER},
    world::{REDIRECT_URI, Tab, World},
};
use crate::{
    ApiRequest, AuthEvent, Check, HttpExchange, Settings, SigninRequestArgs, SignoutRequestArgs,
    Subscription, Trace, TraceStep, in_page::MemoryStorage, ports::NetworkFailure,
};

/// A tab and its trace.
struct Told {
    tab: Tab,
    traces: Rc<RefCell<Vec<Trace>>>,
    _subscription: Subscription,
}

impl Told {
    fn new(world: &World, settings: Settings) -> Self {
        let tab = world.tab_with(settings, MemoryStorage::default());
        let traces = Rc::new(RefCell::new(Vec::new()));
        let log = Rc::clone(&traces);
        let subscription = tab.manager.events().subscribe(move |event| {
            if let AuthEvent::Trace(trace) = event {
                log.borrow_mut().push(trace.clone());
            }
        });
        Self { tab, traces, _subscription: subscription }
    }

    /// The steps since the last call, one word each: `POST token 200`, `nonce`, or `!nonce` for a
    /// failed check.
    fn words(&self) -> Vec<String> {
        self.traces.take().iter().map(|trace| word(&trace.step)).collect()
    }

    fn checks(&self) -> Vec<Check> {
        let steps = self.traces.take().into_iter().map(|trace| trace.step);
        let check = |step| if let TraceStep::Check(check) = step { Some(check) } else { None };
        steps.filter_map(check).collect()
    }
}

fn word(step: &TraceStep) -> String {
    match step {
        TraceStep::AuthorizationRequest(_) => "authorize".to_owned(),
        TraceStep::AuthorizationResponse(_) => "callback".to_owned(),
        TraceStep::LogoutRequest(_) => "end session".to_owned(),
        TraceStep::LogoutResponse(_) => "signed out".to_owned(),
        TraceStep::Check(check) => [if check.passed { "" } else { "!" }, &check.name].concat(),
        TraceStep::Exchange(exchange) => {
            let name = exchange.request.url.rsplit('/').next().unwrap();
            let status = exchange
                .answer
                .as_ref()
                .map_or("no answer".to_owned(), |answer| answer.status.to_string());
            format!("{} {name} {status}", exchange.request.method)
        }
    }
}

const ID_TOKEN_CHECKS: [&str; 8] =
    ["alg", "signature", "iss", "aud", "exp", "iat", "nonce", "at_hash"];

fn with_user_info() -> Settings {
    Settings { load_user_info: true, ..World::settings() }
}

#[test]
fn a_whole_sign_in_is_told_in_order() {
    let world = World::new();
    let told = Told::new(&world, with_user_info());
    let url = world.callback_url(&told.tab, SigninRequestArgs::default());
    assert_eq!(told.words(), ["GET openid-configuration 200", "issuer", "authorize"]);
    world.callback(&told.tab, &url).unwrap();
    let words = told.words();
    assert_eq!(words[..3], ["callback", "state", "iss"]);
    let mut exchanged = words[3..5].to_vec();
    exchanged.sort();
    assert_eq!(exchanged, ["GET jwks 200", "POST token 200"], "at once");
    assert_eq!(words[5..13], ID_TOKEN_CHECKS);
    assert_eq!(words[13..], ["GET userinfo 200", "sub"]);

    let manager = told.tab.manager.clone();
    world.run(async move { manager.signin_silent().await }).unwrap();
    let words = told.words();
    assert_eq!(words[0], "POST token 200");
    let end = words.len() - 2;
    assert_eq!(words[end - 4..end], ["unchanged"; 4]);
    assert_eq!(words[end..], ["GET userinfo 200", "sub"]);

    let manager = told.tab.manager.clone();
    let api = ApiRequest::get(format!("{ISSUER}/userinfo"));
    world.run(async move { manager.fetch(api).await }).unwrap();
    assert_eq!(told.words(), ["GET userinfo 200"]);

    let manager = told.tab.manager.clone();
    world
        .run(async move { manager.signout_redirect(SignoutRequestArgs::default()).await })
        .unwrap();
    assert_eq!(told.words(), ["end session"]);
}

#[test]
fn messages_are_told_as_they_were_sent_and_received() {
    let world = World::new();
    let told = Told::new(&world, World::settings());
    let url = world.callback_url(&told.tab, SigninRequestArgs::default());
    let traces = told.traces.take();
    let TraceStep::AuthorizationRequest(address) = &traces.last().unwrap().step else {
        panic!("{traces:?}")
    };
    assert_eq!(*address, *told_address(&url, address));
    world.callback(&told.tab, &url).unwrap();
    let traces = told.traces.take();
    let TraceStep::AuthorizationResponse(address) = &traces[0].step else { panic!("{traces:?}") };
    assert_eq!(*address, url);
    let token = traces.iter().find_map(token_exchange).unwrap();
    let form = Params::parse(token.request.body.as_deref().unwrap()).unwrap();
    assert_eq!(form.encode(), world.provider.requests("token")[0].encode());
    let user = world.user(&told.tab).unwrap();
    assert!(token.answer.as_ref().unwrap().body.contains(&user.access_token));
}

/// The request whose state was returned.
fn told_address<'a>(callback: &str, request: &'a str) -> &'a str {
    let state = |url: &str| {
        Params::parse(url.split_once('?').unwrap().1).unwrap().get("state").unwrap().to_owned()
    };
    assert_eq!(state(callback), state(request));
    request
}

fn token_exchange(trace: &Trace) -> Option<&HttpExchange> {
    match &trace.step {
        TraceStep::Exchange(exchange) if exchange.request.method == "POST" => Some(exchange),
        _ => None,
    }
}

#[test]
fn a_response_that_nobody_asked_for_fails_at_its_state() {
    let world = World::new();
    let told = Told::new(&world, World::settings());
    world.callback(&told.tab, &format!("{REDIRECT_URI}?code=c&state=forged")).unwrap_err();
    let steps = told.traces.take();
    assert_eq!(
        steps.iter().map(|trace| word(&trace.step)).collect::<Vec<_>>(),
        ["callback", "!state"]
    );
    let TraceStep::Check(check) = &steps[1].step else { panic!() };
    assert_eq!((check.expected.as_str(), check.found.as_str()), ("", "forged"));
}

#[test]
fn nothing_is_checked_after_what_failed() {
    let world = World::new();
    let told = Told::new(&world, World::settings());
    world.provider.alter_claims(|claims| {
        claims.insert("nonce".to_owned(), json!("another"));
    });
    let url = world.callback_url(&told.tab, SigninRequestArgs::default());
    world.callback(&told.tab, &url).unwrap_err();
    let checks = told.checks();
    let last = checks.last().unwrap();
    assert_eq!((last.name.as_str(), last.found.as_str(), last.passed), ("nonce", "another", false));
    assert_eq!(last.expected.len(), 43);
    assert!(checks[..checks.len() - 1].iter().all(|check| check.passed));
}

#[test]
fn a_request_without_an_answer_is_told_with_the_reason() {
    let world = World::new();
    let told = Told::new(&world, World::settings());
    world
        .provider
        .fault(".well-known/openid-configuration", Fault::NotSent(NetworkFailure::Offline));
    let manager = told.tab.manager.clone();
    world
        .run(async move { manager.signin_redirect(SigninRequestArgs::default()).await })
        .unwrap_err();
    assert_eq!(told.words(), ["GET openid-configuration no answer"]);
}

#[test]
fn the_id_token_is_left_out_of_a_sign_out() {
    let world = World::new();
    let told = Told::new(&world, World::settings());
    let user = world.sign_in(&told.tab).user;
    told.traces.take();
    let manager = told.tab.manager.clone();
    world
        .run(async move { manager.signout_redirect(SignoutRequestArgs::default()).await })
        .unwrap();
    let id_token = user.id_token.unwrap();
    assert!(told.tab.navigator.gone_to.borrow().last().unwrap().contains(&id_token));
    let lines: Vec<String> = told.traces.take().iter().map(Trace::to_line).collect();
    assert!(lines.last().unwrap().contains("id_token_hint=…"), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains(&id_token)));
}

#[test]
fn steps_are_written_and_read_back_and_name_no_secret_when_printed() {
    let world = World::new();
    let told = Told::new(&world, with_user_info());
    let user = world.sign_in(&told.tab).user;
    let traces = told.traces.take();
    for trace in &traces {
        let line = trace.to_line();
        assert!(!line.contains('\n'));
        let read = Trace::from_line(&line).unwrap();
        assert_eq!(read.to_line(), line);
        assert_eq!(read.at, trace.at);
    }
    let lines: String = traces.iter().map(Trace::to_line).collect();
    let printed = format!("{traces:?}");
    let token_request =
        traces.iter().find_map(token_exchange).unwrap().request.body.clone().unwrap();
    let verifier = Params::parse(&token_request).unwrap().get("code_verifier").unwrap().to_owned();
    for secret in [&user.access_token, user.refresh_token.as_ref().unwrap(), &verifier, "code-0"] {
        assert!(lines.contains(secret), "{secret}");
        assert!(!printed.contains(secret), "{secret}");
    }
    for junk in [
        "",
        "[]",
        "{}",
        "[\"check\"]",
        "[\"check\",\"x\",\"a\",\"b\",\"c\",\"passed\"]",
        "[\"exchange\",\"1\"]",
    ] {
        assert!(Trace::from_line(junk).is_none(), "{junk}");
    }
}

#[test]
fn long_bodies_are_cut_between_characters() {
    let world = World::new();
    let told = Told::new(&world, World::settings());
    world.sign_in(&told.tab);
    let mut trace =
        told.traces.take().into_iter().find(|trace| token_exchange(trace).is_some()).unwrap();
    let TraceStep::Exchange(exchange) = &mut trace.step else { panic!() };
    exchange.answer.as_mut().unwrap().body = "€".repeat(100_000);
    let read = Trace::from_line(&trace.to_line()).unwrap();
    let body = &token_exchange(&read).unwrap().answer.as_ref().unwrap().body;
    assert!(body.len() > 24_000 && body.len() < 25_000 && body.chars().all(|letter| letter == '€'));
}
