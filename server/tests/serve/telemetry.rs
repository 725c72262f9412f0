//! Traces, as a collector gets them.

use axum::{Router, body::Bytes, http::header::CONTENT_TYPE, routing::post};
use test_ports::ReservedPort;
use tokio::{net::TcpListener, sync::mpsc};

use crate::support::{Doorward, PATIENCE, Sandbox, browser, sign_in_by_password};

/// A collector: its URL, and the bodies that come in.
async fn collector() -> (String, mpsc::UnboundedReceiver<Bytes>) {
    let (heard, bodies) = mpsc::unbounded_channel();
    let take = move |headers: axum::http::HeaderMap, body: Bytes| async move {
        assert_eq!(headers[CONTENT_TYPE], "application/x-protobuf");
        heard.send(body).unwrap();
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        axum::serve(listener, Router::new().route("/v1/traces", post(take))).await
    });
    (url, bodies)
}

/// A server that sends its spans to that collector.
fn exporting_to(url: String, place: &Sandbox) -> Doorward {
    let mut command = place.command(&["serve"]);
    command.env("DOORWARD_TELEMETRY__OTLP_ENDPOINT", url);
    Doorward::start(command)
}

// The collector works on while the test waits for the process to end.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_the_spans_of_requests_and_no_secret() {
    let place = Sandbox::new();
    let (url, mut bodies) = collector().await;
    let server = exporting_to(url, &place);
    let http = browser();
    let tokens = sign_in_by_password(&http, &place, "alice").await;
    let asked =
        format!("{}/connect/authorize?client_id=PkceJS&state=hidden-in-the-query", place.provider);
    let id = http.get(asked).send().await.unwrap().headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    // What is left is sent before the process ends.
    server.stop();
    let mut seen = String::new();
    while !(seen.contains(&id) && seen.contains("/connect/token")) {
        let body = tokio::time::timeout(PATIENCE, bodies.recv()).await;
        seen += &String::from_utf8_lossy(
            &body.unwrap_or_else(|_| panic!("not all spans: {seen}")).unwrap(),
        );
    }
    for part in ["doorward", "/connect/authorize", "POST", "http.response.status_code"] {
        assert!(seen.contains(part), "no {part} in {seen}");
    }
    let access_token = tokens["access_token"].as_str().unwrap();
    for secret in ["hidden-in-the-query", "alice", access_token, "PolicyBasedBackend"] {
        assert!(!seen.contains(secret), "{secret} in {seen}");
    }
}

/// Spans are named and joined as the specifications have it: OpenTelemetry's conventions for HTTP,
/// W3C Trace Context.
#[tokio::test(flavor = "multi_thread")]
async fn a_span_is_named_by_its_route_and_joins_the_trace_of_the_caller() {
    let place = Sandbox::new();
    let (url, mut bodies) = collector().await;
    let server = exporting_to(url, &place);
    let http = browser();
    let (trace, parent) = (*b"a trace of 16 by", *b"a parent");
    let traceparent = |trace: &[u8; 16]| {
        format!("00-{:032x}-{:016x}-01", u128::from_be_bytes(*trace), u64::from_be_bytes(parent))
    };
    let get = async |path: &str, headers: &[(&'static str, &str)]| {
        let request = headers
            .iter()
            .fold(http.get(format!("{}{path}", place.provider)), |request, (name, value)| {
                request.header(*name, *value)
            });
        request.send().await.unwrap();
    };
    get(
        "/.well-known/openid-configuration",
        &[("traceparent", &traceparent(&trace)), ("tracestate", "long=and-passed-on")],
    )
    .await;
    // What can't be read, or stands there twice, is nobody's trace.
    let other = traceparent(b"a trace twice so");
    get("/connect/userinfo", &[("traceparent", &other), ("traceparent", &other)]).await;
    get("/account/login", &[("traceparent", "00-broken")]).await;
    get("/nowhere-that-is", &[]).await;
    server.stop();
    let mut seen = Vec::new();
    let holds = |seen: &[u8], part: &[u8]| seen.windows(part.len()).any(|window| window == part);
    while !holds(&seen, b"GET /account/login") || !holds(&seen, b"GET /connect/userinfo") {
        let body = tokio::time::timeout(PATIENCE, bodies.recv()).await;
        seen.extend_from_slice(&body.unwrap().unwrap());
    }
    // Fields of a span in their order: trace_id (1), … parent_span_id (4), name (5), kind (6):
    // SERVER (2).
    let name = "GET /.well-known/openid-configuration";
    let length = u8::try_from(name.len()).unwrap();
    let joined = [&[0x22, 8], &parent[..], &[0x2a, length], name.as_bytes(), &[0x30, 2]].concat();
    assert!(holds(&seen, &joined), "{}", String::from_utf8_lossy(&seen));
    assert!(holds(&seen, &[&[0x0a, 16], &trace[..]].concat()));
    for never in [b"a trace twice so".as_slice(), b"passed-on", b"nowhere-that-is"] {
        assert!(!holds(&seen, never), "{}", String::from_utf8_lossy(never));
    }
}

#[tokio::test]
async fn a_collector_that_is_away_hurts_nobody() {
    let place = Sandbox::new();
    let nobody = ReservedPort::new();
    let mut command = place.command(&["serve"]);
    command.env("DOORWARD_TELEMETRY__OTLP_ENDPOINT", format!("http://{}", nobody.address()));
    let server = Doorward::start(command);
    sign_in_by_password(&browser(), &place, "alice").await;
    server.stop();
}
