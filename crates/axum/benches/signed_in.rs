//! The price of a session: a page behind `SignedIn` against the same page without, by HTTP on this
//! machine, in turns. `cargo bench -p doorward-axum --features sqlite` prints how often each is
//! answered in a second, and the ratio.

#![allow(clippy::unwrap_used, missing_docs)]

#[allow(dead_code, unused_imports)]
#[path = "../tests/sign_in/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use axum::{Router, response::Html, routing::get};
use doorward_axum::{
    Auth, CookieKeys, MemorySessions, SessionsIn, SignInSettings, SignedIn, SqliteSessions,
};
use futures::future::join_all;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::support::{Browser, ORIGIN, Provider};

/// Connections that are kept, each with one request at a time.
const CONNECTIONS: usize = 32;
const ROUNDS: usize = 5;
const LASTING: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sessions.sqlite3");
    let kept: [(&str, SessionsIn); 3] = [
        ("in memory", MemorySessions::default().into()),
        ("in cookies", CookieKeys::parse(["A".repeat(43)]).unwrap().into()),
        ("in SQLite", SqliteSessions::open(file).unwrap().into()),
    ];
    let open = serve(Router::new().route("/page", get(async || page("alice")))).await;
    println!("A page: answers a second (best of {ROUNDS}), with a session and without");
    for (name, sessions) in kept {
        let (behind, cookies) = signed_in(sessions).await;
        let (mut with, mut without) = (0.0_f64, 0.0_f64);
        for _ in 0..ROUNDS {
            without = without.max(rate(&open, &cookies).await);
            with = with.max(rate(&behind, &cookies).await);
        }
        println!("  {name:<12} {with:>9.0} {without:>9.0}   {:.2}", with / without);
    }
}

/// What both pages show.
fn page(name: &str) -> Html<String> {
    let rows = (1..=20).map(|n| format!("<tr><td>Order {n}<td>{}</tr>", n * 7));
    let rows = rows.collect::<Vec<_>>().concat();
    Html(format!(
        "<!doctype html><title>Orders</title><h1>Orders of {name}</h1><table>{rows}</table>"
    ))
}

/// An application with a page for signed-in users, and the cookies of one of them.
async fn signed_in(sessions: SessionsIn) -> (String, String) {
    let provider = Provider::start().await;
    let settings = SignInSettings::new(&*provider.issuer, "shop", format!("{ORIGIN}/signin-oidc"))
        .scope("openid profile offline_access")
        .load_user_info(true);
    let auth = Auth::new(settings, sessions).unwrap();
    let behind = get(async |user: SignedIn| page(user.sub()));
    let app = auth.attach(Router::new().route("/page", behind));
    let browser = Browser::new(&app);
    let to_provider = browser.open("/page").await.location().to_owned();
    browser.open(&provider.authorize(&to_provider)).await.location();
    let answer = browser.open("/page").await;
    assert!(answer.body.contains("Orders of alice"), "{}", answer.body);
    (serve(app).await, browser.cookie_header())
}

async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

/// Answers a second.
async fn rate(address: &str, cookies: &str) -> f64 {
    let request = format!("GET /page HTTP/1.1\r\nHost: localhost\r\nCookie: {cookies}\r\n\r\n");
    let until = Instant::now() + LASTING;
    let connections = (0..CONNECTIONS).map(|_| ask_until(address, request.as_bytes(), until));
    let answers: u32 = join_all(connections).await.into_iter().sum();
    f64::from(answers) / LASTING.as_secs_f64()
}

/// Asks again and again. All answers are as long as the first one.
async fn ask_until(address: &str, request: &[u8], until: Instant) -> u32 {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut first = [0; 16 * 1024];
    stream.write_all(request).await.unwrap();
    let mut length = 0;
    while !first[..length].ends_with(b"</table>") {
        let read = stream.read(&mut first[length..]).await.unwrap();
        assert!(read > 0, "the connection was closed");
        length += read;
    }
    assert!(first.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&first[..length]));
    let mut answers = 1;
    while Instant::now() < until {
        stream.write_all(request).await.unwrap();
        stream.read_exact(&mut first[..length]).await.unwrap();
        answers += 1;
    }
    answers
}
