//! Messages to the service manager (`sd_notify`): one datagram each, to the socket that
//! `NOTIFY_SOCKET` names. Without it nothing is sent.

use std::time::Duration;

/// Tells the service manager that the process serves.
pub fn ready(status: &str) {
    send(&format!("READY=1\nSTATUS={status}"));
}

/// Tells it that the process reads its configuration again. [`ready`] must follow.
pub fn reloading() {
    send("RELOADING=1");
}

/// Tells it that the process is about to stop.
pub fn stopping() {
    send("STOPPING=1");
}

/// Sends signs of life if the service manager wants them (`WatchdogSec`). They come from the
/// runtime that serves requests: when it hangs, they stop.
pub fn start_watchdog() {
    let Some(interval) = watchdog_interval(|name| std::env::var(name).ok()) else { return };
    tokio::spawn(async move {
        let mut times = tokio::time::interval(interval);
        loop {
            times.tick().await;
            send("WATCHDOG=1");
        }
    });
}

/// Half of the time after which the service manager loses patience. It may be meant for another
/// process.
fn watchdog_interval(variable: impl Fn(&str) -> Option<String>) -> Option<Duration> {
    let microseconds: u64 = variable("WATCHDOG_USEC")?.parse().ok()?;
    let process = variable("WATCHDOG_PID");
    let is_ours = process.is_none_or(|process| process == std::process::id().to_string());
    (is_ours && microseconds > 1).then(|| Duration::from_micros(microseconds / 2))
}

#[cfg(target_os = "linux")]
fn send(message: &str) {
    use std::os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixDatagram},
    };
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let name = name.as_encoded_bytes();
    let address = match name.strip_prefix(b"@") {
        Some(abstract_name) => SocketAddr::from_abstract_name(abstract_name),
        None => std::str::from_utf8(name)
            .map_err(std::io::Error::other)
            .and_then(SocketAddr::from_pathname),
    };
    let sent = address
        .and_then(|address| UnixDatagram::unbound()?.send_to_addr(message.as_bytes(), &address));
    if let Err(error) = sent {
        tracing::warn!(%error, "the service manager can't be told: NOTIFY_SOCKET");
    }
}

#[cfg(not(target_os = "linux"))]
fn send(_message: &str) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_is_fed_twice_in_its_time() {
        let own = std::process::id().to_string();
        let interval = |usec: &str, pid: Option<&str>| {
            watchdog_interval(|name| match name {
                "WATCHDOG_USEC" => Some(usec.to_owned()),
                _ => pid.map(str::to_owned),
            })
        };
        assert_eq!(interval("3000000", None), Some(Duration::from_millis(1500)));
        assert_eq!(interval("3000000", Some(&own)), Some(Duration::from_millis(1500)));
        assert_eq!(interval("3000000", Some("1")), None);
        assert_eq!(interval("0", None), None);
        assert_eq!(interval("soon", None), None);
        assert_eq!(watchdog_interval(|_| None), None);
    }
}
