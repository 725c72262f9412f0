//! Binding the addresses of a listener before anything else is started.

use std::{fmt, io, net::SocketAddr};

use tokio::net::TcpListener;

use crate::config::ListenAddress;

/// Bound addresses of one listener.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<TcpListener>,
}

/// An address can't be listened on.
#[derive(Debug, thiserror::Error)]
#[error("{address}: {reason}")]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// What the operating system says.
    pub reason: io::Error,
}

impl BindError {
    /// What to do about it.
    pub fn advice(&self) -> String {
        match self.reason.kind() {
            io::ErrorKind::AddrInUse => {
                format!("another process listens on {}: stop it, or set another port", self.address)
            }
            io::ErrorKind::PermissionDenied => {
                format!(
                    "this process may not listen on {}: ports below 1024 need a privilege",
                    self.address
                )
            }
            io::ErrorKind::AddrNotAvailable => {
                format!("this machine does not have the address {}", self.address)
            }
            _ => format!("can't listen on {}: {}", self.address, self.reason),
        }
    }
}

/// Binds all addresses. For `localhost` a machine without IPv6 gets IPv4 alone; port 0 takes a free
/// port for both.
pub async fn bind(listen: &ListenAddress) -> Result<Listener, BindError> {
    let mut sockets: Vec<TcpListener> = Vec::new();
    for &(mut address) in listen.addresses() {
        if let Some(bound) = sockets.first().and_then(|socket| socket.local_addr().ok()) {
            address.set_port(bound.port());
        }
        match TcpListener::bind(address).await {
            Ok(socket) => sockets.push(socket),
            Err(reason) if sockets.is_empty() || reason.kind() == io::ErrorKind::AddrInUse => {
                return Err(BindError { address, reason });
            }
            Err(reason) => {
                tracing::debug!(%address, %reason, "this machine has no second loopback address")
            }
        }
    }
    Ok(Listener { sockets })
}

impl Listener {
    /// The sockets, to accept from.
    pub fn into_sockets(self) -> Vec<TcpListener> {
        self.sockets
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<String> = self
            .sockets
            .iter()
            .filter_map(|socket| socket.local_addr().ok())
            .map(|address| address.to_string())
            .collect();
        formatter.write_str(&addresses.join(" and "))
    }
}
