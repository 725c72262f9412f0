//! Binds the addresses of a listener before anything else is started.

use std::{fmt, io, net::SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

use crate::config::ListenAddress;

/// What the kernel keeps of answers that are not read yet, in bytes. Linux doubles it. It is enough
/// for two megabytes a second to the other side of the earth.
const SEND_BUFFER: u32 = 256 * 1024;
/// What the kernel keeps of requests that are not read yet, in bytes: the largest body.
const RECEIVE_BUFFER: u32 = 256 * 1024;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// The bound addresses of one listener.
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

/// Binds all addresses. For `localhost` a machine without IPv6 gets IPv4 alone. Port 0 takes one
/// free port for both.
pub fn bind(listen: &ListenAddress) -> Result<Listener, BindError> {
    let mut sockets: Vec<TcpListener> = Vec::new();
    for &(mut address) in listen.addresses() {
        if let Some(bound) = sockets.first().and_then(|socket| socket.local_addr().ok()) {
            address.set_port(bound.port());
        }
        match listen_on(address) {
            Ok(socket) => sockets.push(socket),
            Err(reason) if sockets.is_empty() || reason.kind() == io::ErrorKind::AddrInUse => {
                return Err(BindError { address, reason });
            }
            Err(reason) => {
                tracing::debug!(%address, %reason, "this machine has no second loopback address");
            }
        }
    }
    Ok(Listener { sockets })
}

/// The listening socket. Its connections have small buffers in the kernel: a client that does not
/// read could otherwise hold eight megabytes each.
fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart can bind while connections of the previous process are still closing.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
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
