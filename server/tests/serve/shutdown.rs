//! Being told to stop.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::Place;

/// Reads until the text has come; more may follow it.
async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(text) {
        let mut buffer = [0; 1024];
        let count = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut buffer)).await.unwrap().unwrap();
        assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(seen).unwrap()
}

#[tokio::test]
async fn a_request_under_way_is_answered() {
    let place = Place::new();
    let server = place.serve(&[]);
    let authority = place.provider.strip_prefix("http://").unwrap();
    let body = "grant_type=client_credentials&client_id=Resources&client_secret=secret";
    let head = format!(
        "POST /connect/token HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(authority.replace("localhost", "127.0.0.1")).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body, so the request is under way now.
    read_until(&mut stream, "100 Continue").await;
    let mut idle = TcpStream::connect(authority.replace("localhost", "127.0.0.1")).await.unwrap();
    server.terminate();
    // It has heard the signal when it closes what idles.
    assert_eq!(idle.read(&mut [0; 16]).await.unwrap(), 0);
    stream.write_all(body.as_bytes()).await.unwrap();
    let answer = read_until(&mut stream, "access_token").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(server.wait(), Some(0));
}
