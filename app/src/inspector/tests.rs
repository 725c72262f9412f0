//! The panel, from the steps to the HTML.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use doorward_client::{
    Check, HttpExchange, Trace, TraceStep,
    ports::{CacheMode, HttpRequest, HttpResponse},
};
use doorward_protocol::base64url;

use super::{
    html,
    lifetimes::{Life, Lifetimes},
    story::{Card, cards},
};

const AT: u64 = 1_795_375_553;
const PROVIDER: &str = "http://localhost:6001";

fn exchange(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    form: Option<&str>,
    answer: (u16, &str),
) -> TraceStep {
    let pairs = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<Vec<_>>()
    };
    let mut headers = pairs(headers);
    if form.is_some() {
        headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
    }
    TraceStep::Exchange(Box::new(HttpExchange {
        request: HttpRequest {
            method: method.to_owned(),
            url: url.to_owned(),
            headers,
            body: form.map(str::to_owned),
            timeout: Duration::ZERO,
            follow_redirects: false,
            cache: CacheMode::Never,
        },
        answer: Ok(HttpResponse {
            status: answer.0,
            headers: pairs(&[("content-type", "application/json"), ("date", "never shown")]),
            body: answer.1.to_owned(),
            date: None,
            url: None,
        }),
        took: Duration::from_millis(34),
    }))
}

fn check(name: &str, expected: &str, found: &str, passed: bool) -> TraceStep {
    TraceStep::Check(Check {
        name: name.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
        passed,
    })
}

fn id_token() -> String {
    let claims = format!(r#"{{"iss":"{PROVIDER}","sub":"alice","iat":{AT},"exp":{}}}"#, AT + 300);
    format!(
        "{}.{}.c2ln",
        base64url::encode(r#"{"alg":"RS256","kid":"k1"}"#),
        base64url::encode(claims)
    )
}

/// The answer of the token endpoint.
fn tokens() -> String {
    format!(
        r#"{{"access_token":"opens-the-api","expires_in":3600,"id_token":"{}","refresh_token":"gets-the-next","token_type":"Bearer"}}"#,
        id_token()
    )
}

/// A complete story, as the client reports it.
fn story() -> Vec<Trace> {
    let steps = [signing_in(), signed_in(), signing_out()].into_iter().flatten();
    steps.map(|step| Trace { at: AT, step }).collect()
}

/// From the first request to the checks of the ID token.
fn signing_in() -> Vec<TraceStep> {
    let metadata = format!(
        r#"{{"issuer":"{PROVIDER}","jwks_uri":"{PROVIDER}/keys","userinfo_endpoint":"{PROVIDER}/me","token_endpoint":"{PROVIDER}/token"}}"#
    );
    vec![
        exchange(
            "GET",
            &format!("{PROVIDER}/.well-known/openid-configuration"),
            &[],
            None,
            (200, &metadata),
        ),
        check("issuer", PROVIDER, PROVIDER, true),
        TraceStep::AuthorizationRequest(format!(
            "{PROVIDER}/connect/authorize?response_type=code&client_id=PkceJS&state=s1\
             &code_challenge=c1&scope=openid+profile"
        )),
        TraceStep::AuthorizationResponse(
            "http://localhost:5001/OpenId/Login/JS?code=one-time&state=s1&iss=x".to_owned(),
        ),
        check("state", "s1", "s1", true),
        check("iss", PROVIDER, PROVIDER, true),
        exchange("GET", &format!("{PROVIDER}/keys"), &[], None, (200, r#"{"keys":[]}"#)),
        exchange(
            "POST",
            &format!("{PROVIDER}/token"),
            &[],
            Some("grant_type=authorization_code&code=one-time&code_verifier=behind-the-challenge"),
            (200, &tokens()),
        ),
        check("alg", "RS256", "RS256", true),
        check("signature", "k1", "RS256", true),
        check("iss", PROVIDER, PROVIDER, true),
        check("exp", &(AT - 300).to_string(), &(AT + 300).to_string(), true),
    ]
}

/// Userinfo, a call that is refused, and a renewal.
fn signed_in() -> Vec<TraceStep> {
    vec![
        exchange(
            "GET",
            &format!("{PROVIDER}/me"),
            &[("authorization", "Bearer opens-the-api")],
            None,
            (200, "{}"),
        ),
        check("sub", "alice", "alice", true),
        exchange(
            "GET",
            "http://localhost:5001/api/x",
            &[("authorization", "Bearer opens-the-api")],
            None,
            (403, r#"{"error":"forbidden"}"#),
        ),
        exchange(
            "POST",
            &format!("{PROVIDER}/token"),
            &[],
            Some("grant_type=refresh_token&refresh_token=gets-the-next"),
            (200, &tokens()),
        ),
    ]
}

fn signing_out() -> Vec<TraceStep> {
    vec![
        TraceStep::LogoutRequest(format!(
            "{PROVIDER}/connect/endsession?id_token_hint=%E2%80%A6&state=s2"
        )),
        TraceStep::LogoutResponse("http://localhost:5001/OpenId/Login/JS?state=s2".to_owned()),
        check("state", "s2", "s2", true),
    ]
}

/// The card of this kind.
fn card<'a>(cards: &'a [Card], kind: &str) -> &'a Card {
    cards.iter().find(|card| card.kind == kind).unwrap()
}

#[test]
fn a_story_is_told_in_order_with_each_check_where_it_belongs() {
    let cards = cards(&story());
    let told: Vec<_> =
        cards.iter().map(|card| (card.kind, card.checks.len(), card.failed)).collect();
    assert_eq!(
        told,
        [
            ("discovery", 1, false),
            ("authorize", 0, false),
            ("callback", 2, false),
            ("keys", 0, false),
            ("token", 0, false),
            ("checks", 4, false),
            ("userinfo", 1, false),
            ("api", 0, true),
            ("renewal", 0, false),
            ("end_session", 0, false),
            ("signed_out", 1, false),
        ]
    );
    assert_eq!(card(&cards, "token").outcome, "200 · 34 ms");
    assert_eq!(card(&cards, "checks").outcome, "4 passed");
}

#[test]
fn an_api_that_asks_for_another_sign_in_has_a_card_of_its_own() {
    let TraceStep::Exchange(mut call) =
        exchange("GET", "http://localhost:5001/api/x", &[], None, (401, "{}"))
    else {
        panic!("it is an exchange");
    };
    call.request.headers.push(("authorization".to_owned(), "Bearer opens-the-api".to_owned()));
    let challenge =
        r#"Bearer error="insufficient_user_authentication", acr_values="2", max_age="5""#;
    let headers = &mut call.answer.as_mut().unwrap().headers;
    headers.push(("www-authenticate".to_owned(), challenge.to_owned()));
    let asks = TraceStep::AuthorizationRequest(format!(
        "{PROVIDER}/connect/authorize?acr_values=2&max_age=5"
    ));
    let steps = [TraceStep::Exchange(call), asks].map(|step| Trace { at: AT, step });
    let cards = cards(&steps);
    let told: Vec<_> = cards.iter().map(|card| (card.kind, card.title)).collect();
    assert_eq!(
        told,
        [("step_up", "API asks for another sign-in"), ("authorize", "Authorization request")]
    );
    assert!(html::card(&cards[0], 0).contains("max_age=&quot;5&quot;"));
    assert!(cards[1].messages[0].fields.iter().all(|field| field.word.is_some()));
}

#[test]
fn parameters_are_shown_as_sent_and_explained() {
    let cards = cards(&story());
    let request = &card(&cards, "authorize").messages[0];
    assert_eq!(request.line, format!("GET {PROVIDER}/connect/authorize"));
    let names: Vec<&str> = request.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["response_type", "client_id", "state", "code_challenge", "scope"]);
    assert_eq!(request.fields[4].value, "openid profile");
    assert!(request.fields.iter().all(|field| field.word.is_some() && !field.secret));
    let headers: Vec<&str> =
        card(&cards, "token").messages[1].fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(headers[0], "content-type");
    assert!(!headers.contains(&"date"));
}

#[test]
fn secrets_stand_behind_a_disclosure_and_stay_out_of_copies() {
    let cards = cards(&story());
    let token = card(&cards, "token");
    let html = html::card(token, 5);
    for secret in
        ["one-time", "behind-the-challenge", "opens-the-api", "gets-the-next", &id_token()]
    {
        assert_eq!(html.matches(&format!(">{secret}<")).count(), 1, "{secret}");
        let before = html.split(&format!(">{secret}<")).next().unwrap();
        let (open, closed) =
            (before.rfind("<details class=\"secret\">"), before.rfind("</details>"));
        assert!(open.is_some() && open > closed, "{secret}");
    }
    let text: String = cards.iter().map(html::plain_text).collect();
    for secret in
        ["one-time", "behind-the-challenge", "opens-the-api", "gets-the-next", &id_token()]
    {
        assert!(!text.contains(secret), "{secret}");
    }
    assert!(text.contains("client_id: PkceJS"));
}

#[test]
fn bodies_stay_out_of_copies_unless_they_are_public() {
    let mut steps = story();
    let bearer = [("authorization", "Bearer opens-the-api")];
    let more = [
        exchange(
            "GET",
            &format!("{PROVIDER}/me"),
            &bearer,
            None,
            (200, r#"{"email":"private@example.com"}"#),
        ),
        exchange(
            "GET",
            "http://localhost:5001/api/x",
            &bearer,
            None,
            (200, r#"{"salary":"private"}"#),
        ),
        exchange(
            "POST",
            &format!("{PROVIDER}/token"),
            &[],
            Some("grant_type=refresh_token"),
            (200, "private, cut o"),
        ),
    ];
    steps.extend(more.into_iter().map(|step| Trace { at: AT, step }));
    let TraceStep::Exchange(mut posted) =
        exchange("POST", "http://localhost:5001/api/x", &[], None, (204, ""))
    else {
        panic!("it is an exchange");
    };
    posted.request.body = Some(r#"{"note":"private"}"#.to_owned());
    steps.push(Trace { at: AT, step: TraceStep::Exchange(posted) });
    let cards = cards(&steps);
    let bodies =
        cards.iter().flat_map(|card| &card.messages).filter_map(|message| message.rest.as_deref());
    assert_eq!(bodies.filter(|body| body.contains("private")).count(), 4);
    let text: String = cards.iter().map(html::plain_text).collect();
    assert!(!text.contains("private") && text.contains("(body left out)"), "{text}");
    assert!(html::plain_text(card(&cards, "discovery")).contains("userinfo_endpoint"));
    assert!(html::plain_text(card(&cards, "keys")).contains("\"keys\""));
}

#[test]
fn tokens_are_decoded_with_each_claim_explained() {
    let cards = cards(&story());
    let html = html::card(card(&cards, "token"), 5);
    let parts = html.split("token-parts").nth(1).unwrap();
    for text in [
        ">alice<",
        "identifier at this provider",
        ">k1<",
        "RFC 7519 section 4.1.4",
        "2026-11-22 19:30:53 UTC",
    ] {
        assert!(parts.contains(text), "{text}");
    }
    assert_eq!(html.matches("token-parts").count(), 1, "the other tokens are opaque");
}

#[test]
fn a_failed_check_opens_its_card_and_says_what_was_found() {
    let steps = [
        TraceStep::AuthorizationResponse("http://localhost:5001/?code=c&state=forged".to_owned()),
        check("state", "", "forged", false),
    ];
    let steps: Vec<Trace> = steps.into_iter().map(|step| Trace { at: AT, step }).collect();
    let cards = cards(&steps);
    assert!(cards[0].failed);
    assert_eq!(cards[0].outcome, "state failed");
    let html = html::card(&cards[0], 1);
    assert!(
        html.contains("data-state=\"failed\"")
            && html.contains("<details class=\"step-card\" open=\"\">"),
        "{html}"
    );
    assert!(html.contains("forged; no request of this browser has it"), "{html}");
    assert!(html::plain_text(&cards[0]).contains("state FAILED"));
}

#[test]
fn nothing_that_arrives_becomes_markup() {
    let hostile = "\"><img src=x onerror=alert(1)>'&";
    let encoded: String = form_urlencoded::byte_serialize(hostile.as_bytes()).collect();
    let steps = vec![
        TraceStep::AuthorizationResponse(format!(
            "http://localhost:5001/<b>?{encoded}={encoded}&error={encoded}"
        )),
        check(hostile, hostile, hostile, false),
        exchange(
            "GET",
            &format!("{PROVIDER}/{hostile}"),
            &[(hostile, hostile)],
            None,
            (200, hostile),
        ),
        exchange(
            "POST",
            &format!("{PROVIDER}/token"),
            &[],
            Some("grant_type=refresh_token"),
            (200, &serde_json::json!({ hostile: hostile, "access_token": hostile }).to_string()),
        ),
    ];
    let steps: Vec<Trace> = steps.into_iter().map(|step| Trace { at: AT, step }).collect();
    for (told, number) in cards(&steps).iter().zip(1..) {
        let html = html::card(told, number);
        assert!(!html.contains("<img") && !html.contains("<b>"), "{html}");
        assert!(!html.contains("\"><img") && html.contains("&lt;"), "{html}");
    }
}

#[test]
fn lives_are_those_of_the_last_tokens() {
    let cards = cards(&story());
    let lifetimes = Lifetimes::of(&cards, 60).unwrap();
    assert_eq!(
        lifetimes,
        Lifetimes {
            lives: vec![
                Life { name: "access_token", from: AT, until: AT + 3600 },
                Life { name: "id_token", from: AT, until: AT + 300 },
            ],
            renewal: Some(AT + 3540),
        }
    );
    let half_way = lifetimes.draw(AT + 1800);
    assert!(half_way.contains("class=\"life-now\" x1=\"500\""), "{half_way}");
    assert!(half_way.contains("class=\"life-renewal\" x1=\"983\""), "{half_way}");
    assert!(
        half_way.contains("ends in 30 min 00 s") && half_way.contains("expired 25 min 00 s ago"),
        "{half_way}"
    );
    // Whatever the clock says, the drawing stays within its bounds.
    for now in [0, AT, u64::MAX] {
        assert!(lifetimes.draw(now).contains("figure"));
    }
    assert_eq!(Lifetimes::of(&[], 60), None);
}

#[test]
fn renewal_is_never_drawn_before_half_of_a_short_life() {
    let answer = r#"{"access_token":"a","expires_in":10,"refresh_token":"r"}"#;
    let step =
        exchange("POST", "http://x/token", &[], Some("grant_type=refresh_token"), (200, answer));
    let lifetimes = Lifetimes::of(&cards(&[Trace { at: AT, step }]), 60).unwrap();
    assert_eq!(lifetimes.renewal, Some(AT + 5));
}

#[test]
fn any_expiry_can_be_drawn() {
    let answer = format!(r#"{{"access_token":"a","expires_in":{}}}"#, u64::MAX);
    let step =
        exchange("POST", "http://x/token", &[], Some("grant_type=refresh_token"), (200, &answer));
    let drawn = Lifetimes::of(&cards(&[Trace { at: AT, step }]), 60).unwrap().draw(AT);
    assert!(drawn.contains("access_token"));
}
