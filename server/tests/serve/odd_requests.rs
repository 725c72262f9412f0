//! Requests that no browser sends: each is answered with a refusal, and the server goes on.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{PATIENCE, Sandbox, browser, ready};

/// Sends bytes as they are and returns the status of the answer.
async fn status(origin: &str, request: &[u8]) -> u16 {
    let address = origin.replace("http://localhost", "127.0.0.1");
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may have refused before it has read everything.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while !answer.ends_with(b"\r\n") && !answer.windows(4).any(|window| window == b"\r\n\r\n") {
        match tokio::time::timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap() {
            Ok(0) | Err(_) => break,
            Ok(count) => answer.extend_from_slice(&buffer[..count]),
        }
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .and_then(|code| code.parse().ok());
    status.unwrap_or_else(|| {
        panic!("no answer but {answer:?} to {:?}", String::from_utf8_lossy(&request[..60]))
    })
}

fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes()
}

#[tokio::test]
async fn nothing_that_is_sent_is_a_server_error() {
    let place = Sandbox::new();
    let server = place.serve(&[]);
    let long = "a".repeat(70_000);
    let many_fields: String =
        (0..200).map(|index| format!("x-{index}: y\r\n")).collect::<Vec<_>>().concat();
    let form = "POST /connect/token HTTP/1.1\r\nhost: localhost\r\ncontent-type: \
                application/x-www-form-urlencoded\r\n";
    let requests: Vec<Vec<u8>> = vec![
        get("/%FF"),
        get("/%00"),
        get("/%"),
        get("/?%"),
        get("/?code=%FF%00&state=%"),
        get("/OpenId/Login/JS?error=%F0%9F&state=\u{1F}"),
        get("//"),
        get("/a//b"),
        get("/%2e%2e/%2e%2e/etc/passwd"),
        get("/pkg/%2e%2e/%2e%2e/Cargo.toml"),
        get("/pkg/..\\..\\Cargo.toml"),
        get("/health/ready/%2e%2e"),
        get("/api/%FF"),
        get(&format!("/{}", &long[..60_000])),
        get(&format!("/{long}")),
        get("http://other.example/"),
        format!("GET / HTTP/1.1\r\nhost: localhost\r\nx-long: {long}\r\n\r\n").into_bytes(),
        format!("GET / HTTP/1.1\r\nhost: localhost\r\n{many_fields}\r\n").into_bytes(),
        b"CONNECT localhost:80 HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec(),
        b"OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec(),
        b"BREW / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS greeting, by its first \
          bytes\r\n\r\n"
            .to_vec(),
        b"GET /config.json HTTP/1.1\r\nhost: \xff\xfe\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer \xff\xfe\r\ncookie: \
          \xff=\xfe\r\n\r\n"
            .to_vec(),
        format!("{form}content-length: 8\r\n\r\n\u{0}\u{1}=%FF%0").into_bytes(),
        format!("{form}content-length: 9999999999\r\n\r\n").into_bytes(),
        format!("{form}content-length: 1\r\ncontent-length: 2\r\n\r\na").into_bytes(),
        format!("{form}transfer-encoding: chunked\r\n\r\nzz\r\n").into_bytes(),
    ];
    for origin in [&place.app, &place.provider] {
        for request in &requests {
            let status = status(origin, request).await;
            assert!(
                status < 500,
                "{status} from {origin} to {:?}",
                String::from_utf8_lossy(&request[..request.len().min(80)])
            );
        }
        ready(&browser(), origin).await;
    }
    server.stop();
}
