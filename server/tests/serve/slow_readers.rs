//! Clients that do not read their answers, or open many connections, take nothing from others.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use crate::support::{Doorward, Sandbox, browser};

/// Asks for far more than the kernel buffers, and reads nothing.
async fn unread(port: u16) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(([127, 0, 0, 1], port).into()).await.unwrap();
    let request = "GET /.well-known/openid-configuration HTTP/1.1\r\nhost: localhost\r\n\r\n";
    // The server stops reading requests when it can't write answers.
    let flood = request.repeat(4000);
    let _ =
        tokio::time::timeout(Duration::from_millis(300), stream.write_all(flood.as_bytes())).await;
    stream
}

async fn is_alive(url: &str) -> bool {
    let answer = browser().get(format!("{url}/health/live")).send();
    let answer = tokio::time::timeout(Duration::from_secs(10), answer).await;
    answer.is_ok_and(|answer| answer.is_ok_and(|answer| answer.status() == 200))
}

/// Waits until the server has closed a connection that nobody reads: then even what it still holds
/// comes to an end.
async fn is_closed(mut stream: TcpStream) -> bool {
    let mut rest = Vec::new();
    let read = stream.read_to_end(&mut rest);
    tokio::time::timeout(Duration::from_secs(20), read).await.is_ok()
}

#[tokio::test]
async fn a_client_that_does_not_read_is_disconnected() {
    let place = Sandbox::new();
    let mut command = place.command(&["serve"]);
    command.env("DOORWARD_CONNECTIONS__WRITE_TIMEOUT", "1");
    command.env("DOORWARD_MANAGEMENT__LISTEN", "127.0.0.1:0");
    let log = place.folder().join("log");
    command.env("DOORWARD_LOG__LEVEL", "debug");
    let server = Doorward::start_logging(command, std::fs::File::create(&log).unwrap());
    let stream = unread(place.provider_port()).await;
    let given_up =
        || std::fs::read_to_string(&log).unwrap().contains("the client does not read its answers");
    while !given_up() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(is_closed(stream).await);
    assert!(is_alive(&place.provider).await);
    server.stop();
}

#[tokio::test]
async fn one_address_takes_neither_all_connections_nor_the_management_listener() {
    let place = Sandbox::new();
    let management = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = place.command(&["serve"]);
    command.env("DOORWARD_CONNECTIONS__MAX_PER_ADDRESS", "5");
    command.env("DOORWARD_CONNECTIONS__WRITE_TIMEOUT", "2");
    command.env("DOORWARD_MANAGEMENT__LISTEN", management.to_string());
    let server = Doorward::start(command);
    let mut streams = Vec::new();
    for _ in 0..5 {
        streams.push(unread(place.provider_port()).await);
    }
    let mut refused = TcpStream::connect(("127.0.0.1", place.app_port())).await.unwrap();
    assert_eq!(refused.read(&mut [0; 16]).await.unwrap_or(0), 0, "closed without an answer");
    assert!(is_alive(&format!("http://{management}")).await);
    let metrics = browser().get(format!("http://{management}/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(
        metrics.contains(r#"doorward_refused_connections_total{limit="address"}"#),
        "{metrics}"
    );
    // After the time limit there is room again, although the attacker is still connected.
    while !is_alive(&place.app).await {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.stop();
}

/// With few file descriptors the process accepts fewer connections, and keeps some for itself.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn connections_never_use_up_the_file_descriptors() {
    let place = Sandbox::new();
    let management = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let serve = place.command(&["serve"]);
    let mut limited = std::process::Command::new("bash");
    limited.args(["-c", "ulimit -n 256; exec \"$0\" \"$@\""]);
    limited.arg(serve.get_program()).args(serve.get_args()).current_dir(place.folder());
    for (name, value) in serve.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited.env("DOORWARD_MANAGEMENT__LISTEN", management.to_string());
    let server = Doorward::start(limited);
    let mut idle = Vec::new();
    for _ in 0..260 {
        idle.push(TcpStream::connect(("127.0.0.1", place.provider_port())).await.unwrap());
    }
    assert!(is_alive(&format!("http://{management}")).await);
    server.stop();
}

#[tokio::test]
async fn an_old_connection_is_closed_after_its_answer() {
    let place = Sandbox::new();
    let mut command = place.command(&["serve"]);
    command.env("DOORWARD_CONNECTIONS__MAX_AGE", "1");
    let server = Doorward::start(command);
    let mut stream = TcpStream::connect(("127.0.0.1", place.provider_port())).await.unwrap();
    let request = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    assert!(is_closed(stream).await, "long before an idle connection is closed");
    server.stop();
}
