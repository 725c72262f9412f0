//! Being told to stop.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{Doorward, PATIENCE, Sandbox, browser, ready, until};

/// Reads until the text has come; more may follow it.
async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(text) {
        let mut buffer = [0; 1024];
        let count =
            tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
        assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(seen).unwrap()
}

#[tokio::test]
async fn a_request_under_way_is_answered() {
    let place = Sandbox::new();
    let mut command = place.command(&["serve"]);
    command.env("DOORWARD_STOP__FINISHING_TIME", "600");
    let server = Doorward::start(command);
    let authority = place.provider.strip_prefix("http://").unwrap();
    let body = "grant_type=client_credentials&client_id=Resources&client_secret=secret";
    let head = format!(
        "POST /connect/token HTTP/1.1\r\nhost: {authority}\r\ncontent-type: \
         application/x-www-form-urlencoded\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(authority.replace("localhost", "127.0.0.1")).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body, so the request is under way now.
    read_until(&mut stream, "100 Continue").await;
    let mut idle = TcpStream::connect(authority.replace("localhost", "127.0.0.1")).await.unwrap();
    // It was accepted if it was answered.
    let ask = format!("GET /health/live HTTP/1.1\r\nhost: {authority}\r\n\r\n");
    idle.write_all(ask.as_bytes()).await.unwrap();
    read_until(&mut idle, "alive\n").await;
    server.terminate();
    // It has heard the signal when it closes what idles.
    assert_eq!(idle.read(&mut [0; 16]).await.unwrap(), 0);
    assert!(
        TcpStream::connect(authority.replace("localhost", "127.0.0.1")).await.is_err(),
        "nobody is let in"
    );
    stream.write_all(body.as_bytes()).await.unwrap();
    let answer = read_until(&mut stream, "access_token").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await.unwrap();
    assert!(closed.is_ok(), "the connection is not kept for another request");
    assert_eq!(server.wait(), Some(0));
}

#[tokio::test]
async fn a_request_that_does_not_finish_is_waited_for_no_longer_than_set() {
    let place = Sandbox::new();
    let mut command = place.command(&["serve"]);
    command.env("DOORWARD_STOP__FINISHING_TIME", "1");
    let server = Doorward::start(command);
    let authority = place.provider.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(authority.replace("localhost", "127.0.0.1")).await.unwrap();
    let head = format!(
        "POST /connect/token HTTP/1.1\r\nhost: {authority}\r\ncontent-type: \
         application/x-www-form-urlencoded\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    read_until(&mut stream, "100 Continue").await;
    server.terminate();
    assert_eq!(server.wait(), Some(0));
}

#[tokio::test]
async fn before_it_stops_it_says_that_it_is_not_ready_and_goes_on() {
    let place = Sandbox::new();
    let mut command = place.command(&["serve"]);
    command.env("DOORWARD_STOP__DRAIN_DELAY", "3600");
    let log = place.folder().join("log");
    let server = Doorward::start_logging(command, std::fs::File::create(&log).unwrap());
    let http = browser();
    let status = async |path: &str| {
        http.get(format!("{}{path}", place.provider)).send().await.unwrap().status()
    };
    ready(&http, &place.provider).await;
    let before = std::fs::read_to_string(&log).unwrap().len();
    server.terminate();
    until("it is not ready any more", async || status("/health/ready").await == 503).await;
    assert_eq!(
        (status("/health/live").await, status("/.well-known/openid-configuration").await),
        (200.try_into().unwrap(), 200.try_into().unwrap())
    );
    // A second signal ends the delay.
    server.terminate();
    assert_eq!(server.wait(), Some(0));
    // The negative answers are what was asked for: they raise no alarm.
    let log = &std::fs::read_to_string(log).unwrap()[before..];
    assert!(!log.contains("ERROR") && !log.contains("not ready"), "{log}");
}
