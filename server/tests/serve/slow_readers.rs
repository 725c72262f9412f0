//! Clients that do not read their answers, or open many connections, take nothing from others.

use test_ports::ReservedPort;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream, tcp::OwnedReadHalf},
};

use crate::support::{Doorward, PATIENCE, Sandbox, browser, until};

/// Asks for far more than the kernel buffers, as long as the server reads it, and reads nothing.
async fn unread(port: u16) -> OwnedReadHalf {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(([127, 0, 0, 1], port).into()).await.unwrap();
    let (unread, mut requests) = stream.into_split();
    tokio::spawn(async move {
        let request = "GET /.well-known/openid-configuration HTTP/1.1\r\nhost: localhost\r\n\r\n";
        let _ = requests.write_all(request.repeat(4000).as_bytes()).await;
        // The end of the requests would end the connection.
        std::future::pending::<()>().await;
    });
    // It was accepted if answers come.
    unread.readable().await.unwrap();
    unread
}

async fn is_alive(url: &str) -> bool {
    let answer = browser().get(format!("{url}/health/live")).timeout(PATIENCE).send().await;
    answer.is_ok_and(|answer| answer.status() == 200)
}

/// Waits until the server has closed a connection that nobody reads: then even what it still holds
/// comes to an end.
async fn wait_for_end(mut stream: OwnedReadHalf) {
    let mut rest = Vec::new();
    let read = stream.read_to_end(&mut rest);
    // An abrupt end is one, too.
    let _ = tokio::time::timeout(PATIENCE, read).await.unwrap();
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
    until("the client is given up", async || {
        std::fs::read_to_string(&log).unwrap().contains("the client does not read its answers")
    })
    .await;
    wait_for_end(stream).await;
    assert!(is_alive(&place.provider).await);
    server.stop();
}

/// A server that accepts five connections from an address, and these five, of which nobody reads.
async fn besieged(place: &Sandbox, management: &ReservedPort, write_timeout: &str) -> Siege {
    let mut command = place.command(&["serve"]);
    command.env("DOORWARD_CONNECTIONS__MAX_PER_ADDRESS", "5");
    command.env("DOORWARD_CONNECTIONS__WRITE_TIMEOUT", write_timeout);
    command.env("DOORWARD_MANAGEMENT__LISTEN", management.address().to_string());
    let server = Doorward::start(command);
    let mut streams = Vec::new();
    for _ in 0..5 {
        streams.push(unread(place.provider_port()).await);
    }
    Siege { server, _streams: streams }
}

struct Siege {
    server: Doorward,
    _streams: Vec<OwnedReadHalf>,
}

#[tokio::test]
async fn one_address_takes_neither_all_connections_nor_the_management_listener() {
    let (place, management) = (Sandbox::new(), ReservedPort::new());
    let siege = besieged(&place, &management, "3600").await;
    let mut refused = TcpStream::connect(("127.0.0.1", place.app_port())).await.unwrap();
    assert_eq!(refused.read(&mut [0; 16]).await.unwrap_or(0), 0, "closed without an answer");
    let management = format!("http://{}", management.address());
    assert!(is_alive(&management).await);
    let metrics = browser().get(format!("{management}/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(
        metrics.contains(r#"doorward_refused_connections_total{limit="address"}"#),
        "{metrics}"
    );
    // They hold up its end, too.
    siege.server.kill();
}

#[tokio::test]
async fn after_the_time_limit_there_is_room_although_the_attacker_is_still_connected() {
    let (place, management) = (Sandbox::new(), ReservedPort::new());
    let siege = besieged(&place, &management, "2").await;
    until("there is room", async || is_alive(&place.app).await).await;
    siege.server.stop();
}

/// With few file descriptors the process accepts fewer connections, and keeps some for itself.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn connections_never_use_up_the_file_descriptors() {
    let (place, management) = (Sandbox::new(), ReservedPort::new());
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
    limited.env("DOORWARD_MANAGEMENT__LISTEN", management.address().to_string());
    let server = Doorward::start(limited);
    let mut idle = Vec::new();
    for _ in 0..260 {
        idle.push(TcpStream::connect(("127.0.0.1", place.provider_port())).await.unwrap());
    }
    assert!(is_alive(&format!("http://{}", management.address())).await);
    server.stop();
}

#[tokio::test]
async fn an_old_connection_is_closed_after_its_answer() {
    let place = Sandbox::new();
    let mut command = place.command(&["serve"]);
    command.env("DOORWARD_CONNECTIONS__MAX_AGE", "1").env("DOORWARD_LOG__LEVEL", "debug");
    let log = place.folder().join("log");
    let server = Doorward::start_logging(command, std::fs::File::create(&log).unwrap());
    let stream = TcpStream::connect(("127.0.0.1", place.provider_port())).await.unwrap();
    let (stream, mut requests) = stream.into_split();
    let request = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n";
    requests.write_all(request).await.unwrap();
    wait_for_end(stream).await;
    server.stop();
    // A connection that idles for too long ends in another way.
    let log = std::fs::read_to_string(log).unwrap();
    assert!(!log.contains("a connection ended early"), "{log}");
}
